//! Whether the numbers of a run can be trusted, and why not.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Signal;

/// Whether the numbers of a run are the target's, or the generator's as well.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing was found that would have moved them.
    #[default]
    Valid,
    /// Something was found that may have moved them.
    Suspect,
    /// The generator was the limit. Such a run is never passed and never compared.
    Invalid,
}

/// How much a reason weighs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// May have moved the numbers.
    Suspect,
    /// Has moved them.
    Invalid,
}

/// One thing that was out of its bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HealthReason")]
pub struct Reason {
    /// How much it weighs.
    pub level: Level,
    /// What was looked at.
    pub signal: Signal,
    /// Where, if there is more than one of them: a journey, a worker.
    pub subject: Option<String>,
    /// What was seen, with its unit.
    pub observed: String,
    /// What it may be, with its unit.
    pub bound: String,
    /// What that means, and what to do.
    pub advice: String,
}

/// One thing that nothing can be said about. It is not known to be well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotJudged {
    /// What was looked at.
    pub signal: Signal,
    /// Where, if there is more than one of them.
    pub subject: Option<String>,
    /// Why nothing can be said.
    pub why: Why,
}

/// Why nothing can be said about a signal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The window was too short.
    TooShort,
    /// There are too few values for the percentile.
    TooFewValues,
    /// The system does not report it, or it was not measured.
    NotKnown,
}

/// Where the target is. Part of every verdict and never a reason: on one machine both share the cores, which the
/// signals show if it mattered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetHost {
    /// The machine that the generator runs on.
    Same,
    /// Another one.
    Other,
}

/// The generator's health: [`Health::verdict`] and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written", into = "Written")]
pub struct Health {
    /// What was out of bounds, the weightiest first.
    pub reasons: Vec<Reason>,
    /// What could not be judged.
    pub not_judged: Vec<NotJudged>,
    /// Where the target was.
    pub target_host: TargetHost,
}

/// The generator's health.
// The form in a report. The verdict is not read back: the reasons say it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Written {
    /// The weight of the weightiest reason.
    #[serde(skip_deserializing)]
    verdict: Verdict,
    /// What was out of bounds, the weightiest first.
    reasons: Vec<Reason>,
    /// What could not be judged.
    not_judged: Vec<NotJudged>,
    /// Where the target was.
    target_host: TargetHost,
}

impl Health {
    /// Returns the weight of the weightiest reason.
    pub fn verdict(&self) -> Verdict {
        let levels = self.reasons.iter().map(|reason| reason.level.into());
        levels.max().unwrap_or_default()
    }
}

impl From<Level> for Verdict {
    fn from(level: Level) -> Self {
        match level {
            Level::Suspect => Self::Suspect,
            Level::Invalid => Self::Invalid,
        }
    }
}

impl From<Written> for Health {
    fn from(written: Written) -> Self {
        Self {
            reasons: written.reasons,
            not_judged: written.not_judged,
            target_host: written.target_host,
        }
    }
}

impl From<Health> for Written {
    fn from(health: Health) -> Self {
        Self {
            verdict: health.verdict(),
            reasons: health.reasons,
            not_judged: health.not_judged,
            target_host: health.target_host,
        }
    }
}

impl Verdict {
    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspect => "suspect",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TooShort => "the window is too short",
            Self::TooFewValues => "there are too few values",
            Self::NotKnown => "it is not known",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            signal,
            subject,
            observed,
            bound,
            advice,
            ..
        } = self;
        match subject {
            Some(subject) => write!(f, "{signal} of {subject}: ")?,
            None => write!(f, "{signal}: ")?,
        }
        write!(f, "{observed} ({bound}); {advice}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(level: Level) -> Reason {
        Reason {
            level,
            signal: Signal::RunQueueWait,
            subject: Some("worker 1".into()),
            observed: "12.5%".into(),
            bound: "at most 5%".into(),
            advice: "do something".into(),
        }
    }

    #[test]
    fn the_worst_reason_is_the_verdict_whatever_a_report_claims() {
        let mut health = Health {
            reasons: vec![],
            not_judged: vec![NotJudged {
                signal: Signal::Ceiling,
                subject: None,
                why: Why::NotKnown,
            }],
            target_host: TargetHost::Same,
        };
        assert_eq!(health.verdict(), Verdict::Valid);
        health.reasons.push(reason(Level::Invalid));
        health.reasons.push(reason(Level::Suspect));
        assert_eq!(health.verdict(), Verdict::Invalid);
        let mut json = serde_json::to_value(&health).unwrap();
        assert_eq!(json["verdict"], "invalid");
        assert_eq!(json["reasons"][0]["signal"], "run-queue-wait");
        json["verdict"] = "valid".into();
        let read: Health = serde_json::from_value(json).unwrap();
        assert_eq!(read, health);
    }

    #[test]
    fn names_are_those_of_reports() {
        for verdict in [Verdict::Valid, Verdict::Suspect, Verdict::Invalid] {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.name());
        }
    }

    #[test]
    fn a_reason_is_a_sentence() {
        assert_eq!(
            reason(Level::Suspect).to_string(),
            "run-queue-wait of worker 1: 12.5% (at most 5%); do something"
        );
    }
}
