//! The control group of this process: where its `cpu.stat` is, and how often it was made to wait by its quota.

use std::path::{Path, PathBuf};

/// How often, and for how long, the quota of the group stopped its threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct Throttle {
    /// Periods of the quota in which the group had something to do.
    pub(in crate::health) periods: u64,
    /// Those of them in which the quota ran out.
    pub(in crate::health) throttled: u64,
    /// For how long, summed over cores.
    pub(in crate::health) throttled_us: u64,
}

/// `cpu.stat` of a group, version 2 (`throttled_usec`) or 1 (`throttled_time`, in nanoseconds). A group of version 2
/// without the cpu controller shows no periods: `None`.
pub(in crate::health) fn throttle(cpu_stat: &str) -> Option<Throttle> {
    let named = |wanted: &str| {
        cpu_stat.lines().find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            (name == wanted).then(|| value.trim().parse::<u64>().ok())?
        })
    };
    Some(Throttle {
        periods: named("nr_periods")?,
        throttled: named("nr_throttled")?,
        throttled_us: named("throttled_usec").or_else(|| Some(named("throttled_time")? / 1000))?,
    })
}

/// Where the `cpu.stat` of our group may be, the likelier first: by `/proc/self/cgroup` and `/proc/self/mountinfo`.
/// Where both versions are mounted, either may have the cpu controller.
pub(in crate::health) fn cpu_stat_candidates(cgroup: &str, mountinfo: &str) -> Vec<PathBuf> {
    let groups = cgroup.lines().filter_map(Group::parse);
    let found = groups.filter_map(|group| {
        mountinfo.lines().find_map(|line| {
            let mount = Mount::parse(line)?;
            mount.holds(group.version).then(|| mount.path(group.path))?
        })
    });
    found.map(|directory| directory.join("cpu.stat")).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A line of `/proc/self/cgroup` that may lead to the cpu controller.
struct Group<'a> {
    version: Version,
    path: &'a str,
}

impl<'a> Group<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let version = if number == "0" && controllers.is_empty() {
            Version::Two
        } else if controllers.split(',').any(|it| it == "cpu") {
            Version::One
        } else {
            return None;
        };
        Some(Self { version, path })
    }
}

/// A line of `/proc/self/mountinfo`.
struct Mount<'a> {
    /// What of the hierarchy is mounted.
    root: &'a str,
    place: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // 32 31 0:29 /root /place rw,relatime [optional ...] - kind source options
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut system = system.split(' ');
        Some(Self {
            root: mount.next()?,
            place: mount.next()?,
            kind: system.next()?,
            options: system.nth(1).unwrap_or_default(),
        })
    }

    fn holds(&self, version: Version) -> bool {
        match version {
            Version::Two => self.kind == "cgroup2",
            Version::One => {
                self.kind == "cgroup" && self.options.split(',').any(|option| option == "cpu")
            }
        }
    }

    /// Returns where a group is found under this mount; nowhere if it is outside of what is mounted.
    fn path(&self, group: &str) -> Option<PathBuf> {
        let below = Path::new(group).strip_prefix(self.root).ok()?;
        let inside = |part| !matches!(part, std::path::Component::ParentDir);
        below
            .components()
            .all(inside)
            .then(|| Path::new(self.place).join(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(cgroup: &str, mountinfo: &str) -> Vec<String> {
        let paths = cpu_stat_candidates(cgroup, mountinfo);
        paths.iter().map(|it| it.display().to_string()).collect()
    }

    #[test]
    fn version_two_alone() {
        // A user session of systemd.
        let mounts = "\
25 30 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw
26 25 0:23 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
";
        let group = "0::/user.slice/user-1000.slice/session-2.scope\n";
        assert_eq!(
            candidates(group, mounts),
            ["/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/cpu.stat"]
        );
        // In a container with a namespace of its own.
        assert_eq!(candidates("0::/\n", mounts), ["/sys/fs/cgroup/cpu.stat"]);
        // The group is outside of the namespace.
        assert!(candidates("0::/../other\n", mounts).is_empty());
    }

    #[test]
    fn version_one_and_both() {
        // Recorded; the unified hierarchy has no controllers there.
        let mounts = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
        let groups = "9:name=systemd:/\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n0::/\n";
        assert_eq!(
            candidates(groups, mounts),
            [
                "/sys/fs/cgroup/cpu/cpu.stat",
                "/sys/fs/cgroup/unified/cpu.stat"
            ]
        );
        // Docker with version 1 mounts its own part of the hierarchy as if it were all.
        let mounts = "716 715 0:29 /docker/4a5b /sys/fs/cgroup/cpu,cpuacct ro master:11 - cgroup cgroup rw,cpu,cpuacct\n";
        let group = "4:cpu,cpuacct:/docker/4a5b\n";
        assert_eq!(
            candidates(group, mounts),
            ["/sys/fs/cgroup/cpu,cpuacct/cpu.stat"]
        );
        assert!(candidates("4:cpu,cpuacct:/elsewhere\n", mounts).is_empty());
    }

    #[test]
    fn no_groups_at_all() {
        assert!(candidates("", "").is_empty());
        assert!(candidates("0::/\n", "").is_empty());
        assert!(candidates("garbage\n::\n", "more - garbage\n - \n").is_empty());
    }

    #[test]
    fn a_quota_tells_how_often_it_ran_out() {
        let two = "usage_usec 590866088\nuser_usec 1\nsystem_usec 2\nnr_periods 120\nnr_throttled 30\n\
                   throttled_usec 1500000\nnr_bursts 0\nburst_usec 0\n";
        let wanted = Throttle {
            periods: 120,
            throttled: 30,
            throttled_us: 1_500_000,
        };
        assert_eq!(throttle(two), Some(wanted));
        let one = "nr_periods 120\nnr_throttled 30\nthrottled_time 1500000000\n";
        assert_eq!(throttle(one), Some(wanted));
        // The cpu controller is not enabled in this group.
        assert_eq!(throttle("usage_usec 590866088\nuser_usec 1\n"), None);
        assert_eq!(
            throttle("nr_periods x\nnr_throttled 0\nthrottled_usec 0\n"),
            None
        );
        assert_eq!(throttle(""), None);
    }
}
