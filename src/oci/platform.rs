//! A platform: what content runs on, and which content of other platforms it runs as well.
//!
//! Names are normalised, and platforms ordered, as containerd's `platforms` library does for Linux: docker, containerd,
//! nerdctl, Kubernetes and BuildKit all choose with it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

/// An operating system and a processor, `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Platform {
    /// A value of Go's `GOARCH`, such as `amd64`; empty where a document does not say it.
    pub architecture: String,
    /// A value of Go's `GOOS`, such as `linux`; empty where a document does not say it.
    pub os: String,
    /// OPTIONAL. The version of the operating system, such as `10.0.17763.1`.
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// OPTIONAL. What the operating system must have, such as `win32k`.
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// OPTIONAL. The variant of the processor, such as `v8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A text that is not `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform: write os/architecture[/variant], such as linux/arm64/v8")]
pub struct PlatformError(String);

/// The operating system or processor of attestations, on which nothing runs.
const UNKNOWN: &str = "unknown";

impl Platform {
    /// A platform without a variant.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self {
            architecture: architecture.into(),
            os: os.into(),
            os_version: None,
            os_features: Vec::new(),
            variant: None,
        }
    }

    /// The platform of nearly every server, and the default.
    pub fn linux_amd64() -> Self {
        Self::new("linux", "amd64")
    }

    /// Reads the `platform` of a document. One of the wrong shape becomes `unknown/unknown`, which nothing runs on.
    pub(super) fn read(value: &Value) -> Self {
        let read = || {
            let fields = value.as_object()?;
            let text = |name: &str| match fields.get(name) {
                None | Some(Value::Null) => Some(String::new()),
                Some(Value::String(text)) => Some(text.clone()),
                Some(_) => None,
            };
            let features = fields.get("os.features").and_then(Value::as_array);
            let features = features.into_iter().flatten().filter_map(Value::as_str);
            let named = |text: String| (!text.is_empty()).then_some(text);
            Some(Self {
                architecture: text("architecture")?,
                os: text("os")?,
                os_version: named(text("os.version")?),
                os_features: features.map(Into::into).collect(),
                variant: named(text("variant")?),
            })
        };
        read().unwrap_or_else(|| Self::new(UNKNOWN, UNKNOWN))
    }

    /// Returns `true` if the platform says nothing at all.
    pub const fn is_empty(&self) -> bool {
        self.architecture.is_empty()
            && self.os.is_empty()
            && self.os_version.is_none()
            && self.os_features.is_empty()
            && self.variant.is_none()
    }

    /// The same platform under its usual name: `x86_64` is `amd64`, `aarch64` and `arm64/v8` are `arm64`, `amd64/v1` is
    /// `amd64`, `arm` is `arm/v7`; a missing operating system is `linux`.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let lower = |text: &str| text.to_ascii_lowercase();
        let os = match lower(&self.os).as_str() {
            "" => "linux".to_owned(),
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let architecture = lower(&self.architecture);
        let variant = lower(self.variant.as_deref().unwrap_or_default());
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
            ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        Self {
            architecture: architecture.to_owned(),
            os,
            os_version: self.os_version.clone(),
            os_features: self.os_features.clone(),
            variant: (!variant.is_empty()).then(|| variant.to_owned()),
        }
    }

    /// How well content for `offered` runs where `self` was asked for: 0 is best, `None` does not run.
    ///
    /// Older variants run on newer ones, `386` on `amd64`, and `arm` on `arm64`, in this order of preference. An operating
    /// system that must have features which `self` does not name does not run, but for Windows' `win32k`.
    pub fn rank(&self, offered: &Self) -> Option<usize> {
        let offered = offered.normalized();
        let lacks = |feature: &String| {
            let implied = offered.os == "windows" && feature == "win32k";
            !implied && !self.os_features.contains(feature)
        };
        if offered.os_features.iter().any(lacks) {
            return None;
        }
        let wanted = self.normalized();
        if wanted.os != offered.os {
            return None;
        }
        let runs = wanted.runs_variants();
        runs.iter().position(|(architecture, variant)| {
            *architecture == offered.architecture && *variant == offered.variant
        })
    }

    /// Processors and variants whose content runs on a normalised platform, the best one first.
    fn runs_variants(&self) -> Vec<(&str, Option<String>)> {
        let architecture = self.architecture.as_str();
        let variant = self.variant.as_deref();
        let number = variant.and_then(|text| text.trim_start_matches('v').parse::<u8>().ok());
        let down = |name, from: u8, to: u8| {
            let versions = (to..from).rev();
            versions.map(move |version| (name, Some(format!("v{version}"))))
        };
        let itself = (architecture, self.variant.clone());
        match architecture {
            "amd64" => std::iter::once(itself)
                .chain(down("amd64", number.unwrap_or(0), 2))
                // v1 is normalised away.
                .chain(number.filter(|it| *it > 1).map(|_| ("amd64", None)))
                .chain([("386", None)])
                .collect(),
            "arm" => std::iter::once(itself)
                .chain(down("arm", number.unwrap_or(0), 5))
                .collect(),
            "arm64" => arm64(variant),
            _ => vec![itself],
        }
    }
}

