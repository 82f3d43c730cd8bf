//! Undoing a `Content-Encoding` that a client's `Accept-Encoding` has invited.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::{GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// The most bytes that one frame may become: an honest encoding of megabytes stays far below it.
const MOST: usize = 64 << 20;

/// An encoded body on its way to be read.
pub(super) enum Decoder {
    Gzip(GzDecoder<Room>),
    Zlib(ZlibDecoder<Room>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Room>>),
}

/// Decoded bytes until they are taken, and no more than there may be.
#[derive(Default)]
pub(super) struct Room(Vec<u8>);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other("it grows without bound"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// What undoes the encoding of an answer; `None` where there is none.
    ///
    /// # Spec
    /// RFC 9110, 8.4.
    ///
    /// # Errors
    /// When it is an encoding that nobody asked for.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, &'static str> {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Ok(None);
        };
        match value.to_str().map(str::trim).unwrap_or_default() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip(GzDecoder::new(Room::default())))),
            "deflate" => Ok(Some(Self::Zlib(ZlibDecoder::new(Room::default())))),
            "zstd" => zstd::stream::write::Decoder::new(Room::default())
                .map(|decoder| Some(Self::Zstd(Box::new(decoder))))
                .map_err(|_| BROKEN),
            _ => Err("the answer has a Content-Encoding that was not asked for"),
        }
    }

    /// The next decoded bytes.
    ///
    /// # Errors
    /// When the encoding is broken, or a frame becomes more than [`MOST`] bytes.
    pub(super) fn decode(&mut self, frame: &[u8]) -> Result<Bytes, &'static str> {
        let written = match self {
            Self::Gzip(decoder) => decoder.write_all(frame).and_then(|()| decoder.flush()),
            Self::Zlib(decoder) => decoder.write_all(frame).and_then(|()| decoder.flush()),
            Self::Zstd(decoder) => decoder.write_all(frame).and_then(|()| decoder.flush()),
        };
        written.map_err(|_| BROKEN)?;
        let room = match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        };
        Ok(std::mem::take(&mut room.0).into())
    }
}

const BROKEN: &str = "the answer's Content-Encoding cannot be undone";

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    fn decoder(encoding: &'static str) -> Result<Option<Decoder>, &'static str> {
        let value = HeaderValue::from_static(encoding);
        Decoder::of(&HeaderMap::from_iter([(CONTENT_ENCODING, value)]))
    }

    /// In two frames, as it may come.
    fn read(encoding: &'static str, encoded: &[u8]) -> Vec<u8> {
        let mut decoder = decoder(encoding).unwrap().unwrap();
        let (first, second) = encoded.split_at(encoded.len() / 2);
        let mut read = decoder.decode(first).unwrap().to_vec();
        read.extend_from_slice(&decoder.decode(second).unwrap());
        read
    }

    #[test]
    fn what_was_encoded_comes_back() {
        let text = b"{\"schemaVersion\":2}".repeat(1000);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&text).unwrap();
        assert_eq!(read("gzip", &gzip.finish().unwrap()), text);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text).unwrap();
        assert_eq!(read("deflate", &zlib.finish().unwrap()), text);
        assert_eq!(read("zstd", &zstd::encode_all(&text[..], 3).unwrap()), text);
    }

    #[test]
    fn a_bomb_and_a_strange_encoding_are_refused() {
        assert!(decoder("identity").unwrap().is_none());
        assert!(decoder("br").is_err());
        let bomb = zstd::encode_all(io::repeat(0).take(MOST as u64 + 1), 1).unwrap();
        let mut decoder = decoder("zstd").unwrap().unwrap();
        assert!(decoder.decode(&bomb).is_err());
    }
}
