//! Uploads: in one request, in two, in chunks, or taken over from another repository.

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName, LOCATION, RANGE};

use crate::oci::{Algorithm, Digest, DigestError, ErrorCode, Operation, RepositoryName};

use super::blob::{ENTRY, Mismatch, Spool};
use super::blobs;
use super::inbound::Inbound;
use super::range::ChunkRange;
use super::refusal::{Ending, Refusal};
use super::request::ParsedRequest;
use super::response::Response;
use super::settings::Quirk;
use super::upload_session::{Progress, Unavailable};
use super::upload_writing::Writing;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// # Spec
/// end-4a, end-4b, end-4c and end-11: everything that begins with a `POST`.
pub(super) async fn open(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    operation: Operation,
    inbound: &mut Inbound,
) -> Result<Response, Ending> {
    if operation == Operation::UploadMount && mount(request, name)? {
        let digest = asked_digest(request, "mount")?;
        return Ok(blobs::created(request, name, &digest));
    }
    if operation == Operation::UploadPost && !request.site.has(Quirk::NoSinglePost) {
        let digest = asked_digest(request, "digest")?;
        let mut spool = new_spool(request, digest.algorithm())?;
        while let Some(bytes) = inbound.next().await? {
            spool.push(bytes).map_err(Refusal::from)?;
        }
        return Ok(commit(request, name, spool, digest)?);
    }
    let algorithm = match request.query.get("digest-algorithm").as_deref() {
        None | Some("sha256") => Algorithm::Sha256,
        Some("sha512") => Algorithm::Sha512,
        Some(other) => {
            let error = DigestError::UnknownAlgorithm(other.chars().take(32).collect());
            return Err(Refusal::digest(error.to_string()).into());
        }
    };
    let spool = new_spool(request, algorithm)?;
    let (id, state) = (request.site.keys.draw(), request.site.draw_state());
    let started = request
        .site
        .uploads
        .borrow_mut()
        .start(id, state, name.clone(), spool);
    let progress = started.ok_or_else(|| {
        Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::TooManyRequests,
            "too many uploads are open; finish or cancel some",
        )
    })?;
    let mut response = tell(request, name, progress, Response::new(StatusCode::ACCEPTED));
    if let Some(least) = request.site.settings.chunk_min_length {
        response = response.header(CHUNK_MIN_LENGTH, least.get());
    }
    Ok(response)
}

/// Takes a blob over, if it is there.
fn mount(request: &ParsedRequest<'_>, name: &RepositoryName) -> Result<bool, Refusal> {
    let digest = asked_digest(request, "mount")?;
    if request.site.has(Quirk::NoMount) {
        return Ok(false);
    }
    let mut store = request.site.store.borrow_mut();
    if let Some(from) = request.query.get("from") {
        // A source that cannot exist does not have the blob; it is no reason to refuse the upload.
        let source = from.parse::<RepositoryName>().ok();
        if source.is_none_or(|source| store.blob(&source, &digest).is_none()) {
            return Ok(false);
        }
    }
    let link = request.site.budget.reserve(ENTRY)?;
    Ok(store.link_blob(name, &digest, link))
}

/// # Spec
/// end-5, "Pushing a blob in chunks". Without `Content-Range` the body is appended: the streamed upload of clients
/// that do not know the length.
pub(super) async fn patch(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    id: &str,
    inbound: &mut Inbound,
) -> Result<Response, Ending> {
    let mut writing = begin(request, name, id)?;
    append(request, name, &mut writing, inbound).await?;
    let progress = writing.suspend();
    let status = if request.site.has(Quirk::PatchCreated) {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    };
    Ok(tell(request, name, progress, Response::new(status)))
}

/// # Spec
/// end-6: the end of an upload, with or without the last (or only) bytes.
pub(super) async fn put(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    id: &str,
    inbound: &mut Inbound,
) -> Result<Response, Ending> {
    let digest = asked_digest(request, "digest")?;
    let mut writing = begin(request, name, id)?;
    writing.session().spool.expect_algorithm(digest.algorithm());
    append(request, name, &mut writing, inbound).await?;
    Ok(commit(request, name, writing.commit(), digest)?)
}

/// # Spec
/// end-13.
pub(super) fn status(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    id: &str,
) -> Result<Response, Refusal> {
    let id = read_id(id)?;
    let progress = request
        .site
        .uploads
        .borrow_mut()
        .progress(id, name)
        .map_err(Refusal::from)?;
    Ok(tell(
        request,
        name,
        progress,
        Response::new(StatusCode::NO_CONTENT),
    ))
}

/// # Spec
/// end-14.
pub(super) fn cancel(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    id: &str,
) -> Result<Response, Refusal> {
    request
        .site
        .uploads
        .borrow_mut()
        .cancel(read_id(id)?, name)?;
    Ok(Response::new(StatusCode::NO_CONTENT))
}

fn begin(request: &ParsedRequest<'_>, name: &RepositoryName, id: &str) -> Result<Writing, Refusal> {
    let state = request
        .query
        .get("_state")
        .and_then(|text| u64::from_str_radix(&text, 16).ok());
    Ok(Writing::begin(request.site, read_id(id)?, name, state)?)
}

