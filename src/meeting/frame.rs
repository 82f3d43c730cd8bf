//! Messages on a connection: four bytes of length, then JSON.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// The most bytes of a message of a peer that has not proven that it knows the token.
pub(super) const OF_STRANGERS: usize = 16 << 10;

/// The most bytes of any message: a report with the histograms of many journeys has a few millions.
pub(super) const MOST: usize = 64 << 20;

/// What is read at once before more memory is taken: a peer that announces much has to send it.
const AT_ONCE: usize = 64 << 10;

/// How long a peer may be silent, within a message or between two, before it is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// Reads one message of at most `most` bytes.
///
/// # Errors
/// When the connection ends, is silent for [`SILENCE`], announces more, or what comes is no such message.
///
/// # Cancel safety
/// A message that was begun is lost: the connection is of no use any more.
pub(super) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> io::Result<T> {
    let length = heard(from.read_u32()).await? as usize;
    if length > most {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {length} bytes, and {most} are the most"),
        ));
    }
    let mut text = Vec::with_capacity(length.min(AT_ONCE));
    let mut limited = from.take(length as u64);
    while text.len() < length {
        if heard(limited.read_buf(&mut text)).await? == 0 {
            return Err(ended());
        }
    }
    serde_json::from_slice(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes one message.
///
/// # Errors
/// When the connection is gone, or the message is longer than [`MOST`].
///
/// # Cancel safety
/// As [`read`].
pub(super) async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let length = u32::try_from(text.len())
        .ok()
        .filter(|it| *it as usize <= MOST);
    let length = length.ok_or(io::ErrorKind::InvalidInput)?;
    let mut bytes = Vec::with_capacity(text.len() + 4);
    bytes.extend(length.to_be_bytes());
    bytes.extend(text);
    for chunk in bytes.chunks(AT_ONCE) {
        heard(to.write_all(chunk)).await?;
    }
    heard(to.flush()).await
}

/// Waits for a peer, but no longer than it may be silent.
async fn heard<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let heard = timeout(SILENCE, work).await;
    let heard = heard.unwrap_or_else(|_| {
        let words = format!("nothing was heard of it for {} s", SILENCE.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, words))
    });
    heard.map_err(|error| match error.kind() {
        // The same words with TLS and without.
        io::ErrorKind::UnexpectedEof => ended(),
        _ => error,
    })
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "its connection has ended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_and_what_is_none_is_refused() {
        let mut bytes = Vec::new();
        write(&mut bytes, &["a", "b"]).await.unwrap();
        write(&mut bytes, &7).await.unwrap();
        let mut from = bytes.as_slice();
        let words: Vec<String> = read(&mut from, 100).await.unwrap();
        assert_eq!(words, ["a", "b"]);
        assert_eq!(read::<u64>(&mut from, 100).await.unwrap(), 7);
        assert!(read::<u64>(&mut from, 100).await.is_err(), "nothing more");
        let huge = [0xff; 8];
        let refused = read::<u64>(&mut huge.as_slice(), MOST).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        let garbage = b"\0\0\0\x03{{{";
        assert!(read::<u64>(&mut garbage.as_slice(), 100).await.is_err());
        let short = b"\0\0\0\x09123";
        assert!(read::<u64>(&mut short.as_slice(), 100).await.is_err());
    }
}
