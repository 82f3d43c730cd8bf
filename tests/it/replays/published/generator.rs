//! Makes a log of the form of IBM's traces, of sessions that follow from a seed: clients that look for something new, pull
//! what they lack or have lost, and push images of which they know most.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The share of the fetched blobs that the same client had fetched before.
pub(super) const REPEATED: f64 = 0.237;

/// Of a thousand requests: pulls, pulls of what is there already, and pushes.
const SESSIONS: [u64; 3] = [103, 377, 33];
/// Thousands of requests, about.
const THOUSANDS: u64 = 5;
/// Blobs of a pull.
const BLOBS: usize = 3;
/// Of a hundred pushes: blobs that are found, uploaded, and mounted.
const OF_A_PUSH: [u64; 3] = [330, 57, 25];
/// The length of the log, in milliseconds.
const LENGTH_MS: u64 = 240_000;
const REPOSITORIES: usize = 150;
/// Blobs of a repository.
const OF_A_REPOSITORY: usize = 24;
const CLIENTS: usize = 200;

/// The log.
pub(super) struct Generated {
    lines: Vec<(u64, String)>, // by time, in milliseconds
}

/// A request: its method, its path below the repository, its status, the bytes that were written.
struct Sent(&'static str, String, u16, u64);

/// Draws from a seed (`SplitMix64`).
struct Draws(u64);

impl Draws {
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below another one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    fn below(&mut self, end: usize) -> usize {
        ((self.share() * end as f64) as usize).min(end - 1)
    }

    /// A number below another one, by rank.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn ranked(&mut self, end: usize, exponent: f64) -> usize {
        let weight = |rank: usize| ((rank + 1) as f64).powf(-exponent);
        let mut left = self.share() * (0..end).map(weight).sum::<f64>();
        let found = (0..end).find(|rank| {
            left -= weight(*rank);
            left < 0.0
        });
        found.unwrap_or(end - 1)
    }
}

/// How many of so many things are among the first ones, if that many of a hundred are.
const fn quota(of_hundred: u64, place: u64) -> u64 {
    (place + 1) * of_hundred / 100 - place * of_hundred / 100
}

/// A pull: who, from which repository, which of its blobs.
#[derive(Clone)]
struct Pull {
    client: usize,
    repository: usize,
    blobs: Vec<usize>,
}

impl Generated {
    pub(super) fn new() -> Self {
        let mut draws = Draws(20_180_212);
        let pulls = pulls(&mut draws);
        let sizes = sizes(&pulls, &mut draws);
        let mut sessions: Vec<(usize, usize, Vec<Sent>)> = Vec::new();
        for pull in &pulls {
            let mut sent = vec![manifest(&mut draws)];
            for blob in &pull.blobs {
                let size = sizes[&(pull.repository, *blob)];
                let path = format!("blobs/{}", blob_name(pull.repository, *blob));
                sent.push(Sent("GET", path, 200, size));
            }
            sessions.push((pull.client, pull.repository, sent));
        }
        for _ in 0..SESSIONS[1] * THOUSANDS {
            let repository = draws.ranked(REPOSITORIES, 0.95);
            let client = draws.ranked(CLIENTS, 0.7);
            sessions.push((client, repository, vec![manifest(&mut draws)]));
        }
        for number in 0..SESSIONS[2] * THOUSANDS {
            let repository = draws.ranked(REPOSITORIES, 0.95);
            let client = draws.ranked(CLIENTS, 0.7);
            sessions.push((client, repository, push(number, repository, &mut draws)));
        }
        let mut lines = Vec::new();
        for (client, repository, sent) in sessions {
            let mut at = draws.below(usize::try_from(LENGTH_MS).expect("minutes")) as u64;
            for it in sent {
                lines.push((at, line(at, (client, repository), &it)));
                at += 40 + draws.below(100) as u64;
            }
        }
        lines.sort_by_key(|(at, _)| *at);
        Self { lines }
    }

    pub(super) fn requests(&self) -> u64 {
        self.lines.len() as u64
    }

    /// The log in so many files, which overlap: each is an array.
    pub(super) fn files(&self, count: usize) -> Vec<String> {
        let of_file = |file: usize| {
            let lines = self.lines.iter().skip(file).step_by(count);
            let lines: Vec<&str> = lines.map(|(_, line)| line.as_str()).collect();
            format!("[{}]\n", lines.join(",\n"))
        };
        (0..count).map(of_file).collect()
    }
}

/// Pulls, of which as many as published are of what the client has pulled before.
fn pulls(draws: &mut Draws) -> Vec<Pull> {
    let mut pulls: Vec<Pull> = Vec::new();
    let mut had: BTreeSet<(usize, usize, usize)> = BTreeSet::new();
    let mut repeated = 0.0;
    for _ in 0..SESSIONS[0] * THOUSANDS {
        repeated += REPEATED;
        if repeated >= 1.0 && !pulls.is_empty() {
            repeated -= 1.0;
            let again = draws.below(pulls.len());
            pulls.push(pulls[again].clone());
            continue;
        }
        let pull = loop {
            let client = draws.ranked(CLIENTS, 0.7);
            let repository = draws.ranked(REPOSITORIES, 0.95);
            let lacks = |blob: &usize| !had.contains(&(client, repository, *blob));
            let lacking: Vec<usize> = (0..OF_A_REPOSITORY).filter(lacks).collect();
            if lacking.len() >= BLOBS {
                let first = draws.below(lacking.len() - BLOBS + 1);
                let blobs = lacking[first..first + BLOBS].to_vec();
                break Pull {
                    client,
                    repository,
                    blobs,
                };
            }
        };
        let blobs = pull.blobs.iter();
        had.extend(blobs.map(|blob| (pull.client, pull.repository, *blob)));
        pulls.push(pull);
    }
    pulls
}

