use super::*;

/// Writes a tree of groups.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn reader(root: &Path, place: CgroupPlace) -> CgroupReader {
    CgroupReader {
        root: root.to_owned(),
        ..CgroupReader::new(place)
    }
}

fn values(reading: &Reading) -> Vec<(&str, f64)> {
    reading
        .numbers
        .iter()
        .map(|it| (&*it.name, it.value))
        .collect()
}

const TWO: [(&str, &str); 6] = [
    ("cgroup.controllers", "cpu memory"),
    (
        "system.slice/r.service/cpu.stat",
        "usage_usec 2500000\nuser_usec 1\nnr_periods 0\nthrottled_usec 500000\n",
    ),
    ("system.slice/r.service/memory.current", "1000\n"),
    (
        "system.slice/r.service/memory.stat",
        "anon 600\ninactive_file 300\n",
    ),
    (
        "system.slice/r.service/io.stat",
        "8:0 rbytes=10 wbytes=20 rios=1\n259:0 rbytes=1 wbytes=2 rios=1\n",
    ),
    ("system.slice/r.service/pids.current", "17\n"),
];

#[test]
fn version_two() {
    let root = tree(&TWO);
    let unit = CgroupPlace::Unit("r.service".to_owned());
    let mut reader = reader(root.path(), unit);
    let reading = reader.read().unwrap();
    let wanted = [
        ("cpu", 2.5),
        ("throttled", 0.5),
        ("memory", 700.0),
        ("threads", 17.0),
        ("read_bytes", 11.0),
        ("written_bytes", 22.0),
    ];
    assert_eq!(values(&reading), wanted);
    // The unit is started again: its group is made anew.
    let group = root.path().join("system.slice/r.service");
    let old = root.path().join("old");
    fs::rename(&group, &old).unwrap();
    let error = reader.read().unwrap_err();
    assert!(
        error.contains("the unit r.service has no control group"),
        "{error}"
    );
    fs::create_dir(&group).unwrap();
    fs::write(group.join("cpu.stat"), "usage_usec 1\n").unwrap();
    let again = reader.read().unwrap();
    assert!(!again.life.unwrap().is(&reading.life.unwrap()));
}

#[test]
fn version_one_has_a_tree_for_each_controller() {
    let id = "4a5b6c7d8e9f00112233445566778899";
    let file = |tree: &str, name: &str| format!("{tree}/docker/{id}/{name}");
    let files = [
        (file("cpuacct", "cpuacct.usage"), "2500000000\n"),
        (
            file("cpu", "cpu.stat"),
            "nr_periods 3\nnr_throttled 1\nthrottled_time 250000000\n",
        ),
        (file("memory", "memory.usage_in_bytes"), "1000\n"),
        (
            file("memory", "memory.stat"),
            "inactive_file 7\ntotal_inactive_file 300\n",
        ),
        (
            file("blkio", "blkio.throttle.io_service_bytes"),
            "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n8:16 Read 1\nTotal 31\n",
        ),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let root = tree(&files);
    let wanted = [
        ("cpu", 2.5),
        ("throttled", 0.25),
        ("memory", 700.0),
        ("read_bytes", 11.0),
        ("written_bytes", 20.0),
    ];
    let by_id = CgroupPlace::Container(id[..12].to_owned());
    assert_eq!(values(&reader(root.path(), by_id).read().unwrap()), wanted);
    let by_path = CgroupPlace::Path(root.path().join("memory/docker").join(id));
    assert_eq!(
        values(&reader(root.path(), by_path).read().unwrap()),
        wanted
    );
}

#[test]
fn what_cannot_be_found_or_read_is_told() {
    let id = "4a5b6c7d8e9f";
    let two = [
        format!("a/docker-{id}00.scope/cpu.stat"),
        format!("b/docker-{id}11.scope/cpu.stat"),
    ];
    let two = two.each_ref().map(|it| (it.as_str(), "usage_usec 1\n"));
    let root = tree(&two);
    fs::write(root.path().join("cgroup.controllers"), "").unwrap();
    let told = |place| reader(root.path(), place).read().unwrap_err();
    let error = told(CgroupPlace::Container(id.to_owned()));
    assert!(error.contains("several"), "{error}");
    let error = told(CgroupPlace::Container(id.replace('4', "5")));
    assert!(error.contains("no control group"), "{error}");
    let error = told(CgroupPlace::Path(root.path().join("nowhere")));
    assert!(error.contains("there is no control group"), "{error}");
    let error = told(CgroupPlace::Path(root.path().join("a")));
    assert!(error.contains("no cpu.stat"), "{error}");
    let both = tree(&[("cgroup.controllers", ""), ("g/cpu.stat", "usage_usec x\n")]);
    let error = reader(both.path(), CgroupPlace::Path(both.path().join("g")))
        .read()
        .unwrap_err();
    assert!(error.contains("can be read"), "{error}");
}

#[test]
fn directories_of_containers() {
    let id = "4a5b6c7d8e9f0011";
    for name in [
        id.to_owned(),
        format!("docker-{id}.scope"),
        format!("cri-containerd-{id}.scope"),
        format!("kubepods-besteffort-pod1.slice:cri-containerd:{id}"),
        format!("libpod-{id}.scope"),
    ] {
        assert!(is_of_container(&name, "4a5b6c7d8e9f"), "{name}");
    }
    for name in [
        format!("libpod-conmon-{id}.scope"),
        "4a5b".to_owned(),
        "docker-ffff6c7d8e9f0011.scope".to_owned(),
        "system.slice".to_owned(),
    ] {
        assert!(!is_of_container(&name, "4a5b6c7d8e9f"), "{name}");
    }
}
