//! What the exchanges ran over: TLS handshakes, HTTP versions where there is more than the usual one, and addresses of
//! hosts that have several.

use crate::measure::Connections;
use crate::report::addresses;
use crate::report::table::Paint;
use crate::report::words::number_of;
use crate::result::Document;
use crate::units;

use super::layout::Layout;

/// Returns a line for TLS, one for HTTP/2 and some for each host with several addresses, each where there was some.
pub(super) fn lines(document: &Document, layout: Layout) -> String {
    let mut all = Connections::default();
    for operation in &document.operations {
        all.merge(operation.counts.connections);
    }
    let mut text = String::new();
    if all.tls_full > 0 || all.tls_resumed > 0 {
        let words = format!(
            "handshakes: {} full, {} resumed",
            units::count(all.tls_full),
            units::count(all.tls_resumed)
        );
        text.push_str(&layout.line("TLS", &words, Paint::Plain));
    }
    if all.http2 > 0 {
        let words = format!(
            "{} over HTTP/2 (sending and first byte measured in the client, not at the socket), {} over HTTP/1.1",
            number_of(all.http2, "exchange"),
            units::count(all.http1)
        );
        text.push_str(&layout.line("HTTP", &words, Paint::Plain));
    }
    for host in addresses::hosts(document) {
        text.push_str(&layout.line("addresses", &host.summary, Paint::Plain));
        let widest = host.addresses.iter().map(|(it, _)| it.len()).max();
        for (address, counts) in &host.addresses {
            let words = format!("{address:width$}  {counts}", width = widest.unwrap_or(0));
            text.push_str(&layout.line("", &words, Paint::Plain));
        }
    }
    text
}
