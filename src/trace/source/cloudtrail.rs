//! The records of CloudTrail about Amazon ECR. Each call of its API is taken as the request of the registry's API that makes
//! ECR call it. The time is that of the arrival, in whole seconds; sizes and durations are unknown.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::entry::{Entry, Line};
use super::super::moment;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, default)]
    event_source: Cow<'a, str>,
    #[serde(borrow, default)]
    event_time: Cow<'a, str>,
    #[serde(borrow, default)]
    event_name: Cow<'a, str>,
    #[serde(rename = "sourceIPAddress", borrow, default)]
    address: Cow<'a, str>,
    #[serde(borrow, default)]
    user_agent: Cow<'a, str>,
    #[serde(borrow, default)]
    error_code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_identity: Option<Identity<'a>>,
    #[serde(borrow, default)]
    request_parameters: Option<Parameters<'a>>,
}

#[derive(Default, Deserialize)]
struct Identity<'a> {
    #[serde(borrow, default)]
    arn: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<'a> {
    #[serde(borrow, default)]
    repository_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    layer_digest: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    layer_digests: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    image_tag: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    image_ids: Option<Vec<ImageId<'a>>>,
    #[serde(borrow, default)]
    upload_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageId<'a> {
    #[serde(borrow, default)]
    image_tag: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    image_digest: Option<Cow<'a, str>>,
}

pub(super) fn read(record: &str) -> Line<'_> {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(record) else {
        return Line::Unreadable("no JSON, or not its fields");
    };
    if fields.event_source.is_empty() {
        return Line::Unreadable("no eventSource");
    }
    if fields.event_source != "ecr.amazonaws.com" {
        return Line::Outside;
    }
    let time = moment::rfc3339(&fields.event_time);
    if time.is_none() {
        return Line::Unreadable("no time");
    }
    let parameters = fields.request_parameters.unwrap_or_default();
    let Some((method, uri, success)) = request(&fields.event_name, &parameters) else {
        return Line::Outside;
    };
    let status = match fields.error_code.as_deref() {
        None => success,
        Some(code) => status_of(code),
    };
    Line::Request(Entry {
        time,
        is_end: false,
        address: fields.address,
        user: fields
            .user_identity
            .and_then(|it| it.arn)
            .unwrap_or_default(),
        agent: fields.user_agent,
        method: Cow::Borrowed(method),
        uri: Cow::Owned(uri),
        status: Some(status),
        ..Entry::default()
    })
}

/// The method, the URI and the status on success of the request behind a call.
fn request(call: &str, parameters: &Parameters<'_>) -> Option<(&'static str, String, u16)> {
    if call == "GetAuthorizationToken" {
        return Some(("GET", "/service/token".to_owned(), 200));
    }
    let repository = parameters.repository_name.as_deref()?;
    let image = parameters.image_ids.as_ref().and_then(|it| it.first());
    let of_image = image.and_then(|it| it.image_tag.as_deref().or(it.image_digest.as_deref()));
    let image = || of_image.or(parameters.image_tag.as_deref());
    let layers = parameters.layer_digests.as_ref();
    let layer = parameters.layer_digest.as_deref();
    let layer = || layer.or_else(|| layers?.first().map(AsRef::as_ref));
    let upload = || parameters.upload_id.as_deref();
    let below = |path: String| format!("/v2/{repository}/{path}");
    let (method, path, status) = match call {
        "BatchGetImage" => ("GET", format!("manifests/{}", image()?), 200),
        "PutImage" => ("PUT", format!("manifests/{}", image()?), 201),
        "BatchDeleteImage" => ("DELETE", format!("manifests/{}", image()?), 202),
        "GetDownloadUrlForLayer" => ("GET", format!("blobs/{}", layer()?), 307),
        "BatchCheckLayerAvailability" => ("HEAD", format!("blobs/{}", layer()?), 200),
        "InitiateLayerUpload" => ("POST", "blobs/uploads/".to_owned(), 202),
        "UploadLayerPart" => ("PATCH", format!("blobs/uploads/{}", upload()?), 201),
        "CompleteLayerUpload" => (
            "PUT",
            format!("blobs/uploads/{}?digest={}", upload()?, layer()?),
            201,
        ),
        "ListImages" | "DescribeImages" => ("GET", "tags/list".to_owned(), 200),
        _ => return None,
    };
    Some((method, below(path), status))
}

fn status_of(error: &str) -> u16 {
    match error {
        "ThrottlingException" | "Client.RequestLimitExceeded" | "LimitExceededException" => 429,
        "AccessDenied" | "AccessDeniedException" => 403,
        it if it.ends_with("NotFoundException") => 404,
        "ServerException" | "InternalFailure" => 500,
        _ => 400,
    }
}
