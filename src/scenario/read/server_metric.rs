//! `server.[SOURCE.]NAME`: numbers of the target's side.

use crate::keys::part::{Part, Wrong};
use crate::keys::table::nearest;
use crate::telemetry::ServerMetric;

/// Reads the name of a number. Of what begins with one of these sources, any name may follow; a gate does not know the
/// sources, so that any text may be one.
pub(super) fn read(part: Part<'_>, sources: &[&str]) -> Result<ServerMetric, Wrong> {
    let prefix = ServerMetric::PREFIX.len();
    let name = part.get(prefix..part.text.len());
    if let Some(blank) = name.text.find(char::is_whitespace) {
        let behind = name.get(blank..name.text.len()).trimmed();
        let label = "remove it; the highest reading of a gauge is NAME.max, its growth NAME.growth and NAME.slope";
        return Err(behind.wrong("a number of the target's side has no statistic", label));
    }
    let metric = part.text.parse::<ServerMetric>();
    let metric =
        metric.map_err(|_| name.wrong("this is no name", "such as server.cpu_per_pull"))?;
    if ServerMetric::unit_of(name.text).is_some() {
        return Ok(metric);
    }
    let words: Vec<String> = ServerMetric::words().collect();
    let is_of_source = match name.text.split_once('.') {
        Some((source, _)) if sources.is_empty() => !words.iter().any(|it| it == source),
        Some((source, _)) => sources.contains(&source),
        None => false,
    };
    if is_of_source {
        return Ok(metric);
    }
    let label = match nearest(name.text, words.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write a word such as cpu_per_pull or memory.slope, or SOURCE.SERIES".to_owned(),
    };
    Err(name.wrong("unknown number of the target's side", label))
}
