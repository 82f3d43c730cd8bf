//! Decoding of `Content-Encoding`, as far as the client decodes it.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

use crate::units::foreign_words;

/// The most decoded bytes of one frame: an honest encoding of megabytes stays far below it.
const MOST: usize = 64 << 20;

/// The most codings of one response.
const MOST_CODINGS: usize = 4;

/// Which codings a client decodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undoing {
    /// Those of the specification, requested or not. A list with another one is passed on encoded.
    Known,
    /// The one that the response names, if the request asked for it. Anything else is passed on encoded: Go's
    /// transport decodes the `gzip` that it requested, and nothing under another name.
    Asked(Option<HeaderValue>),
    /// Each of the list, the last one first. A list with another one is refused.
    Listed,
}

/// The decoder of one body.
pub(super) struct Decoder {
    label: Box<str>,
    layers: Vec<Layer>, // the outermost first
    is_empty: bool,     // so far
}

/// Why a body cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`Content-Encoding: {label}` cannot be undone: {what}")]
pub struct EncodingError {
    label: Box<str>, // as the response has it
    what: &'static str,
}

enum Layer {
    Gzip(MultiGzDecoder<Room>),
    Zlib(ZlibDecoder<Room>),
    Deflate(DeflateDecoder<Room>),
    /// One of the two before; the first bytes decide.
    Either(Vec<u8>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Room>>),
}

/// Decoded bytes until they are taken, up to a limit.
#[derive(Default)]
struct Room(Vec<u8>);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// Makes the decoder of a response; `None` if it has no encoding, or if it is passed on encoded.
    ///
    /// # Spec
    /// RFC 9110, 8.4: the names of codings are case-insensitive, `x-gzip` is `gzip`.
    ///
    /// # Errors
    /// Fails if the client refuses the encoding.
    pub(super) fn of(
        headers: &HeaderMap,
        undoing: impl FnOnce() -> Undoing,
    ) -> Result<Option<Self>, EncodingError> {
        if !headers.contains_key(CONTENT_ENCODING) {
            return Ok(None);
        }
        let values = headers.get_all(CONTENT_ENCODING).iter();
        let values: Vec<_> = values
            .map(|it| String::from_utf8_lossy(it.as_bytes()))
            .collect();
        let undoing = undoing();
        // Go's clients read only the first of several lines.
        let label = match undoing {
            Undoing::Known => values.join(", "),
            Undoing::Asked(_) | Undoing::Listed => values[0].to_string(),
        };
        let refused = |what| EncodingError {
            label: foreign_words(&label, 60).into(),
            what,
        };
        let names = label
            .split([',', ' ', '\t'])
            .filter(|name| !name.is_empty());
        let mut names: Vec<String> = names.map(str::to_ascii_lowercase).collect();
        names.reverse();
        names.retain(|name| name != "identity");
        if let Undoing::Asked(asked) = &undoing
            && !is_asked(asked.as_ref(), label.trim())
        {
            return Ok(None);
        }
        if names.len() > MOST_CODINGS {
            return Err(refused("it names too many codings"));
        }
        let Some(layers) = names.iter().map(|name| Layer::of(name, &undoing)).collect() else {
            return match undoing {
                Undoing::Listed => Err(refused("the client does not know it")),
                Undoing::Known | Undoing::Asked(_) => Ok(None),
            };
        };
        let layers: Vec<Layer> = layers;
        Ok((!layers.is_empty()).then(|| Self {
            label: foreign_words(&label, 60).into(),
            layers,
            is_empty: true,
        }))
    }

    /// The encoding, as the response names it.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Decodes the next bytes.
    ///
    /// # Errors
    /// Fails if the encoding is broken, or if a frame becomes larger than [`MOST`].
    pub(super) fn decode(&mut self, frame: &[u8]) -> Result<Bytes, EncodingError> {
        self.is_empty &= frame.is_empty();
        let mut bytes = Bytes::copy_from_slice(frame);
        for layer in &mut self.layers {
            match layer.decode(&bytes) {
                Ok(decoded) => bytes = decoded.into(),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    return Err(self.broken("it grows without bound"));
                }
                Err(_) => return Err(self.broken("the bytes that came are not encoded so")),
            }
        }
        Ok(bytes)
    }

    /// Checks at the end of the body that the encoding is complete. A body without a byte is empty, however it is labelled.
    /// # Errors
    /// Fails if the end is missing.
    pub(super) fn end(&mut self) -> Result<(), EncodingError> {
        if self.is_empty || self.layers.iter_mut().all(|layer| layer.end().is_ok()) {
            return Ok(());
        }
        Err(self.broken("the end of it is missing"))
    }

    fn broken(&self, what: &'static str) -> EncodingError {
        EncodingError {
            label: self.label.clone(),
            what,
        }
    }
}