/// Reads the body to the end of the session's content.
async fn append(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    writing: &mut Writing,
    inbound: &mut Inbound,
) -> Result<(), Ending> {
    let expected = chunk_length(request, name, writing)?;
    let before = writing.session().spool.size();
    while let Some(bytes) = inbound.next().await? {
        let session = writing.session();
        if session.short {
            let message = "a chunk before this one is shorter than OCI-Chunk-Min-Length; nothing may follow it";
            return Err(Refusal::bad(ErrorCode::SizeInvalid, message).into());
        }
        session.spool.push(bytes).map_err(Refusal::from)?;
    }
    let got = writing.session().spool.size() - before;
    if let Some(expected) = expected
        && got != expected
    {
        let message = format!("Content-Range announces {expected} bytes, but {got} came");
        return Err(Refusal::bad(ErrorCode::SizeInvalid, message).into());
    }
    if let Some(least) = request.site.settings.chunk_min_length {
        writing.session().short |= (1..least.get()).contains(&got);
    }
    Ok(())
}

/// Checks `Content-Range` against the offset and `Content-Length`, before a byte is read.
fn chunk_length(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    writing: &mut Writing,
) -> Result<Option<u64>, Refusal> {
    let Some(value) = request.head.headers.get(CONTENT_RANGE) else {
        return Ok(None);
    };
    let progress = writing.progress();
    let range = value.to_str().ok().and_then(ChunkRange::parse);
    let Some(range) = range.filter(|range| range.first == progress.size) else {
        let message = format!(
            "Content-Range must be <start>-<end> without unit and begin at {}",
            progress.size
        );
        let refusal = Refusal::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            ErrorCode::Other("RANGE_INVALID".into()),
            message,
        );
        return Err(refusal
            .with(RANGE, range_of(progress))
            .with(LOCATION, location(request, name, progress))
            .with(UPLOAD_UUID, uuid(progress.id)));
    };
    let length = range.length();
    let announced = request
        .header(&CONTENT_LENGTH)
        .and_then(|text| text.parse::<u64>().ok());
    if length.is_none() || announced.is_some_and(|announced| Some(announced) != length) {
        let message = "Content-Length and Content-Range announce different numbers of bytes";
        return Err(Refusal::bad(ErrorCode::SizeInvalid, message));
    }
    Ok(length)
}

fn commit(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    spool: Spool,
    digest: Digest,
) -> Result<Response, Refusal> {
    let blob = spool.finish(digest).map_err(|mismatch| match mismatch {
        Mismatch::Digest(found) => {
            Refusal::digest(format!("the content has the digest {found}, not {digest}"))
        }
        Mismatch::Algorithm => Refusal::digest(
            "this registry throws content away as it comes; name the algorithm when the upload begins (digest-algorithm)",
        ),
    })?;
    let link = request.site.budget.reserve(ENTRY)?;
    let mut store = request.site.store.borrow_mut();
    store.add_blob(name, blob, link);
    if request.lapse.loses {
        store.lose_blob(name, &digest);
    }
    drop(store);
    Ok(blobs::created(request, name, &digest))
}

fn new_spool(request: &ParsedRequest<'_>, algorithm: Algorithm) -> Result<Spool, Refusal> {
    Ok(Spool::new(
        algorithm,
        request.site.is_sink(),
        &request.site.budget,
    )?)
}

fn asked_digest(request: &ParsedRequest<'_>, key: &str) -> Result<Digest, Refusal> {
    let text = request
        .query
        .get(key)
        .ok_or_else(|| Refusal::digest(format!("the query has no `{key}`")))?;
    text.parse()
        .map_err(|error: DigestError| Refusal::digest(error.to_string()))
}

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Unknown => Self::missing(
                ErrorCode::BlobUploadUnknown,
                "this repository has no such upload; it may be finished, cancelled or forgotten",
            ),
            Unavailable::Stale => Self::missing(
                ErrorCode::BlobUploadInvalid,
                "the state of the upload is missing or not the last one; use the Location of the last response as it is",
            ),
        }
    }
}

/// Says where an upload stands and where it goes on.
fn tell(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    progress: Progress,
    response: Response,
) -> Response {
    response
        .header(LOCATION, location(request, name, progress))
        .header(RANGE, range_of(progress))
        .header(UPLOAD_UUID, uuid(progress.id))
}

fn location(request: &ParsedRequest<'_>, name: &RepositoryName, progress: Progress) -> String {
    let base = request.site.location_base(request.head);
    let (id, state) = (uuid(progress.id), progress.state);
    format!("{base}/v2/{name}/blobs/uploads/{id}?_state={state:016x}")
}

/// Returns the range so far: `0-0` for nothing, which one byte looks like too; the specification leaves no other way.
fn range_of(progress: Progress) -> String {
    format!("0-{}", progress.size.saturating_sub(1))
}

fn uuid(id: u128) -> String {
    let hex = format!("{id:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

fn read_id(text: &str) -> Result<u128, Refusal> {
    let hex = text.replace('-', "");
    if hex.len() == 32
        && let Ok(id) = u128::from_str_radix(&hex, 16)
    {
        Ok(id)
    } else {
        Err(Unavailable::Unknown.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_uuids_and_lead_back() {
        let id = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
        assert_eq!(uuid(id), "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(read_id(&uuid(id)).unwrap(), id);
        assert!(read_id("").is_err());
        assert!(read_id("x").is_err());
    }
}
