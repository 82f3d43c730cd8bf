//! What becomes of upload sessions that clients have left open on purpose: looked at after the load, and told in notes.

use super::context::Context;
use crate::registry::{Client, Left};

const CANCELLED: &str =
    "an upload that its client left open was still open after the load, and was cancelled";
const OPEN: &str = "an upload that its client left open is still open after the load";
const GONE: &str = "the registry had ended an upload that its client left open";
const UNREACHABLE: &str = "an upload that its client broke off cannot be reached any more, and stays until the registry purges it";
const UNKNOWN: &str = "an upload that its client left open could not be looked at or cancelled";

/// Looks at those of one client, and cancels what is open if that is wanted. Each is one note.
pub(super) async fn look(context: &Context, client: &Client, cancels: bool) {
    while let Some(looked) = client.look_at_left(cancels).await {
        let note = match looked {
            Ok(Left::Open) if cancels => CANCELLED,
            Ok(Left::Open) => OPEN,
            Ok(Left::Gone) => GONE,
            Ok(Left::Unreachable) => UNREACHABLE,
            // The exchange tells why.
            Err(_) => UNKNOWN,
        };
        context.note(note.to_owned());
    }
}