/// What runs on a variant of `arm64`: each v9.x implies v8.(x+5), and all of them run 32-bit programs.
fn arm64(variant: Option<&str>) -> Vec<(&'static str, Option<String>)> {
    let named = |major: u8, minor: u8| match (major, minor) {
        (8, 0) => ("arm64", None),
        (major, 0) => ("arm64", Some(format!("v{major}"))),
        (major, minor) => ("arm64", Some(format!("v{major}.{minor}"))),
    };
    let down = |major, minor: u8| (0..=minor).rev().map(move |minor| named(major, minor));
    let version = variant.unwrap_or("v8").strip_prefix('v');
    let parts = version.map(|it| it.split_once('.').unwrap_or((it, "0")));
    let parts = parts.and_then(|(major, minor)| Some((major, minor.parse::<u8>().ok()?)));
    let mut runs: Vec<_> = match parts {
        Some(("8", minor @ 0..=9)) => down(8, minor).collect(),
        Some(("9", minor @ 0..=7)) => down(9, minor).chain(down(8, (minor + 5).min(9))).collect(),
        _ => vec![("arm64", variant.map(str::to_owned))],
    };
    if parts.is_some_and(|(major, _)| matches!(major, "8" | "9")) {
        runs.extend((5..=8).rev().map(|it| ("arm", Some(format!("v{it}")))));
    }
    runs
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |text: &str| if text.is_empty() { UNKNOWN } else { text }.to_owned();
        write!(f, "{}/{}", named(&self.os), named(&self.architecture))?;
        self.variant
            .iter()
            .try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(os), Some(architecture), variant, None)
                if !os.is_empty() && !architecture.is_empty() && variant != Some("") =>
            {
                Ok(Self {
                    variant: variant.map(Into::into),
                    ..Self::new(os, architecture)
                })
            }
            _ => Err(PlatformError(text.chars().take(100).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(wanted: &str, offered: &str) -> Option<usize> {
        let platform = |text: &str| text.parse::<Platform>().unwrap();
        platform(wanted).rank(&platform(offered))
    }

    // The tables of containerd's library (`normalizeArch`, `platformVector`), read, not run.
    #[test]
    fn other_names_of_a_platform_are_the_same() {
        for (one, other) in [
            ("linux/x86_64", "linux/amd64"),
            ("linux/x86-64", "linux/amd64/v1"),
            ("Linux/AMD64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64/v8"),
            ("linux/arm64/8", "linux/arm64"),
            ("linux/arm64/9", "linux/arm64/v9.0"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
            ("macos/arm64", "darwin/arm64"),
        ] {
            assert_eq!(rank(one, other), Some(0), "{one} {other}");
            assert_eq!(rank(other, one), Some(0), "{other} {one}");
        }
    }

    #[test]
    fn what_runs_is_ordered_by_closeness() {
        for (wanted, runs) in [
            (
                "linux/arm/v7",
                &["v7", "v6", "v5"].map(|it| format!("linux/arm/{it}"))[..],
            ),
            (
                "linux/amd64/v3",
                &["amd64/v3", "amd64/v2", "amd64", "386"].map(|it| format!("linux/{it}"))[..],
            ),
            (
                "linux/arm64",
                &["arm64", "arm/v8", "arm/v7", "arm/v6", "arm/v5"].map(|it| format!("linux/{it}"))
                    [..],
            ),
            (
                "linux/arm64/v9",
                &[
                    "arm64/v9",
                    "arm64/v8.5",
                    "arm64/v8.4",
                    "arm64/v8.3",
                    "arm64/v8.2",
                    "arm64/v8.1",
                    "arm64",
                ]
                .map(|it| format!("linux/{it}"))[..],
            ),
        ] {
            for (place, offered) in runs.iter().enumerate() {
                assert_eq!(rank(wanted, offered), Some(place), "{wanted} {offered}");
            }
        }
    }

    #[test]
    fn what_does_not_run_has_no_rank() {
        for (wanted, offered) in [
            ("linux/amd64", "linux/amd64/v2"),
            ("linux/amd64", "windows/amd64"),
            ("linux/386", "linux/amd64"),
            ("linux/arm/v6", "linux/arm/v7"),
            ("linux/arm/v7", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64/v9"),
            ("linux/amd64", "unknown/unknown"),
            ("linux/riscv64", "linux/amd64"),
        ] {
            assert_eq!(rank(wanted, offered), None, "{wanted} {offered}");
        }
    }

    #[test]
    fn a_platform_of_a_document_is_read_as_far_as_it_goes() {
        let read = |text: &str| Platform::read(&serde_json::from_str(text).unwrap());
        let amd64 = Platform::linux_amd64();
        // containerd takes a missing system for its own.
        assert_eq!(amd64.rank(&read(r#"{"architecture":"amd64"}"#)), Some(0));
        assert_eq!(
            amd64.rank(&read(r#"{"os":"linux","architecture":null}"#)),
            None
        );
        assert!(read("{}").is_empty());
        for odd in [
            "5",
            "[]",
            "\"linux/amd64\"",
            r#"{"os":["linux"],"architecture":"amd64"}"#,
        ] {
            assert_eq!(read(odd).to_string(), "unknown/unknown", "{odd}");
        }
        let windows = r#"{"os":"windows","architecture":"amd64","os.version":"10.0.17763.1","os.features":["win32k"]}"#;
        let windows = read(windows);
        assert_eq!(Platform::new("windows", "amd64").rank(&windows), Some(0));
        let featured = read(r#"{"os":"linux","architecture":"amd64","os.features":["x"]}"#);
        assert_eq!(amd64.rank(&featured), None);
    }
}
