//! Every percentile that is reported is the one of the list of all values, however many recorders they went through.

use super::*;

/// What a report shows of a latency, with its share in thousandths.
const PLACES: [(&str, u64); 6] = [
    ("p50_us", 500),
    ("p90_us", 900),
    ("p95_us", 950),
    ("p99_us", 990),
    ("p999_us", 999),
    ("max_us", 1000),
];

/// Values in µs, the smallest first, and what must be reported of them.
struct Known {
    values: fn(u64) -> u64,
    count: u64,
    reported: [u64; PLACES.len()],
}

const KNOWN: [Known; 4] = [
    // 1, 2, ... 10,000.
    Known {
        values: |place| place,
        count: 10_000,
        reported: [5_000, 9_000, 9_500, 9_900, 9_990, 10_000],
    },
    // 1, 4, ... 2,000²: the percentiles are the squares of those of 1 to 2,000.
    Known {
        values: |place| place * place,
        count: 2_000,
        reported: [
            1_000_000, 3_240_000, 3_610_000, 3_920_400, 3_992_004, 4_000_000,
        ],
    },
    // One in a thousand waits for a second.
    Known {
        values: |place| if place == 1_000 { 1_000_000 } else { 2_000 },
        count: 1_000,
        reported: [2_000, 2_000, 2_000, 2_000, 2_000, 1_000_000],
    },
    // A tenth and one are slow, half of these very slow.
    Known {
        values: |place| match place {
            0..900 => 5_000,
            900..950 => 70_000,
            _ => 900_000,
        },
        count: 1_000,
        reported: [5_000, 70_000, 900_000, 900_000, 900_000, 900_000],
    },
];

/// The record of exchanges whose first byte took the values of one set and whose body took those of another. The first
/// recorder takes the smallest, and each takes twice as many as the one before it: no mean over recorders comes near
/// what all of them together have seen.
fn merged(recorders: u64, first_byte: &Known, body: fn(u64) -> u64) -> Record {
    let count = first_byte.count;
    let shares = (1 << recorders) - 1;
    let mut all = Record::new(&catalogue(), &[], Duration::from_mins(1));
    for index in 0..recorders {
        let mut recorder = Recorder::new(&catalogue(), &[], Duration::from_mins(1));
        let from = count * ((1 << index) - 1) / shares;
        let to = count * ((1 << (index + 1)) - 1) / shares;
        for place in from + 1..=to {
            let mut sample = exchange(Period::Measure, Operation::BlobGet, Outcome::Ok, 1);
            sample.timings.first_byte = Some(Duration::from_micros((first_byte.values)(place)));
            sample.timings.body = Some(Duration::from_micros(body(place)));
            recorder.exchange(&sample);
        }
        all.merge(recorder.into_record());
    }
    all
}

#[test]
fn percentiles_are_those_of_all_values_through_any_number_of_recorders() {
    // Known only from counting: 7 µs, and 8 µs for the larger half.
    let body = |place| if place <= 500 { 7 } else { 8 };
    for (set, known) in KNOWN.iter().enumerate() {
        for recorders in [1, 2, 5] {
            let record = merged(recorders, known, body);
            let mut operations = record.operations(journey(0));
            let (_, series) = operations
                .find(|(it, _)| *it == Operation::BlobGet)
                .unwrap();
            let first_byte =
                serde_json::to_value(series.latencies.phases.of(Phase::FirstByte)).unwrap();
            assert_eq!(first_byte["count"], known.count);
            for ((name, _), exact) in PLACES.iter().zip(known.reported) {
                let told = first_byte[name].as_u64().unwrap();
                assert!(
                    told.abs_diff(exact) * 1000 <= exact,
                    "set {set}, {recorders} recorders, {name}: {told}, not {exact}"
                );
            }
            // Small values are exact, and another phase's are its own.
            let body = serde_json::to_value(series.latencies.phases.of(Phase::Body)).unwrap();
            assert_eq!(body["max_us"], 8);
            let median = if known.count > 1_000 { 8 } else { 7 };
            assert_eq!(body["p50_us"], median);
        }
    }
}

#[test]
fn what_must_be_reported_is_the_place_in_the_list() {
    for known in &KNOWN {
        for ((name, thousandths), reported) in PLACES.iter().zip(known.reported) {
            // The first value that this share of all does not exceed.
            let place = (known.count * thousandths).div_ceil(1000);
            assert_eq!((known.values)(place), reported, "{name}");
        }
    }
}
