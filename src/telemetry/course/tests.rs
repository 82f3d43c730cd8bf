use super::super::record::{SourceKind, Unit};
use super::*;

fn identity() -> Identity {
    Identity {
        name: "it".to_owned(),
        kind: SourceKind::Process,
        from: "here".to_owned(),
    }
}

struct Clock(Instant);

impl Clock {
    fn at(&self, ms: u64) -> Instant {
        self.0 + Duration::from_millis(ms)
    }

    /// A reading of a counter and a gauge, of the process with that number.
    fn reading(&self, ms: u64, life: Option<(u64, Option<u64>)>, cpu: f64, memory: u32) -> Reading {
        let mut reading = Reading::new(self.at(ms));
        reading.life = life.map(|(id, began)| Life {
            id: (id, 0),
            is_rounded: false,
            began: began.map(|ms| self.at(ms)),
        });
        reading.counter("cpu", Unit::Seconds, Some(cpu));
        reading.gauge("memory", Unit::Bytes, Some(memory.into()));
        reading
    }
}

/// The window opens at 1 s.
fn course(clock: &Clock) -> Course {
    let mut course = Course::new();
    course.good(clock.reading(0, Some((1, None)), 50.0, 9), Timing::Timely);
    course.open(clock.at(1000));
    course
}

fn series<'r>(record: &'r SourceRecord, name: &str) -> &'r Series {
    record.series.iter().find(|it| it.name == name).unwrap()
}

fn near(a: Option<f64>, b: f64) {
    assert!(
        a.is_some_and(|it| (it - b).abs() < 1e-9),
        "{a:?} is not {b}"
    );
}

#[test]
fn what_lies_between_the_edges_of_the_window_counts() {
    let clock = Clock(Instant::now());
    let mut course = course(&clock);
    for (ms, cpu, memory) in [(1000, 100.0, 10), (2000, 101.0, 30), (3000, 103.0, 20)] {
        course.good(
            clock.reading(ms, Some((1, None)), cpu, memory),
            Timing::Timely,
        );
    }
    course.close(clock.at(3500));
    // A tenth of a second late: of what was used since then, five of six parts are inside.
    course.good(
        clock.reading(3600, Some((1, None)), 103.6, 40),
        Timing::Timely,
    );
    let record = course.record(&identity(), 0);
    let cpu = series(&record, "cpu");
    near(cpu.increase, 3.5);
    assert_eq!(cpu.covered_us, 2_500_000);
    near(cpu.windows[0], 1.0);
    near(cpu.windows[1], 2.0);
    near(cpu.windows[2], 1.0);
    assert_eq!(cpu.windows.len(), 3);
    assert_eq!((cpu.first, cpu.last, cpu.highest), (None, None, None));
    let memory = series(&record, "memory");
    assert_eq!(
        (memory.first, memory.highest, memory.last),
        (Some(10.0), Some(40.0), Some(40.0))
    );
    assert_eq!(
        memory.windows,
        [Some(10.0), Some(30.0), Some(30.0)],
        "the last one is a mean"
    );
    assert_eq!((memory.increase, memory.covered_us), (None, 2_500_000));
    assert_eq!((record.readings.due, record.readings.good), (4, 4));
    assert_eq!(record.restarts, 0);
}

#[test]
fn a_new_process_counts_from_when_it_began() {
    let clock = Clock(Instant::now());
    let mut course = course(&clock);
    course.good(
        clock.reading(1000, Some((1, None)), 100.0, 10),
        Timing::Timely,
    );
    course.good(
        clock.reading(2000, Some((1, None)), 101.0, 10),
        Timing::Timely,
    );
    assert!(course.failed(clock.at(3000), "it is gone"));
    assert!(!course.failed(clock.at(4000), "it is gone"));
    // It has used more than the one before: only its number tells them apart.
    course.good(
        clock.reading(5000, Some((2, Some(4600))), 200.0, 70),
        Timing::Timely,
    );
    course.good(
        clock.reading(6000, Some((2, Some(4600))), 201.0, 70),
        Timing::Timely,
    );
    let record = course.record(&identity(), 0);
    let cpu = series(&record, "cpu");
    near(cpu.increase, 202.0);
    assert_eq!(cpu.covered_us, 2_400_000, "1 to 2 s, 4.6 to 6 s");
    assert_eq!(cpu.windows[1..3], [None, None], "nothing is known");
    near(cpu.windows[3], 500.0);
    assert_eq!(
        (record.restarts, &record.restarts_us[..]),
        (1, &[3_600_000][..])
    );
    assert_eq!((record.readings.failed, record.readings.good), (2, 4));
    assert_eq!(record.problems.len(), 1);
    assert_eq!(
        (record.problems[0].count, record.problems[0].first_us),
        (2, 2_000_000)
    );
}

#[test]
fn a_counter_that_falls_began_again_unless_its_process_is_the_same() {
    let clock = Clock(Instant::now());
    for (life, restarts, increase) in [(None, 1, 12.0), (Some((1, None)), 0, 6.0)] {
        let mut course = course(&clock);
        let mut told = Vec::new();
        for (ms, cpu) in [(1000, 100.0), (2000, 105.0), (3000, 6.0), (4000, 7.0)] {
            told.extend(course.good(clock.reading(ms, life, cpu, 1), Timing::Timely));
        }
        let record = course.record(&identity(), 0);
        let cpu = series(&record, "cpu");
        near(cpu.increase, increase);
        assert_eq!(cpu.covered_us, 2_000_000, "not the second in which it fell");
        assert_eq!(record.restarts, restarts);
        assert_eq!(
            told.len(),
            1 - usize::try_from(restarts).unwrap(),
            "{told:?}"
        );
    }
}

#[test]
fn numbers_that_come_later_and_too_many_of_them() {
    let clock = Clock(Instant::now());
    let mut course = course(&clock);
    let mut many = Reading::new(clock.at(1000));
    for number in 0..MOST_SERIES + 10 {
        many.numbers.push(Number {
            name: format!("n{number}").into(),
            unit: Unit::Plain,
            kind: SeriesKind::Counter,
            value: 1.0,
        });
    }
    let told = course.good(many, Timing::Late);
    assert_eq!(told.len(), 1, "{told:?}");
    let record = course.record(&identity(), 0);
    assert_eq!(record.series.len(), MOST_SERIES);
    assert_eq!(record.readings.late, 1);
    assert!(
        record
            .series
            .iter()
            .all(|it| it.increase.is_none() && it.covered_us == 0)
    );
}

#[test]
fn problems_are_bounded() {
    let clock = Clock(Instant::now());
    let mut course = course(&clock);
    for number in 0..100 {
        course.failed(clock.at(2000), format!("problem {number}"));
    }
    let problems = course.record(&identity(), 0).problems;
    assert_eq!(problems.len(), 21);
    assert_eq!(problems.iter().map(|it| it.count).sum::<u64>(), 100);
}
