use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::*;

/// A program that is ended with its test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sleep() -> Started {
    let sleep = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn();
    Started(sleep.unwrap())
}

fn reader(by: ProcessBy) -> ProcessReader {
    ProcessReader::new(ProcessPlace {
        by,
        children: false,
    })
}

fn value(reading: &Reading, name: &str) -> f64 {
    reading
        .numbers
        .iter()
        .find(|it| it.name == name)
        .unwrap()
        .value
}

#[test]
fn this_process_uses_something() {
    let mut reader = reader(ProcessBy::Pid(std::process::id()));
    let reading = reader.read().unwrap();
    assert!(value(&reading, "memory") > 1e6);
    assert!(value(&reading, "threads") >= 1.0);
    assert!(value(&reading, "open_files") >= 3.0);
    let began = reading.life.unwrap().began.unwrap();
    assert!(began <= Instant::now());
}

#[test]
fn a_process_that_listens_is_found_by_its_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(find::find(&ProcessBy::Port(port)), Ok(std::process::id()));
    drop(listener);
    let error = find::find(&ProcessBy::Port(port)).unwrap_err();
    assert!(error.contains("nothing listens"), "{error}");
}

#[test]
fn another_process_with_the_number_is_not_taken_for_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (one, two) = (sleep(), sleep());
    let write = |pid: u32| fs::write(file.path(), format!("{pid}\n")).unwrap();
    write(one.0.id());
    let mut by_file = reader(ProcessBy::PidFile(file.path().to_owned()));
    let first = by_file.read().unwrap().life.unwrap();
    assert!(by_file.read().unwrap().life.unwrap().is(&first));
    // The number is there again, of a process that started at another time.
    let mut by_number = reader(ProcessBy::Pid(one.0.id()));
    by_number.read().unwrap();
    for known in [&mut by_number.known, &mut by_file.known] {
        let known = known.as_mut().unwrap();
        known.started_ticks -= 1;
    }
    let error = by_number.read().unwrap_err();
    assert!(error.contains("another one"), "{error}");
    assert!(by_file.read().is_ok(), "a file may name the next one");
    // The process ends, and the file names another one.
    write(two.0.id());
    drop(one);
    assert!(!by_file.read().unwrap().life.unwrap().is(&first));
    fs::write(file.path(), "none\n").unwrap();
    drop(two);
    let error = by_file.read().unwrap_err();
    assert!(error.contains("does not hold the number"), "{error}");
}

#[test]
fn children_count_as_well() {
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "i=0; (while [ $i -lt 20000 ]; do i=$((i+1)); done; echo; exec sleep 60) & exec sleep 60",
    ]);
    let mut shell = Started(
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut line = [0; 1];
    io::Read::read_exact(shell.0.stdout.as_mut().unwrap(), &mut line).unwrap();
    let place = |children| ProcessPlace {
        by: ProcessBy::Pid(shell.0.id()),
        children,
    };
    let alone = ProcessReader::new(place(false)).read().unwrap();
    let mut reader = ProcessReader::new(place(true));
    let family = reader.read().unwrap();
    assert!((value(&family, "threads") - value(&alone, "threads") - 1.0).abs() < 0.5);
    assert!(value(&family, "memory") > value(&alone, "memory"));
    assert!(value(&family, "cpu") >= value(&alone, "cpu"));
    let (child, _) = members(shell.0.id(), stat_of(shell.0.id()).unwrap())
        .pop_last()
        .unwrap();
    kill(
        Pid::from_raw(i32::try_from(child).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    // What an ended child has used is not lost.
    assert!(value(&reader.read().unwrap(), "cpu") >= value(&family, "cpu"));
}

#[test]
fn the_name_of_a_program_may_be_that_of_several() {
    let error = find::find(&ProcessBy::Command("no-such-program".to_owned())).unwrap_err();
    assert!(error.contains("no process runs"), "{error}");
    let (_one, _two) = (sleep(), sleep());
    let error = find::find(&ProcessBy::Command("sleep".to_owned())).unwrap_err();
    assert!(
        error.contains("several") && error.contains("pid_file"),
        "{error}"
    );
}

#[test]
fn a_thread_of_this_process_has_a_time_of_its_own() {
    let link = fs::read_link("/proc/thread-self").unwrap();
    let id = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let mut own = reader(ProcessBy::Thread(id));
    let before = value(&own.read().unwrap(), "cpu");
    let mut sum = 0_u64;
    while value(&own.read().unwrap(), "cpu") - before < 0.01 {
        sum = sum.wrapping_mul(31).wrapping_add(7);
    }
    std::hint::black_box(sum);
    assert_eq!(
        own.read().unwrap().numbers.len(),
        1,
        "memory is that of all threads"
    );
}
