//! Which samples a threshold sees, from the recorder to the verdict.

use std::time::Duration;

use regstorm::exchange::{ConnectionUse, Protocol, Timings};
use regstorm::measure::{
    Catalogue, DropCause, DropReason, DroppedStart, ExchangeSample, FailureClass, IterationSample,
    Observed, Outcome, Period, Recorder, Spent, Track, TrackId, View,
};
use regstorm::oci::Operation;
use regstorm::plan::Threshold;
use regstorm::schedule::Span;
use regstorm::verdict::{Moment, Status, judge, judged_span, view};

use super::threshold;

/// No user was free, because the target kept them.
const NO_VU: DroppedStart = DroppedStart {
    reason: DropReason::NoVu,
    cause: DropCause::Target,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// `pull` in the stages `ramp` (to 10 s) and `hold` (to 20 s) of one load, and in `hold` of another, with `push`.
fn catalogue() -> Catalogue {
    let journeys = Catalogue::new(vec![("pull".into(), vec![]), ("push".into(), vec![])]);
    let track = |journey, load: &str, stage: &str| Track {
        client: None,
        journey: journeys.journey(journey).expect("one of the two"),
        load: load.into(),
        stage: stage.into(),
    };
    let tracks = vec![
        track(0, "a", "ramp"),
        track(0, "a", "hold"),
        track(0, "b", "hold"),
        track(1, "b", "hold"),
        track(1, "c", "c"),
    ];
    journeys.with_tracks(tracks)
}

const HOLD: Span = Span {
    from: ms(10_000),
    until: ms(20_000),
};

fn of(threshold: &Threshold) -> View {
    let stage = threshold.stage.as_ref().map(|_| HOLD);
    view(threshold, &catalogue(), judged_span(threshold, stage))
}

fn in_hold(metric: &str, expect: &str) -> Threshold {
    let mut threshold = threshold(metric, expect);
    threshold.stage = Some("hold".into());
    threshold
}

fn ids(indexes: &[usize]) -> Vec<TrackId> {
    let catalogue = catalogue();
    let ids = indexes
        .iter()
        .map(|it| catalogue.track(*it).expect("one of the five"));
    ids.collect()
}

#[test]
fn tracks_are_those_of_the_journey_and_the_stage() {
    let all = of(&threshold("response_time", "med < 1s"));
    assert_eq!(all.tracks, ids(&[0, 1, 2, 3, 4]));
    assert_eq!(all.throughput_tracks, ids(&[0, 1, 2, 3, 4]));
    assert_eq!((all.from, all.until), (Duration::ZERO, Duration::MAX));
    let pull = of(&threshold("pull.response_time", "med < 1s"));
    assert_eq!(pull.tracks, ids(&[0, 1, 2]));
    let hold = of(&in_hold("pull.response_time", "med < 1s"));
    assert_eq!(hold.tracks, ids(&[1, 2]));
    // What ends in `hold` may have been due in `ramp`.
    assert_eq!(hold.throughput_tracks, ids(&[0, 1, 2]));
    let push = of(&in_hold("push.upload-put.total", "med < 1s"));
    assert_eq!(
        (push.tracks, push.throughput_tracks),
        (ids(&[3]), ids(&[3]))
    );
}

#[test]
fn only_a_rate_asks_when_its_stage_runs() {
    let latency = of(&in_hold("response_time", "med < 1s"));
    assert_eq!(
        (latency.from, latency.until),
        (Duration::ZERO, Duration::MAX)
    );
    let rate = of(&in_hold("iterations", "rate > 1/s"));
    assert_eq!((rate.from, rate.until), (HOLD.from, HOLD.until));
    let mut both = in_hold("iterations", "rate > 1/s");
    both.from = ms(15_000);
    both.until = Some(ms(60_000));
    let both = of(&both);
    assert_eq!((both.from, both.until), (ms(15_000), ms(20_000)));
}

/// An iteration with one exchange. Both take all the time there is.
fn iteration(recorder: &mut Recorder, track: TrackId, due: u64, ends: u64, outcome: Outcome) {
    let (scheduled, finished) = (ms(due), ms(ends));
    let total = finished.saturating_sub(scheduled);
    recorder.scheduled(track, Period::Measure, scheduled);
    recorder.started(track, Period::Measure, scheduled);
    recorder.exchange(&ExchangeSample {
        track,
        operation: Operation::BlobGet,
        period: Period::Measure,
        due: scheduled,
        finished,
        timings: Timings {
            first_byte: Some(total / 2),
            total,
            ..Timings::default()
        },
        connection: ConnectionUse::New,
        protocol: Some(Protocol::Http1),
        handshake: None,
        sent: 0,
        received: 1000,
        status: None,
        outcome,
    });
    recorder.iteration(&IterationSample {
        track,
        period: Period::Measure,
        scheduled,
        started: scheduled,
        finished,
        sent: 0,
        received: 1000,
        spent: Spent::at_rest(finished.saturating_sub(scheduled)),
        outcome,
    });
}

/// What the threshold sees of a run of 20 s: in `ramp` due at 9 s, ended at 11 s; in `hold` due at 10, 12 and 19 s, which
/// ended after 100 ms, after a timeout of 3 s, and at 21 s; one dropped at 13 s; and a push that failed.
fn observed(threshold: &Threshold) -> Observed {
    let catalogue = catalogue();
    let tracks = ids(&[0, 1, 2, 3]);
    let mut recorder = Recorder::new(&catalogue, &[of(threshold)], ms(20_000));
    let recorder_mut = &mut recorder;
    iteration(recorder_mut, tracks[0], 9_000, 11_000, Outcome::Ok);
    iteration(recorder_mut, tracks[1], 10_000, 10_100, Outcome::Ok);
    let timeout = Outcome::Failed(FailureClass::Timeout);
    iteration(recorder_mut, tracks[1], 12_000, 15_000, timeout);
    iteration(recorder_mut, tracks[2], 19_000, 21_000, Outcome::Ok);
    let reset = Outcome::Failed(FailureClass::Reset);
    iteration(recorder_mut, tracks[3], 11_000, 11_500, reset);
    recorder.scheduled(tracks[1], Period::Measure, ms(13_000));
    recorder.dropped(tracks[1], Period::Measure, ms(13_000), NO_VU);
    recorder.into_record().observed()[0].clone()
}

/// Judged by what the recorder counted, and what was found then.
fn found(threshold: &Threshold) -> (Status, String, u64) {
    let stage = threshold.stage.as_ref().map(|_| HOLD);
    let length = judged_span(threshold, stage).length_at(ms(20_000));
    let result = judge(
        threshold,
        &observed(threshold),
        Span::WINDOW,
        length,
        Moment::Done,
    );
    (result.status, result.observed_text, result.samples)
}

fn expects(threshold: &Threshold, observed: &str, samples: u64) {
    let wanted = (Status::Pass, observed.to_owned(), samples);
    assert_eq!(
        found(threshold),
        wanted,
        "{} {}",
        threshold.metric,
        threshold.expectation
    );
}

#[test]
fn a_threshold_sees_what_is_its_own() {
    // In hold: 100 ms, 2 s, and more than the 3 s at which one was given up.
    expects(
        &in_hold("pull.response_time", "max > 2.9s"),
        "at least 3.00 s",
        3,
    );
    // The one that was dropped may have taken no time.
    expects(
        &in_hold("pull.response_time", "min < 101ms"),
        "0 µs to 100 ms",
        3,
    );
    // Of all stages the one of the ramp is there as well.
    expects(
        &threshold("pull.response_time", "max > 2.9s"),
        "at least 3.00 s",
        4,
    );
    expects(&in_hold("blob-get.total", "min < 101ms"), "100 ms", 3);
    // The phase of the one that timed out is not known, not even in part.
    expects(
        &in_hold("pull.blob-get.first-byte", "max < 1001ms"),
        "1.00 s",
        2,
    );
    expects(&in_hold("pull.dropped", "rate == 0.25"), "25%", 4);
    expects(&in_hold("pull.errors", "rate > 33.3%"), "33.3%", 3);
    expects(&in_hold("errors", "rate == 50%"), "50%", 4);
    expects(&in_hold("push.errors", "count == 1"), "1", 1);
    // Within hold two pulls ended well, one of which had been due before: 2 in 10 s.
    expects(&in_hold("pull.iterations", "rate == 0.2/s"), "0.20/s", 3);
    expects(&in_hold("bytes_received", "rate == 200B/s"), "200 B/s", 4);
    // Bytes are counted whatever came of the exchange, of what was due in hold.
    expects(&in_hold("bytes_received", "count == 4kB"), "4 kB", 4);
}

#[test]
fn a_span_is_of_what_was_due_in_it() {
    let mut late = threshold("pull.iterations", "count == 2");
    late.from = ms(10_000);
    late.until = Some(ms(19_000)); // what was due at 19 s is not in it
    expects(&late, "2", 2);
    let mut rate = threshold("pull.iterations", "rate == 2/s");
    rate.from = ms(10_000);
    rate.until = Some(ms(11_001)); // 10.1 s and 11 s
    rate.expectation = threshold("iterations", "rate > 1.99/s").expectation;
    expects(&rate, "2.00/s", 1);
}
