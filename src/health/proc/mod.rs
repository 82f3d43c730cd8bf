//! What Linux reports under `/proc` and in the control group: texts, and what they mean.
//!
//! The texts are parsed by pure functions. One that is missing, refused or not of the expected form gives `None`.

mod cgroup;
mod file;
mod text;

pub(super) use cgroup::Throttle;
pub(super) use cgroup::{cpu_stat_candidates, throttle};
pub(super) use file::{ProcFile, open_files};
pub(super) use text::{
    CoreTimes, ProcessTimes, Segments, Sockets, ThreadTimes, allowed_cores, cores,
    memory_available, open_files_limit, port_range, process_times, resident, segments, sockets,
    stalled_us, thread_id, thread_times,
};
