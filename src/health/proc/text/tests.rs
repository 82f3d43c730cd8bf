//! Texts as machines show them: recorded under Linux 6.18 in a virtual machine, unless it says otherwise.

use super::*;

const STAT: &str = "\
cpu  52359 0 6652 45285 506 0 47 93 0 0
cpu0 24892 0 3059 24390 92 0 4 48 0 0
cpu1 27467 0 3593 20894 413 0 42 44 0 0
intr 285508 0 0 0 0
ctxt 336285
btime 1795546144
softirq 132363 0 17902 4 2766 40441 0 107 31054 0 40089
";

const SNMP: &str = "\
Ip: Forwarding DefaultTTL InReceives
Ip: 2 64 2847
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 17 2 0 3 0 2815 1304 7 0 9 0
Udp: InDatagrams NoPorts InErrors OutDatagrams
Udp: 31 0 0 32
";

const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max processes             96365                96365                processes 
Max open files            1024                 20000                files     
Max locked memory         8388608              8388608              bytes     
";

#[test]
fn a_thread_is_known_by_its_link() {
    assert_eq!(thread_id("7936/task/7940"), Some(7940));
    for garbage in ["", "7936", "7936/task/", "7936/task/x", "/proc"] {
        assert_eq!(thread_id(garbage), None, "{garbage}");
    }
}

#[test]
fn a_thread_tells_its_running_and_its_waiting() {
    let times = thread_times("186113004 7457914 378\n").unwrap();
    assert_eq!(
        (times.on_cpu_ns, times.waiting_ns),
        (186_113_004, 7_457_914)
    );
    assert_eq!(thread_times("0 0 0\n"), None, "no count is kept");
    for garbage in ["", "1 2", "1 x 3", "-1 2 3"] {
        assert_eq!(thread_times(garbage), None, "{garbage}");
    }
}

#[test]
fn the_name_of_a_program_may_hold_anything() {
    // utime 1,234 and stime 66: 1,300 ticks of 10 ms.
    let stat =
        "7925 (a) R 1 (b) S 7920 7920 6647 0 -1 4194304 101 0 5 0 1234 66 0 0 20 0 1 0 52695";
    let times = process_times(stat).unwrap();
    assert_eq!((times.cpu_us, times.major_faults), (13_000_000, 5));
    for garbage in [
        "",
        "7925 (cut",
        "7925 (cut) R 1 2 3",
        "1 (x) R a b c d e f g h i j k l m",
    ] {
        assert_eq!(process_times(garbage), None, "{garbage}");
    }
}

#[test]
fn only_allowed_cores_count() {
    let cores_of = |allowed: &[u32]| cores(STAT, &allowed.iter().copied().collect());
    let core1 = cores_of(&[1]).unwrap();
    // idle 20,894 + iowait 413; the total is 27,467 + 3,593 + 20,894 + 413 + 42 + 44.
    let wanted = CoreTimes {
        core: 1,
        idle: 21_307,
        steal: 44,
        total: 52_453,
    };
    assert_eq!(core1, [wanted]);
    assert_eq!(cores_of(&[0, 1, 7]).unwrap().len(), 2);
    assert_eq!(cores_of(&[7]), None);
    // Linux 2.4 had four columns; guest time, the last two of ten, is in user time already.
    let four = cores("cpu0 1 2 3 4\n", &BTreeSet::from([0])).unwrap();
    assert_eq!((four[0].idle, four[0].steal, four[0].total), (4, 0, 10));
    let guest = cores("cpu0 9 0 0 1 0 0 0 0 9 9\n", &BTreeSet::from([0])).unwrap();
    assert_eq!(guest[0].total, 10);
    assert_eq!(cores("cpu0 1 2 x\n", &BTreeSet::from([0])), None);
}

#[test]
fn allowed_cores_are_a_list_of_ranges() {
    let status = "Name:\tx\nVmRSS:\t    1632 kB\nCpus_allowed:\t17\nCpus_allowed_list:\t0-2,4\n";
    assert_eq!(allowed_cores(status), Some(BTreeSet::from([0, 1, 2, 4])));
    for garbage in ["", "Cpus_allowed_list:\t\n", "Cpus_allowed_list:\t3-\n"] {
        assert_eq!(allowed_cores(garbage), None, "{garbage}");
    }
    assert_eq!(resident(status), Some(1_671_168)); // 1,632 times 1,024
    assert_eq!(resident("VmRSS: many kB"), None);
    assert_eq!(resident("VmRSS: 99999999999999999999 kB"), None);
}

#[test]
fn available_is_not_free() {
    let meminfo = "MemTotal:  24684084 kB\nMemFree:  9 kB\nMemAvailable:   2048 kB\n";
    assert_eq!(memory_available(meminfo), Some(2_097_152));
    assert_eq!(
        memory_available("MemFree:  9 kB\n"),
        None,
        "before Linux 3.14"
    );
}

#[test]
fn limits_may_be_endless() {
    let limit = open_files_limit(LIMITS).unwrap();
    assert_eq!((limit.soft, limit.hard), (1024, 20_000));
    let endless = open_files_limit(
        "Max open files            1024                 unlimited            files\n",
    );
    assert_eq!(endless.unwrap().hard, u64::MAX);
    assert_eq!(open_files_limit("Max open files\n"), None);
    assert_eq!(open_files_limit("Max processes 1 1 processes\n"), None);
}

#[test]
fn pressure_is_what_some_task_lost() {
    let text = "\
some avg10=0.95 avg60=0.79 avg300=1.25 total=12531254
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
";
    assert_eq!(stalled_us(text), Some(12_531_254));
    assert_eq!(stalled_us("full avg10=0.00 total=7\n"), None);
    assert_eq!(stalled_us("some avg10=0.00\n"), None);
    assert_eq!(stalled_us(""), None);
}

#[test]
fn sockets_of_both_families_are_added() {
    let v4 = "sockets: used 12\nTCP: inuse 5 orphan 0 tw 31 alloc 9 mem 128\nUDP: inuse 3 mem 0\n";
    let v6 = "TCP6: inuse 4\nUDP6: inuse 9\n";
    let both = sockets(v4, Some(v6)).unwrap();
    assert_eq!((both.in_use, both.time_wait), (9, 31));
    assert_eq!(sockets(v4, None).unwrap().in_use, 5);
    assert_eq!(sockets(v4, Some("garbage")).unwrap().in_use, 5);
    assert_eq!(sockets("sockets: used 12\nUDP: inuse 3 tw 1\n", None), None);
}

#[test]
fn segments_are_found_by_name() {
    let found = segments(SNMP).unwrap();
    assert_eq!((found.sent, found.sent_again), (1304, 7));
    let other_order = "Tcp: RetransSegs OutSegs\nTcp: 3 100\n";
    let found = segments(other_order).unwrap();
    assert_eq!((found.sent, found.sent_again), (100, 3));
    for garbage in [
        "",
        "Tcp: OutSegs\n",
        "Tcp: OutSegs RetransSegs\nTcp: 1\n",
        "Udp: OutSegs\nUdp: 1\n",
    ] {
        assert_eq!(segments(garbage), None, "{garbage}");
    }
}

#[test]
fn both_ends_of_the_port_range_count() {
    assert_eq!(port_range("32768\t60999\n"), Some(28_232));
    assert_eq!(port_range("1024 1024"), Some(1));
    for garbage in ["", "1024", "2 1", "1 99999", "a b"] {
        assert_eq!(port_range(garbage), None, "{garbage}");
    }
}