/// A size for each blob that is pulled, so that those of the requests are spread as published: of each part of the requests
/// it is the mean of that part. The largest blobs are pulled least.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "thousands of requests, and sizes below 10 GiB"
)]
fn sizes(pulls: &[Pull], draws: &mut Draws) -> BTreeMap<(usize, usize), u64> {
    let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for pull in pulls {
        for blob in &pull.blobs {
            *counts.entry((pull.repository, *blob)).or_default() += 1;
        }
    }
    let all: u64 = counts.values().sum();
    let mut order: Vec<_> = counts.into_iter().map(|it| (draws.share(), it)).collect();
    // In any order, but for those at the end.
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (often, once): (Vec<_>, Vec<_>) = order.into_iter().partition(|(_, it)| it.1 > 1);
    let before = once.len().saturating_sub(all as usize / 8);
    let (some, last) = once.split_at(before);
    let mut body = [often, some.to_vec()].concat();
    body.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut begin = 0;
    let ordered = body.iter().chain(last);
    let sized = ordered.map(|(_, (blob, count))| {
        const STEPS: u64 = 200;
        let size = |step| {
            let place = begin as f64 + *count as f64 * (step as f64 + 0.5) / STEPS as f64;
            size_at(place / all as f64)
        };
        let mean = (0..STEPS).map(size).sum::<f64>() / STEPS as f64;
        begin += count;
        (*blob, mean as u64)
    });
    sized.collect()
}

/// The size below which that share of the fetched blobs is, in bytes.
fn size_at(share: f64) -> f64 {
    const MIB: f64 = 1_048_576.0;
    /// Where the parts begin and end, each with its smallest size.
    const PARTS: [(f64, f64); 4] = [
        (0.0, 200.0),
        (0.65, 1e6),
        (0.8, 1e7),
        (0.941_442, 64.0 * MIB),
    ];
    /// The exponent of the tail, and its end.
    const TAIL: (f64, f64) = (1.72, 10_240.0 * MIB);
    for ends in PARTS.windows(2) {
        let [(from, least), (until, most)] = [ends[0], ends[1]];
        if share < until {
            return least * (most / least).powf((share - from) / (until - from));
        }
    }
    let (from, least) = PARTS[3];
    let within = (share - from) / (1.0 - from);
    let cut = (least / TAIL.1).powf(TAIL.0);
    least * (1.0 - within * (1.0 - cut)).powf(-1.0 / TAIL.0)
}

fn blob_name(repository: usize, blob: usize) -> String {
    format!("b{repository:03}{blob:02}")
}

fn manifest(draws: &mut Draws) -> Sent {
    let tag = draws.ranked(8, 0.95);
    Sent("GET", format!("manifests/t{tag}"), 200, 1_800)
}

/// A push: blobs that are there, some that are not, some from elsewhere, and the manifest.
fn push(number: u64, repository: usize, draws: &mut Draws) -> Vec<Sent> {
    let [found, uploaded, mounted] = OF_A_PUSH.map(|of| quota(of, number));
    let mut sent = Vec::new();
    for _ in 0..found {
        let blob = draws.below(OF_A_REPOSITORY);
        let path = format!("blobs/{}", blob_name(repository, blob));
        sent.push(Sent("HEAD", path, 200, 0));
    }
    for upload in 0..uploaded {
        let size = 1_000 + draws.below(5_000_000) as u64;
        let id = format!("u{number}-{upload}");
        let uploads = "blobs/uploads";
        sent.push(Sent("POST", format!("{uploads}/"), 202, 0));
        sent.push(Sent("PATCH", format!("{uploads}/{id}"), 202, size));
        let digest = format!("{uploads}/{id}?digest=n{number}-{upload}");
        sent.push(Sent("PUT", digest, 201, 0));
    }
    for _ in 0..mounted {
        let (from, blob) = (draws.below(REPOSITORIES), draws.below(OF_A_REPOSITORY));
        let blob = blob_name(from, blob);
        let path = format!("blobs/uploads/?mount={blob}&from=u/r{from}");
        sent.push(Sent("POST", path, 201, 0));
    }
    sent.push(Sent("PUT", format!("manifests/p{number}"), 201, 1_500));
    sent
}

/// A record, as they were published.
fn line(at: u64, (client, repository): (usize, usize), sent: &Sent) -> String {
    let Sent(method, path, status, written) = sent;
    let (minute, second, milli) = (at / 60_000, at / 1_000 % 60, at % 1_000);
    let mut line = String::from("{\"host\": \"dc118836\", \"http.request.duration\": 0.012, ");
    let _ = write!(
        line,
        "\"http.request.method\": \"{method}\", \"http.request.remoteaddr\": \"c{client}\", \
         \"http.request.uri\": \"v2/u/r{repository}/{path}\", \
         \"http.request.useragent\": \"docker/17.03.1-ce go/go1.7.5\", \"http.response.status\": {status}, \
         \"http.response.written\": {written}, \"id\": \"1\", \
         \"timestamp\": \"2017-06-20T02:{minute:02}:{second:02}.{milli:03}Z\"}}"
    );
    line
}
