//! Which statuses are a success: those of the specification, and others that the client accepts.

use http::StatusCode;

use super::call::Call;
use crate::oci::Operation;
use crate::profile::Accepted;

/// Returns `true` if the status is a success by the specification or by the call itself.
pub(super) fn is_specified(call: &Call<'_>, status: StatusCode) -> bool {
    let status = status.as_u16();
    call.operation.accepted().contains(&status) || call.also.contains(&status)
}

/// Returns `true` if the client accepts the status as a success.
pub(super) fn is_taken(accepted: &Accepted, call: &Call<'_>, status: StatusCode) -> bool {
    let statuses = match call.operation {
        // A ping that checks for a registry needs to know.
        Operation::Ping if call.bare => &accepted.ping,
        Operation::ManifestHead => &accepted.manifest_head,
        Operation::ManifestGet => &accepted.manifest_get,
        Operation::ManifestPut => &accepted.manifest_put,
        Operation::ManifestDelete | Operation::BlobDelete => &accepted.delete,
        Operation::BlobHead => &accepted.blob_head,
        Operation::BlobGet => &accepted.blob_get,
        Operation::UploadStart | Operation::UploadMount => &accepted.session,
        Operation::UploadPatch => &accepted.patch,
        Operation::UploadPut => &accepted.blob_put,
        Operation::UploadCancel => &accepted.cancel,
        Operation::TagsList | Operation::Catalog => &accepted.list,
        Operation::Ping
        | Operation::Token
        | Operation::UploadPost
        | Operation::UploadStatus
        | Operation::Referrers
        | Operation::Redirected => return false,
    };
    statuses.contains(status.as_u16())
}