/// Returns `true` if the request asked for that one coding.
fn is_asked(asked: Option<&HeaderValue>, label: &str) -> bool {
    let asked = asked.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let mut names = asked.split(',').filter_map(|it| it.split(';').next());
    names.any(|name| name.trim().eq_ignore_ascii_case(label))
}

impl Layer {
    fn of(name: &str, undoing: &Undoing) -> Option<Self> {
        match name {
            "gzip" => Some(Self::Gzip(MultiGzDecoder::new(Room::default()))),
            "x-gzip" if *undoing == Undoing::Known => Self::of("gzip", undoing),
            "deflate" => Some(Self::Either(Vec::new())),
            "zstd" => {
                let decoder = zstd::stream::write::Decoder::new(Room::default()).ok()?;
                Some(Self::Zstd(Box::new(decoder)))
            }
            _ => None,
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        if let Self::Either(first) = self {
            first.extend_from_slice(bytes);
            if first.len() < 2 {
                return Ok(Vec::new());
            }
            let first = std::mem::take(first);
            *self = if is_zlib(&first) {
                Self::Zlib(ZlibDecoder::new(Room::default()))
            } else {
                Self::Deflate(DeflateDecoder::new(Room::default()))
            };
            return self.decode(&first);
        }
        let writer = self.writer();
        writer.write_all(bytes)?;
        writer.flush()?;
        Ok(self.take())
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Gzip(decoder) => decoder,
            Self::Zlib(decoder) => decoder,
            Self::Deflate(decoder) => decoder,
            Self::Either(first) => first,
            Self::Zstd(decoder) => decoder,
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let room = match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
            Self::Either(_) => return Vec::new(),
        };
        std::mem::take(&mut room.0)
    }

    /// Only gzip notices here that its end is missing; for the others the content does.
    fn end(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(decoder) => decoder.try_finish(),
            _ => Ok(()),
        }
    }
}

