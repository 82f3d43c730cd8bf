//! A block device by `/sys/class/block`.

use tokio::time::Instant;

use super::proc;
use super::reading::{Reading, float};
use super::record::Unit;

/// The sectors of `/sys/class/block/NAME/stat` have this size, whatever those of the device.
const SECTOR: u64 = 512;

/// Reads a device once.
///
/// # Errors
/// Returns what to tell people if there is no such device.
pub(super) fn read(name: &str) -> Result<Reading, String> {
    let text = proc::text(format!("/sys/class/block/{name}/stat"))
        .map_err(|error| format!("there is no block device {name}: {error}"))?;
    let mut reading = Reading::new(Instant::now());
    add(&text, &mut reading).ok_or_else(|| format!("the numbers of {name} cannot be read"))?;
    Ok(reading)
}

/// reads, merged, sectors, ms; writes, merged, sectors, ms; under way, busy ms, ...
fn add(stat: &str, reading: &mut Reading) -> Option<()> {
    let numbers: Vec<u64> = stat
        .split_whitespace()
        .map_while(|it| it.parse().ok())
        .collect();
    let [
        reads,
        _,
        read,
        _,
        writes,
        _,
        written,
        _,
        under_way,
        busy_ms,
        ..,
    ] = numbers[..]
    else {
        return None;
    };
    let bytes = |sectors: u64| Some(float(sectors.saturating_mul(SECTOR)));
    reading.counter("reads", Unit::Plain, Some(float(reads)));
    reading.counter("read_bytes", Unit::Bytes, bytes(read));
    reading.counter("writes", Unit::Plain, Some(float(writes)));
    reading.counter("written_bytes", Unit::Bytes, bytes(written));
    reading.counter("busy", Unit::Seconds, Some(float(busy_ms) / 1e3));
    reading.gauge("queue", Unit::Plain, Some(under_way));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_kernel() {
        let mut reading = Reading::new(Instant::now());
        let stat = "  12 1 80 5 34 2 160 7 3 1500 99 0 0 0 0 0 0\n";
        add(stat, &mut reading).unwrap();
        let numbers: Vec<(&str, f64)> = reading
            .numbers
            .iter()
            .map(|it| (&*it.name, it.value))
            .collect();
        assert_eq!(
            numbers,
            [
                ("reads", 12.0),
                ("read_bytes", 40_960.0),
                ("writes", 34.0),
                ("written_bytes", 81_920.0),
                ("busy", 1.5),
                ("queue", 3.0),
            ]
        );
        assert_eq!(add("1 2 3\n", &mut reading), None);
    }
}
