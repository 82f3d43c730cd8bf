//! Traces: whole ones, and what becomes of them when bytes, blocks or the summary are changed. Checksums are made to fit, so
//! that what is behind them is reached.

use std::num::NonZeroU16;
use std::time::Duration;

use rand::{Rng, RngExt as _};
use regstorm::oci::Operation;
use regstorm::trace::{
    Agent, Lines, Method, NameTable, Naming, Pseudonym, Reference, Request, Source, Summary,
    Timestamp, Unreadable, Writer,
};
use serde_json::Value;
use twox_hash::XxHash3_128;

use super::mutate::mutate;

/// The first line of a trace.
const FIRST: &[u8] = b"regstorm.trace/1\n";
/// Bytes in front of the content of a block.
const HEAD: usize = 25;
/// Bytes behind the last block: the place of the summary, and the end.
const TRAILER: usize = 16;
/// The most bytes of a block before it is packed, and a few more.
const MOST: usize = 1_060_000;

/// A block: its letter, and its content unpacked.
struct Block {
    letter: u8,
    content: Vec<u8>,
    /// Bytes that the head says it has more than it has.
    lie: u32,
}

/// Writes a trace, or what is left of one.
pub(super) fn write(draw: &mut impl Rng) -> Vec<u8> {
    let mut bytes = whole(draw);
    if draw.random_range(0..4) == 0 {
        mutate(&mut bytes, draw, usize::MAX);
        return bytes;
    }
    let mut blocks = blocks(&bytes);
    for _ in 0..draw.random_range(0..4) {
        let at = draw.random_range(0..blocks.len());
        match draw.random_range(0..10) {
            0 => drop(blocks.remove(at)),
            1 => {
                let Block {
                    letter,
                    lie,
                    ref content,
                } = blocks[at];
                let content = content.clone();
                blocks.insert(
                    at,
                    Block {
                        letter,
                        content,
                        lie,
                    },
                );
            }
            2 => {
                let other = draw.random_range(0..blocks.len());
                blocks.swap(at, other);
            }
            3 => blocks[at].letter = draw.random(),
            4 => blocks[at].lie = draw.random(),
            5 => {
                let more = draw.random_range(0..MOST);
                blocks[at].content.extend(std::iter::repeat_n(0, more));
            }
            _ if blocks[at].letter == b'S' => summary(&mut blocks[at].content, draw),
            _ => mutate(&mut blocks[at].content, draw, MOST),
        }
        if blocks.is_empty() {
            break;
        }
    }
    joined(&blocks, draw)
}

/// The blocks of a whole trace.
fn blocks(trace: &[u8]) -> Vec<Block> {
    let mut rest = &trace[FIRST.len()..trace.len() - TRAILER];
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let length = rest[1..5].try_into().map(u32::from_le_bytes);
        let length = length.expect("four bytes") as usize;
        let packed = &rest[HEAD..HEAD + length];
        blocks.push(Block {
            letter: rest[0],
            content: zstd::decode_all(packed).expect("it was just written"),
            lie: 0,
        });
        rest = &rest[HEAD + length..];
    }
    blocks
}

/// A trace of some blocks, whose checksums fit.
fn joined(blocks: &[Block], draw: &mut impl Rng) -> Vec<u8> {
    let mut trace = FIRST.to_vec();
    let mut place = trace.len() as u64;
    for Block {
        letter,
        content,
        lie,
    } in blocks
    {
        if *letter == b'S' {
            place = trace.len() as u64;
        }
        let mut packed = zstd::bulk::compress(content, 1).expect("memory takes all");
        if draw.random_range(0..20) == 0 {
            mutate(&mut packed, draw, MOST);
        }
        let length = |it: usize| u32::try_from(it).expect("a short block");
        trace.push(*letter);
        trace.extend(length(packed.len()).to_le_bytes());
        trace.extend(length(content.len()).wrapping_add(*lie).to_le_bytes());
        let sum = XxHash3_128::oneshot(&[&[*letter], &packed[..]].concat());
        trace.extend(sum.to_le_bytes());
        trace.extend(packed);
    }
    if draw.random_range(0..20) == 0 {
        place = draw.random();
    }
    trace.extend(place.to_le_bytes());
    trace.extend(b"regstorm");
    trace
}

