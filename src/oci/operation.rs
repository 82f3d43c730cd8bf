//! The endpoints of the distribution specification as one table: their names and their accepted statuses.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of an exchange. Reports, thresholds and histograms are by operation.
///
/// # Spec
/// distribution-spec 1.1, "Endpoints"; the id of each is in [`Operation::spec_id`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Whether the host is a registry that accepts the client.
    Ping,
    /// A token from the service that the registry's challenge names.
    Token,
    /// Whether a manifest exists, and its digest.
    ManifestHead,
    /// A manifest, by tag or digest.
    ManifestGet,
    /// Store a manifest.
    ManifestPut,
    /// Delete a manifest or a tag.
    ManifestDelete,
    /// Whether a blob exists.
    BlobHead,
    /// A blob, whole or a range.
    BlobGet,
    /// Delete a blob.
    BlobDelete,
    /// Open an upload session.
    UploadStart,
    /// A whole blob in one POST.
    UploadPost,
    /// Mount a blob from another repository.
    UploadMount,
    /// Send a part of a blob, or all of it.
    UploadPatch,
    /// Close an upload session, with or without the last bytes.
    UploadPut,
    /// The progress of an upload.
    UploadStatus,
    /// Cancel an upload session.
    UploadCancel,
    /// The tags of a repository.
    TagsList,
    /// The manifests that refer to another one.
    Referrers,
    /// The repositories of a registry.
    Catalog,
    /// The request after a redirect, to any URL.
    Redirected,
}

/// A row of the table.
struct Line {
    name: &'static str,
    spec_id: &'static str,
    accepted: &'static [u16],
}

impl Operation {
    /// Every operation, in the order of the table and of reports.
    pub const ALL: [Self; 20] = [
        Self::Ping,
        Self::Token,
        Self::ManifestHead,
        Self::ManifestGet,
        Self::ManifestPut,
        Self::ManifestDelete,
        Self::BlobHead,
        Self::BlobGet,
        Self::BlobDelete,
        Self::UploadStart,
        Self::UploadPost,
        Self::UploadMount,
        Self::UploadPatch,
        Self::UploadPut,
        Self::UploadStatus,
        Self::UploadCancel,
        Self::TagsList,
        Self::Referrers,
        Self::Catalog,
        Self::Redirected,
    ];

    const fn line(self) -> Line {
        let (name, spec_id, accepted): (_, _, &[u16]) = match self {
            Self::Ping => ("ping", "end-1", &[200]),
            Self::Token => ("token", "", &[200]),
            // A client sends HEAD because it does not know: 404 is a success.
            Self::ManifestHead => ("manifest-head", "end-3", &[200, 404]),
            Self::ManifestGet => ("manifest-get", "end-3", &[200]),
            Self::ManifestPut => ("manifest-put", "end-7", &[201]),
            Self::ManifestDelete => ("manifest-delete", "end-9", &[202]),
            Self::BlobHead => ("blob-head", "end-2", &[200, 404]),
            Self::BlobGet => ("blob-get", "end-2", &[200, 206]),
            Self::BlobDelete => ("blob-delete", "end-10", &[202]),
            Self::UploadStart => ("upload-start", "end-4a", &[202]),
            // 202: the registry does not support this in one request, and opened a session instead.
            Self::UploadPost => ("upload-post", "end-4b", &[201, 202]),
            // 202: the blob could not be mounted, and a session is open.
            Self::UploadMount => ("upload-mount", "end-11", &[201, 202]),
            // 201: the status of ECR.
            Self::UploadPatch => ("upload-patch", "end-5", &[202, 201]),
            Self::UploadPut => ("upload-put", "end-6", &[201]),
            Self::UploadStatus => ("upload-status", "end-13", &[204]),
            Self::UploadCancel => ("upload-cancel", "end-14", &[204]),
            Self::TagsList => ("tags-list", "end-8", &[200]),
            Self::Referrers => ("referrers", "end-12", &[200]),
            Self::Catalog => ("catalog", "", &[200]),
            Self::Redirected => ("redirected", "", &[200, 206, 404]),
        };
        Line {
            name,
            spec_id,
            accepted,
        }
    }

    /// The name in reports and scenarios.
    pub const fn name(self) -> &'static str {
        self.line().name
    }

    /// The id in the specification's table; empty for other operations.
    pub const fn spec_id(self) -> &'static str {
        self.line().spec_id
    }

    /// The statuses that mean success.
    pub const fn accepted(self) -> &'static [u16] {
        self.line().accepted
    }

    /// The position in [`Operation::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_name_lead_back() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation.index(), index);
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
            let json = serde_json::to_value(operation).unwrap();
            assert_eq!(json, operation.name());
        }
    }
}
