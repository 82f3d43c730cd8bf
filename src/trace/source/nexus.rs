//! The request log of Nexus, `request.log`, of both its versions. Its time is that of the end.

use super::template::Template;

/// With the length of the request and of the response, and with the latter alone.
const TEMPLATES: [&str; 2] = [
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $content_length $body_bytes_sent $elapsed_ms \
     \"$http_user_agent\" [$thread]",
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent $elapsed_ms \"$http_user_agent\"",
];

pub(super) fn templates() -> [Template; 2] {
    TEMPLATES.map(|text| Template::new(text).expect("a test holds that it is one"))
}