/// Returns `true` if the bytes begin with a zlib header. Some servers send `deflate` without one, against the specification;
/// curl reads both.
///
/// # Spec
/// RFC 9110, 8.4.1.2; RFC 1950, 2.2.
fn is_zlib(bytes: &[u8]) -> bool {
    match *bytes {
        [method, flags, ..] => method & 15 == 8 && u16::from_be_bytes([method, flags]) % 31 == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const GZIP: Undoing = Undoing::Asked(Some(HeaderValue::from_static("gzip")));

    fn decoder(encoding: &str, undoing: &Undoing) -> Result<Option<Decoder>, EncodingError> {
        let value = HeaderValue::from_str(encoding).unwrap();
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, value)]);
        Decoder::of(&headers, || undoing.clone())
    }

    /// In frames of one byte and then the rest, as it may come.
    fn read(encoding: &str, undoing: &Undoing, encoded: &[u8]) -> Vec<u8> {
        let mut decoder = decoder(encoding, undoing).unwrap().expect("it is undone");
        let mut read = Vec::new();
        for frame in [
            &encoded[..1],
            &encoded[1..encoded.len() / 2],
            &encoded[encoded.len() / 2..],
        ] {
            read.extend_from_slice(&decoder.decode(frame).unwrap());
        }
        decoder.end().unwrap();
        read
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    }

    fn text() -> Vec<u8> {
        b"{\"schemaVersion\":2}".repeat(1000)
    }

    #[test]
    fn what_was_encoded_comes_back() {
        let text = text();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&text).unwrap();
        let raw = raw.finish().unwrap();
        let zstd = zstd::encode_all(&text[..], 3).unwrap();
        for undoing in [Undoing::Known, Undoing::Listed] {
            assert_eq!(read("Gzip", &undoing, &gzip(&text)), text);
            assert_eq!(read("deflate", &undoing, &zlib), text);
            assert_eq!(read("DEFLATE", &undoing, &raw), text);
            assert_eq!(read("zstd", &undoing, &zstd), text);
            assert_eq!(read("zstd, gzip", &undoing, &gzip(&zstd)), text);
            assert_eq!(read("identity,gzip", &undoing, &gzip(&text)), text);
        }
        assert_eq!(read("X-GZIP", &Undoing::Known, &gzip(&text)), text);
        assert_eq!(read("gZIP", &GZIP, &gzip(&text)), text);
    }

    /// RFC 1952, 2.2: a file is a series of members, which are read one after the other.
    #[test]
    fn gzip_of_several_members_is_read_to_its_end() {
        let (text, end) = (text(), b"and a last one".to_vec());
        let members = [gzip(&text), gzip(b""), gzip(&end)].concat();
        assert_eq!(read("gzip", &GZIP, &members), [text, end].concat());
    }

    /// What Go's transport undoes: the one coding that it asked for. containerd's fetcher refuses what it does not know.
    #[test]
    fn what_is_no_coding_of_the_client_is_passed_on_or_refused() {
        for label in [
            "aws-chunked",
            "UTF-8",
            "binary",
            "none",
            "br",
            "x-gzip",
            "gzip, gzip",
            "deflate",
            "zstd",
        ] {
            assert!(decoder(label, &GZIP).unwrap().is_none(), "{label}");
        }
        for label in ["aws-chunked", "utf-8", "br", "gzip, br"] {
            assert!(
                decoder(label, &Undoing::Known).unwrap().is_none(),
                "{label}"
            );
            let refused = decoder(label, &Undoing::Listed).map(drop).unwrap_err();
            assert!(refused.to_string().contains(label), "{refused}");
        }
        for label in ["", "identity", "IDENTITY", "identity, identity"] {
            for undoing in [Undoing::Known, Undoing::Listed, GZIP] {
                assert!(decoder(label, &undoing).unwrap().is_none(), "{label}");
            }
        }
        let nothing = Undoing::Asked(None);
        assert!(decoder("gzip", &nothing).unwrap().is_none());
        assert!(decoder("gzip, gzip, gzip, gzip, gzip", &Undoing::Known).is_err());
    }

    #[test]
    fn a_bomb_a_lie_and_a_cut_are_found() {
        let bomb = zstd::encode_all(io::repeat(0).take(MOST as u64 + 1), 1).unwrap();
        let mut decoder_of_bomb = decoder("zstd", &Undoing::Known).unwrap().unwrap();
        let error = decoder_of_bomb.decode(&bomb).unwrap_err();
        assert!(error.to_string().contains("without bound"), "{error}");
        for label in ["gzip", "zstd", "deflate"] {
            let mut liar = decoder(label, &Undoing::Listed).unwrap().unwrap();
            let error = liar.decode(b"\xff\xffthis is none of them").unwrap_err();
            assert!(error.to_string().contains(label), "{error}");
        }
        let whole = gzip(&text());
        let mut cut = decoder("gzip", &GZIP).unwrap().unwrap();
        cut.decode(&whole[..whole.len() - 4]).unwrap();
        assert!(cut.end().is_err());
        let mut empty = decoder("gzip", &GZIP).unwrap().unwrap();
        assert_eq!(empty.end(), Ok(()));
    }
}
