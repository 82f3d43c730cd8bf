//! What a path is of. Repository names contain slashes, so a path is read from its right end.

use http::Method;

use crate::oci::Operation;

use super::query::Query;

/// The endpoint a path names. The parts are as they came: not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'p> {
    Ping,
    Token,
    Catalog,
    Manifest { name: &'p str, reference: &'p str },
    Blob { name: &'p str, digest: &'p str },
    Uploads { name: &'p str },
    Upload { name: &'p str, id: &'p str },
    Tags { name: &'p str },
    Referrers { name: &'p str, digest: &'p str },
}

impl<'p> Route<'p> {
    /// Reads a path that stands behind `base`. `None`: no endpoint of the specification.
    pub(super) fn parse(base: &str, path: &'p str) -> Option<Self> {
        let path = path.strip_prefix(base)?;
        match path {
            "/v2" | "/v2/" => return Some(Self::Ping),
            "/v2/_catalog" => return Some(Self::Catalog),
            "/token" => return Some(Self::Token),
            _ => {}
        }
        let rest = path.strip_prefix("/v2/")?;
        let (head, last) = rest.rsplit_once('/')?;
        if last == "list"
            && let Some(name) = head.strip_suffix("/tags")
        {
            return Some(Self::Tags { name });
        }
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            return Some(if last.is_empty() {
                Self::Uploads { name }
            } else {
                Self::Upload { name, id: last }
            });
        }
        let (name, kind) = head.rsplit_once('/')?;
        match kind {
            "manifests" => Some(Self::Manifest {
                name,
                reference: last,
            }),
            "blobs" => Some(Self::Blob { name, digest: last }),
            "referrers" => Some(Self::Referrers { name, digest: last }),
            _ => None,
        }
    }

    /// Returns the operation of a method at this endpoint, or `None` if it does not have the method.
    pub(super) fn operation(&self, method: &Method, query: Query<'_>) -> Option<Operation> {
        let get = method == Method::GET;
        let head = method == Method::HEAD;
        let (post, put, delete) = (
            method == Method::POST,
            method == Method::PUT,
            method == Method::DELETE,
        );
        match self {
            Self::Ping if get || head => Some(Operation::Ping),
            Self::Token if get || post => Some(Operation::Token),
            Self::Catalog if get || head => Some(Operation::Catalog),
            Self::Tags { .. } if get || head => Some(Operation::TagsList),
            Self::Referrers { .. } if get || head => Some(Operation::Referrers),
            Self::Manifest { .. } if get => Some(Operation::ManifestGet),
            Self::Manifest { .. } if head => Some(Operation::ManifestHead),
            Self::Manifest { .. } if put => Some(Operation::ManifestPut),
            Self::Manifest { .. } if delete => Some(Operation::ManifestDelete),
            Self::Blob { .. } if get => Some(Operation::BlobGet),
            Self::Blob { .. } if head => Some(Operation::BlobHead),
            Self::Blob { .. } if delete => Some(Operation::BlobDelete),
            Self::Uploads { .. } if post => Some(if query.has("mount") {
                Operation::UploadMount
            } else if query.has("digest") {
                Operation::UploadPost
            } else {
                Operation::UploadStart
            }),
            Self::Upload { .. } if get || head => Some(Operation::UploadStatus),
            Self::Upload { .. } if method == Method::PATCH => Some(Operation::UploadPatch),
            Self::Upload { .. } if put => Some(Operation::UploadPut),
            Self::Upload { .. } if delete => Some(Operation::UploadCancel),
            _ => None,
        }
    }

    /// Returns the repository, if the endpoint has one.
    pub(super) const fn name(&self) -> Option<&'p str> {
        match self {
            Self::Ping | Self::Token | Self::Catalog => None,
            Self::Manifest { name, .. }
            | Self::Blob { name, .. }
            | Self::Uploads { name }
            | Self::Upload { name, .. }
            | Self::Tags { name }
            | Self::Referrers { name, .. } => Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_read_from_the_right() {
        let parse = |path| Route::parse("", path);
        assert_eq!(parse("/v2/"), Some(Route::Ping));
        assert_eq!(parse("/v2"), Some(Route::Ping));
        assert_eq!(parse("/v2/_catalog"), Some(Route::Catalog));
        assert_eq!(
            parse("/v2/a/manifests/b/manifests/1"),
            Some(Route::Manifest {
                name: "a/manifests/b",
                reference: "1"
            })
        );
        assert_eq!(
            parse("/v2/tags/list/tags/list"),
            Some(Route::Tags { name: "tags/list" })
        );
        assert_eq!(
            parse("/v2/blobs/uploads/blobs/uploads/"),
            Some(Route::Uploads {
                name: "blobs/uploads"
            })
        );
        assert_eq!(
            parse("/v2/a/b/blobs/uploads/u-1"),
            Some(Route::Upload {
                name: "a/b",
                id: "u-1"
            })
        );
        assert_eq!(
            parse("/v2/a/blobs/x"),
            Some(Route::Blob {
                name: "a",
                digest: "x"
            })
        );
        for none in [
            "",
            "/",
            "/v1/",
            "/v2/a",
            "/v2/a/b",
            "/v2/a/other/1",
            "v2/",
            "/v2/manifests/1",
        ] {
            assert_eq!(parse(none), None, "{none}");
        }
    }

    #[test]
    fn the_base_path_stands_in_front() {
        assert_eq!(Route::parse("/link/to", "/link/to/v2/"), Some(Route::Ping));
        assert_eq!(Route::parse("/link/to", "/v2/"), None);
    }

    #[test]
    fn the_query_tells_three_posts_apart() {
        let uploads = Route::Uploads { name: "a" };
        let with = |query| uploads.operation(&Method::POST, Query::new(query));
        assert_eq!(with(None), Some(Operation::UploadStart));
        assert_eq!(with(Some("digest=x")), Some(Operation::UploadPost));
        assert_eq!(with(Some("mount=x&from=b")), Some(Operation::UploadMount));
        assert_eq!(uploads.operation(&Method::GET, Query::new(None)), None);
    }

    proptest! {
        #[test]
        fn any_path_is_read_or_refused_without_panic(path in "(/(v2|blobs|uploads|tags|list|manifests|[^/]{0,5})){0,8}/?") {
            let _ = Route::parse("", &path);
            let _ = Route::parse("/base", &path);
        }
    }
}
