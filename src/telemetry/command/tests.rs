use super::*;

fn sh(script: &str) -> Result<Reading, String> {
    sh_for(script, Duration::from_mins(1), &AtomicBool::new(false))
}

fn sh_for(script: &str, limit: Duration, is_over: &AtomicBool) -> Result<Reading, String> {
    run(&["sh", "-c", script].map(str::to_owned), limit, is_over)
}

#[test]
fn lines_of_names_and_values() {
    let reading = sh("echo queue 3; echo '# TYPE done counter'; echo done 7; printf 'sent_bytes_total 9\\nbad NaN'").unwrap();
    let numbers: Vec<_> = reading
        .numbers
        .iter()
        .map(|it| (&*it.name, it.kind, it.unit, it.value))
        .collect();
    assert_eq!(
        numbers,
        [
            ("queue", SeriesKind::Gauge, Unit::Plain, 3.0),
            ("done", SeriesKind::Counter, Unit::Plain, 7.0),
            ("sent_bytes_total", SeriesKind::Counter, Unit::Bytes, 9.0),
        ]
    );
    assert_eq!(reading.problems.len(), 1);
}

#[test]
fn what_fails_or_prints_something_else_is_told() {
    for (script, words) in [
        ("echo a 1; exit 3", "exit status: 3"),
        ("echo hello there", "not a number"),
        ("exit 0", "no `NAME VALUE` line"),
        (
            "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo a $i; done",
            "1000",
        ),
        ("head -c 3000000 /dev/zero", "64 KiB"),
        ("kill -9 $$", "signal"),
    ] {
        let error = sh(script).unwrap_err();
        assert!(error.contains(words), "{script}: {error}");
    }
    let error = run(
        &["/no/such/program".to_owned()],
        Duration::from_mins(1),
        &AtomicBool::new(false),
    );
    assert!(error.unwrap_err().contains("cannot run"));
}

/// A command that hangs is ended with what it has started, which would otherwise go on to hold the file open.
#[test]
fn a_command_that_hangs_is_killed_with_its_children() {
    let lock = tempfile::NamedTempFile::new().unwrap();
    let path = lock.path().display();
    let script = format!("(exec 9>{path}; flock 9; exec sleep 60) & echo a 1; sleep 60");
    let error = sh_for(&script, Duration::from_millis(300), &AtomicBool::new(false)).unwrap_err();
    assert!(
        error.contains("300 ms") && error.contains("killed"),
        "{error}"
    );
    let free = Command::new("flock").arg(lock.path()).arg("true").status();
    assert!(free.unwrap().success());
    let error = sh_for("sleep 60", Duration::from_mins(1), &AtomicBool::new(true)).unwrap_err();
    assert!(error.contains("run was over"), "{error}");
}
