//! Reading an endpoint that serves metrics as text.

use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use flate2::write::MultiGzDecoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use http::{Method, StatusCode};
use tokio::task::yield_now;
use tokio::time::Instant;

use super::failure::Failure;
use super::picked::{Picked, Wanted};
use super::reading::Reading;
use super::source::Endpoint;
use super::text::{Dialect, Parser, TextError, TextLimits};
use crate::transport::{
    Body, Dialer, Incoming, Outgoing, Pool, PoolSettings, RequestParts, Totals,
};
use crate::units::foreign_words;

/// The plain format costs the least on both sides.
const FORMATS: HeaderValue = HeaderValue::from_static(
    "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
);

/// So many bytes of a response are decoded at once.
const PART: usize = 16 << 10;

/// Reads an endpoint, over a connection that it keeps.
#[derive(Debug)]
pub(super) struct EndpointReader {
    endpoint: Endpoint,
    pool: Rc<Pool>,
    wanted: Wanted,
    limit: Duration,
}

impl EndpointReader {
    pub(super) fn new(mut endpoint: Endpoint, totals: &Rc<Totals>, limit: Duration) -> Self {
        let dialer = Rc::new(Dialer::new(endpoint.route.clone(), 0));
        endpoint.headers.insert(ACCEPT, FORMATS);
        let gzip = HeaderValue::from_static("gzip");
        endpoint.headers.insert(ACCEPT_ENCODING, gzip);
        let metrics = std::mem::take(&mut endpoint.metrics);
        Self {
            pool: Pool::new(PoolSettings::default(), dialer, Rc::clone(totals)),
            wanted: Wanted::new(metrics),
            endpoint,
            limit,
        }
    }

    /// Reads it once.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub(super) async fn read(&mut self) -> Result<Reading, Failure> {
        let started = Instant::now();
        let request = Outgoing::new(RequestParts {
            method: Method::GET,
            address: self.endpoint.address.clone(),
            headers: self.endpoint.headers.clone(),
            body: Body::empty(),
            started,
            silence: self.limit,
        });
        let sent = request.send(&self.pool, &|| Some(Body::empty())).await;
        let response = sent.map_err(|failed| Failure::once(failed.error.to_string()))?;
        check(&response)?;
        let mut sink = Sink::new(response.headers(), self.wanted.begin())?;
        // A registry gathers its numbers between the request and the first byte of the response.
        let at = started + started.elapsed() / 2;
        receive(response, &mut sink).await?;
        let picked = sink.end()?;
        let mut reading = Reading::new(at);
        reading.product = picked.product();
        let buckets = picked.finish(&mut reading);
        self.wanted.keep(buckets);
        Ok(reading)
    }
}

/// Checks that a response may have metrics.
fn check(response: &Incoming) -> Result<(), Failure> {
    let status = response.status();
    let advice = match status {
        StatusCode::OK => return check_type(response.headers()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            ": set `username` and `password`, or `token`".to_owned()
        }
        StatusCode::NOT_FOUND => ": is this the path of its metrics?".to_owned(),
        _ if status.is_redirection() => {
            let to = response
                .headers()
                .get(LOCATION)
                .and_then(|it| it.to_str().ok());
            let to = to.map(|it| it.split(['?', '#']).next().unwrap_or(it));
            let to = foreign_words(to.unwrap_or("nowhere"), 100);
            format!(", to {to}: redirects are not followed, name the other address if it is right")
        }
        _ => String::new(),
    };
    Err(Failure::once(format!(
        "it answered {}{advice}",
        status.as_u16()
    )))
}

fn check_type(headers: &HeaderMap) -> Result<(), Failure> {
    match content_type(headers) {
        Some("text/html") => Err(Failure::once(
            "it answered with HTML: is this the path of its metrics?".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Returns the media type of a response without its parameters.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

/// Takes the body of a response as far as it is read.
async fn receive(mut response: Incoming, sink: &mut Sink<'_>) -> Result<(), Failure> {
    while let Some(frame) = response.frame().await {
        let bytes = frame.map_err(|error| Failure::once(error.to_string()))?;
        // A few bytes may decode to many: the other sources get their turn in between.
        for part in bytes.chunks(PART) {
            sink.take(part)?;
            yield_now().await;
        }
    }
    Ok(())
}

/// What a body goes through.
struct Sink<'w>(Decoder<Text<'w>>);

enum Decoder<W: Write> {
    Plain(W),
    Gzip(Box<MultiGzDecoder<W>>),
}

/// The text, whose lines are looked at as they come.
struct Text<'w> {
    parser: Parser,
    picked: Picked<'w>,
    error: Option<TextError>,
}

impl<'w> Sink<'w> {
    fn new(headers: &HeaderMap, picked: Picked<'w>) -> Result<Self, Failure> {
        let dialect = match content_type(headers) {
            Some("application/openmetrics-text") => Dialect::OpenMetrics,
            _ => Dialect::Prometheus,
        };
        let text = Text {
            parser: Parser::new(dialect, TextLimits::default()),
            picked,
            error: None,
        };
        let coding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
        match coding.map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"identity" | b"") => Ok(Self(Decoder::Plain(text))),
            Some(b"gzip") => Ok(Self(Decoder::Gzip(Box::new(MultiGzDecoder::new(text))))),
            Some(_) => Err(Failure::once(
                "its `Content-Encoding` was not asked for".to_owned(),
            )),
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let taken = match &mut self.0 {
            Decoder::Plain(text) => text.write_all(bytes),
            Decoder::Gzip(decoder) => decoder.write_all(bytes),
        };
        self.told(taken)
    }

    fn end(mut self) -> Result<Picked<'w>, Failure> {
        let ended = match &mut self.0 {
            Decoder::Plain(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
        };
        self.told(ended)?;
        let text = match self.0 {
            Decoder::Plain(text) => text,
            // It was finished, so nothing of it is left to be written.
            Decoder::Gzip(decoder) => decoder
                .finish()
                .map_err(|error| Failure::once(error.to_string()))?,
        };
        text.end()
    }

    /// Returns what is wrong with the text, or else with its coding.
    fn told(&mut self, result: io::Result<()>) -> Result<(), Failure> {
        let text = match &mut self.0 {
            Decoder::Plain(text) => text,
            Decoder::Gzip(decoder) => decoder.get_mut(),
        };
        if let Some(error) = text.error.take() {
            return Err(of_text(&error));
        }
        result.map_err(|_| Failure::once("it is not gzip, or the end of it is missing".to_owned()))
    }
}

impl Write for Text<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let picked = &mut self.picked;
        match self.parser.feed(bytes, &mut |line| picked.see(line)) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.error = Some(error);
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> Text<'w> {
    fn end(mut self) -> Result<Picked<'w>, Failure> {
        let picked = &mut self.picked;
        let ended = self.parser.end(&mut |line| picked.see(line));
        ended.map_err(|error| of_text(&error))?;
        if self.parser.samples() == 0 {
            return Err(Failure::once("it answered with nothing".to_owned()));
        }
        Ok(self.picked)
    }
}

fn of_text(error: &TextError) -> Failure {
    if error.is_too_large() {
        return Failure::last(format!(
            "its metrics are too many, {error}: it is not read any more"
        ));
    }
    Failure::once(format!("its text is none of Prometheus: {error}"))
}
