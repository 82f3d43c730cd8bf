use super::*;

const LIMITS: Limits = Limits {
    open_files_soft: Some(1024),
    open_files_hard: Some(20_000),
    ports: Some(28_232),
    port_reuse: Some(PortReuse::Loopback),
    memory_available: Some(1_000_000_000),
};

const DEMAND: Demand = Demand {
    connections: 100,
    descriptors_per_connection: 1,
    other_descriptors: 128,
    new_connections_per_s: 0,
    route: Route::Network,
    vus: 100,
    bytes_per_vu: 100_000,
    other_bytes: 50_000_000,
    replay_bytes: 0,
};

#[test]
fn what_fits_is_no_problem() {
    assert_eq!(DEMAND.problems(&LIMITS), []);
    assert_eq!(DEMAND.descriptors(), 228);
}

#[test]
fn the_hard_limit_holds_so_many_connections() {
    let both_ends = Demand {
        connections: 9_936, // twice that and 128 are 20,000
        descriptors_per_connection: 2,
        ..DEMAND
    };
    assert_eq!(both_ends.problems(&LIMITS), []);
    let one_more = Demand {
        connections: 9_937,
        ..both_ends
    };
    let wanted = Problem::OpenFiles {
        wanted: 9_937,
        fits: 9_936,
        limit: 20_000,
    };
    assert_eq!(one_more.problems(&LIMITS), [wanted]);
    assert!(
        wanted
            .to_string()
            .contains("9,936 fit into the 20,000 files")
    );
}

#[test]
fn a_port_comes_back_after_a_minute_or_a_second() {
    // (28,232 ports - 100 open) / 60 s = 468.9 a second.
    let network = |new_connections_per_s| Demand {
        new_connections_per_s,
        ..DEMAND
    };
    assert_eq!(network(468).problems(&LIMITS), []);
    let wanted = Problem::Ports {
        wanted: 28_140,
        fits: 28_132,
        ports: 28_232,
        kept_back: Duration::from_mins(1),
    };
    assert_eq!(network(469).problems(&LIMITS), [wanted]);
    // Within the machine a second is enough.
    let loopback = |new_connections_per_s| Demand {
        route: Route::Loopback,
        ..network(new_connections_per_s)
    };
    assert_eq!(loopback(28_132).problems(&LIMITS), []);
    assert_eq!(loopback(28_133).problems(&LIMITS).len(), 1);
    let never = Limits {
        port_reuse: Some(PortReuse::Never),
        ..LIMITS
    };
    assert_eq!(loopback(469).problems(&never), [wanted]);
    let always = Limits {
        port_reuse: Some(PortReuse::Always),
        ..LIMITS
    };
    assert_eq!(network(469).problems(&always), []);
}

#[test]
fn memory_holds_so_many_users() {
    // (1,000,000,000 - 50,000,000) / 100,000 = 9,500.
    let users = |vus| Demand { vus, ..DEMAND };
    assert_eq!(users(9_500).problems(&LIMITS), []);
    let wanted = Problem::Memory {
        wanted: 9_501,
        fits: 9_500,
        needed_bytes: 1_000_100_000,
        available_bytes: 1_000_000_000,
    };
    assert_eq!(users(9_501).problems(&LIMITS), [wanted]);
    assert!(wanted.to_string().contains("lower `vus`"));
}

#[test]
fn the_content_of_replays_leaves_less_for_users() {
    // (1,000,000,000 - 50,000,000 - 200,000,000) / 100,000 = 7,500.
    let replays = |replay_bytes, vus| {
        let demand = Demand {
            vus,
            replay_bytes,
            ..DEMAND
        };
        demand.problems(&LIMITS)
    };
    assert_eq!(replays(200_000_000, 7_500), []);
    let [Problem::Memory { fits, .. }] = replays(200_000_000, 7_501)[..] else {
        panic!("too many users");
    };
    assert_eq!(fits, 7_500);
    let [alone] = replays(1_000_000_001, 1)[..] else {
        panic!("too large a replay");
    };
    assert!(alone.to_string().contains("1.00 GB of memory"), "{alone}");
    assert!(alone.to_string().contains("shorter slice"), "{alone}");
}

#[test]
fn an_unknown_limit_holds_everything() {
    let everything = Demand {
        connections: u64::MAX,
        descriptors_per_connection: u64::MAX,
        other_descriptors: u64::MAX,
        new_connections_per_s: u64::MAX,
        route: Route::Network,
        vus: u64::MAX,
        bytes_per_vu: u64::MAX,
        other_bytes: u64::MAX,
        replay_bytes: u64::MAX,
    };
    assert_eq!(everything.problems(&Limits::default()), []);
    assert_eq!(everything.problems(&LIMITS).len(), 3);
}

#[test]
fn reuse_is_one_of_three() {
    let parsed = ["0\n", "1", "2\n", "3", "", "x"].map(PortReuse::parse);
    let known = [PortReuse::Never, PortReuse::Always, PortReuse::Loopback].map(Some);
    assert_eq!(parsed[..3], known);
    assert_eq!(parsed[3..], [None, None, None]);
}

#[test]
#[cfg(target_os = "linux")]
fn linux_tells_its_limits() {
    let limits = Limits::read();
    assert!(limits.open_files_soft.unwrap() <= limits.open_files_hard.unwrap());
    assert!(limits.memory_available.unwrap() > 1 << 20);
}