/// Changes one value of a summary.
fn summary(content: &mut Vec<u8>, draw: &mut impl Rng) {
    let Ok(mut value) = serde_json::from_slice::<Value>(content) else {
        return mutate(content, draw, MOST);
    };
    change(&mut value, draw);
    *content = serde_json::to_vec(&value).expect("a value");
}

/// Changes a value, or one within it.
fn change(value: &mut Value, draw: &mut impl Rng) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let place = draw.random_range(0..map.len());
            change(map.values_mut().nth(place).expect("it is there"), draw);
        }
        Value::Array(list) if !list.is_empty() => {
            let place = draw.random_range(0..list.len());
            change(&mut list[place], draw);
        }
        leaf => {
            *leaf = match draw.random_range(0..6) {
                0 => u64::MAX.into(),
                1 => 0.into(),
                2 => "\u{1b}[2J\u{202e}\n".into(),
                3 => "2554-01-01T00:00:00Z".into(),
                4 => Value::Null,
                _ => vec!["x"; draw.random_range(0..1_000)].into(),
            };
        }
    }
}

/// A whole trace of requests that no log has had.
fn whole(draw: &mut impl Rng) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).expect("memory takes all");
    let mut names = NameTable::default();
    let many = draw.random_range(0..60) == 0;
    let count = draw.random_range(0..if many { 40_000 } else { 400 });
    let apart = 1 << draw.random_range(0..45);
    let mut start = 0_u64;
    for _ in 0..count {
        start = start.saturating_add(draw.random_range(0..apart));
        let request = request(start, draw);
        if draw.random_range(0..2) == 0 {
            names.insert(request.client, "10.0.0.1 docker");
        }
        writer.push(&request, &names).expect("memory takes all");
    }
    let made = writer.finish(told()).expect("memory takes all");
    made.0
}

fn request(start: u64, draw: &mut impl Rng) -> Request {
    let pseudonym = |draw: &mut dyn Rng| Pseudonym::new(draw.random_range(0..9));
    let number = |draw: &mut dyn Rng| match draw.random_range(0..8) {
        0 => None,
        1 => Some(u64::MAX),
        2 => Some(0),
        _ => Some(1 << draw.random_range(0..64)),
    };
    let statuses = [0, 200, 201, 202, 206, 307, 401, 404, 416, 500, 65_535];
    let name = pseudonym(draw);
    let reference = match draw.random_range(0..3) {
        0 => None,
        1 => Some(Reference::Tag(name)),
        _ => Some(Reference::Digest(name)),
    };
    let operation = draw.random_range(0..=Operation::ALL.len());
    let or_none = |it: Pseudonym| Some(it).filter(|it| it.get() > 2);
    Request {
        start: Timestamp::from_nanos(start),
        client: pseudonym(draw),
        session: draw.random_range(0..9),
        method: Method::ALL[draw.random_range(0..Method::ALL.len())],
        operation: Operation::ALL.get(operation).copied(),
        repository: or_none(pseudonym(draw)),
        reference,
        upload: or_none(pseudonym(draw)),
        from: or_none(pseudonym(draw)),
        status: NonZeroU16::new(statuses[draw.random_range(0..statuses.len())]),
        sent: number(draw),
        received: number(draw),
        duration: number(draw).map(Duration::from_nanos),
        agent: Agent::ALL[draw.random_range(0..Agent::ALL.len())],
        added: draw.random(),
    }
}

/// A summary that says little.
fn told() -> Summary {
    let naming = Naming::Pseudonyms {
        key: "0".repeat(16),
    };
    Summary {
        source: Source {
            formats: vec!["combined".to_owned()],
            ..Source::default()
        },
        lines: Lines {
            requests: 9,
            ..Lines::default()
        },
        unreadable: vec![Unreadable {
            file: "a.log".to_owned(),
            line: 7,
            reason: "not UTF-8".to_owned(),
            shape: "a 0".to_owned(),
        }],
        ..Summary::new(naming, Duration::from_mins(1))
    }
}
