//! What this machine reaches against the embedded registry, and the share of it that a run needs.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Environment;
use crate::files::{Directory, ResolvedPath};

/// The most that was reached on a machine, with the registry on the same cores. A target elsewhere leaves more room,
/// so the share that a run needs is never reported too low.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The format, always [`Ceiling::SCHEMA`].
    pub schema: String,
    /// The version of regstorm that measured.
    pub regstorm: String,
    /// Where and when it was measured.
    pub environment: Environment,
    /// Small requests per second: manifests and blobs of a few bytes.
    pub requests_per_s: f64,
    /// Bytes of large blobs received per second, none of them checked.
    pub received_per_s: f64,
    /// Bytes of large blobs received per second, held against copies that were verified before.
    pub received_verified_per_s: f64,
    /// Bytes of large blobs received per second, every one of them hashed.
    pub received_hashed_per_s: f64,
    /// Bytes of large blobs sent per second to a registry that throws them away.
    pub sent_per_s: f64,
    /// The median of a small request when there is no other, in microseconds.
    pub floor_us: u64,
}

/// What a run came to, to be held against a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Demand {
    /// Exchanges per second.
    pub requests_per_s: f64,
    /// Bytes received per second that were not checked.
    pub received_per_s: f64,
    /// Bytes received per second that were hashed, or held against a copy that had been. Which of the two is not counted.
    pub received_verified_per_s: f64,
    /// Bytes received per second that were all hashed.
    pub received_hashed_per_s: f64,
    /// Bytes sent per second.
    pub sent_per_s: f64,
}

impl Ceiling {
    /// As it stands in the file.
    pub const SCHEMA: &str = "regstorm.ceiling/2";

    /// Returns `true` if it was measured on this machine, by this version.
    pub fn fits(&self, environment: &Environment) -> bool {
        let theirs = &self.environment;
        self.schema == Self::SCHEMA
            && self.regstorm == env!("CARGO_PKG_VERSION")
            && (&theirs.host, &theirs.cpu_model, theirs.cores)
                == (&environment.host, &environment.cpu_model, environment.cores)
    }

    /// Returns the share of the ceiling that a demand comes to: 1 is all of it. Requests and bytes take from the same cores, so
    /// their shares add up; a blob's own request is counted in both, which errs on the high side. First copies, which are
    /// hashed, are taken for later ones, which errs on the low side until they are few.
    pub fn share(&self, demand: &Demand) -> f64 {
        let parts = [
            (demand.requests_per_s, self.requests_per_s),
            (demand.received_per_s, self.received_per_s),
            (demand.received_verified_per_s, self.received_verified_per_s),
            (demand.received_hashed_per_s, self.received_hashed_per_s),
            (demand.sent_per_s, self.sent_per_s),
        ];
        let of = |(asked, most): (f64, f64)| if most > 0.0 { asked / most } else { 0.0 };
        parts.map(of).iter().sum()
    }

    /// Stores it; the directory is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be written; what stood there before is then untouched.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            Directory::create_all(directory)?;
        }
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        ResolvedPath::find(path)?.write(&text)
    }

    /// Reads what was stored; `None` when there is nothing, or nothing that this version can read: a ceiling can always
    /// be measured again.
    pub fn load(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ceiling() -> Ceiling {
        Ceiling {
            schema: Ceiling::SCHEMA.to_owned(),
            regstorm: env!("CARGO_PKG_VERSION").to_owned(),
            environment: Environment::observe(),
            requests_per_s: 50_000.0,
            received_per_s: 4e9,
            received_verified_per_s: 3e9,
            received_hashed_per_s: 1e9,
            sent_per_s: 2e9,
            floor_us: 50,
        }
    }

    #[test]
    fn shares_of_the_same_cores_add_up() {
        let demand = Demand {
            requests_per_s: 5_000.0,      // 10%
            received_per_s: 4e8,          // 10%
            received_verified_per_s: 9e8, // 30%
            received_hashed_per_s: 2e8,   // 20%
            sent_per_s: 1e8,              // 5%
        };
        assert!((ceiling().share(&demand) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn is_read_as_it_was_stored_and_fits_its_machine_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/ceiling.json");
        assert_eq!(Ceiling::load(&path), None);
        ceiling().save(&path).unwrap();
        let read = Ceiling::load(&path).unwrap();
        assert!(read.fits(&Environment::observe()));
        let mut other = Environment::observe();
        other.cores += 1;
        assert!(!read.fits(&other));
        fs::write(&path, "no json").unwrap();
        assert_eq!(Ceiling::load(&path), None);
    }
}
