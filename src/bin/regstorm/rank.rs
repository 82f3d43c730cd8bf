//! The number that an engine gave this process: Kubernetes, Slurm and others that start many copies of one command.

use regstorm::schedule::{Shard, ShardError};

/// How an engine tells a process which of its copies it is.
struct Engine {
    name: &'static str,
    index: &'static str,
    /// How many there are; `None` where the engine does not say.
    count: Option<&'static str>,
    /// The number of the first.
    first: u32,
}

/// The engines, each by the variables of its documentation. Slurm is apart: it has tasks and arrays of jobs.
const ENGINES: [Engine; 5] = [
    Engine {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        count: None,
        first: 0,
    },
    Engine {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        count: Some("AWS_BATCH_JOB_ARRAY_SIZE"),
        first: 0,
    },
    Engine {
        name: "Cloud Run",
        index: "CLOUD_RUN_TASK_INDEX",
        count: Some("CLOUD_RUN_TASK_COUNT"),
        first: 0,
    },
    Engine {
        name: "Open MPI",
        index: "OMPI_COMM_WORLD_RANK",
        count: Some("OMPI_COMM_WORLD_SIZE"),
        first: 0,
    },
    Engine {
        name: "GitLab",
        index: "CI_NODE_INDEX",
        count: Some("CI_NODE_TOTAL"),
        first: 1,
    },
];

/// Which shard this process is, and who said so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) shard: Shard,
    /// The variables that were read, for people.
    pub(crate) from: String,
}

/// Why no engine says which shard this is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RankError {
    /// None of the variables is there.
    #[error(
        "no engine gave this process a number: none of {0} is set; write --shard I/N, such as 0/4"
    )]
    None(String),
    /// The engine does not say how many there are.
    #[error("{variable} is set, and nothing says how many shards there are; write --shard auto/N")]
    Count {
        /// The variable that was found.
        variable: String,
    },
    /// A variable has no number.
    #[error("{variable} is `{value}`, which is no number of a shard; write --shard I/N")]
    Value {
        /// The variable.
        variable: String,
        /// What it holds.
        value: String,
    },
    /// Two engines say different things.
    #[error("{one} and {other} give this process different numbers; write --shard I/N")]
    Several {
        /// The variables of the one.
        one: String,
        /// Those of the other.
        other: String,
    },
    /// The engine says something else than the command line.
    #[error("--shard says that there are {given} shards, and {variable} that there are {found}")]
    Differs {
        /// On the command line.
        given: u32,
        /// The variable.
        variable: String,
        /// What it holds.
        found: u32,
    },
    /// There is no such shard.
    #[error("{from}: {error}")]
    Shard {
        /// The variables.
        from: String,
        /// What is wrong.
        error: ShardError,
    },
}

/// What one engine says.
struct Said {
    index: u32,
    count: Option<u32>,
    first: u32,
    from: String,
    /// The variable of the number of copies.
    count_from: String,
}

/// Returns which shard this process is; `count` is how many there are, where that was said.
///
/// # Errors
/// When no engine says it, or two do.
pub(crate) fn read(count: Option<u32>) -> Result<Rank, RankError> {
    of(count, |name| std::env::var_os(name)?.into_string().ok())
}

fn of(count: Option<u32>, variable: impl Fn(&str) -> Option<String>) -> Result<Rank, RankError> {
    let number = |name: &str| match variable(name) {
        None => Ok(None),
        Some(value) => match value.parse::<u32>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(RankError::Value {
                variable: name.to_owned(),
                value: value.chars().filter(|c| !c.is_control()).take(40).collect(),
            }),
        },
    };
    let mut ranks: Vec<Rank> = Vec::new();
    for said in [slurm(&number)?]
        .into_iter()
        .chain(
            ENGINES
                .iter()
                .map(|engine| engine.read(&number))
                .collect::<Result<Vec<_>, _>>()?,
        )
        .flatten()
    {
        ranks.push(said.rank(count)?);
    }
    let mut ranks = ranks.into_iter();
    let Some(rank) = ranks.next() else {
        let names = ENGINES.iter().map(|it| it.index);
        let names: Vec<_> = names.chain(["SLURM_PROCID"]).collect();
        return Err(RankError::None(names.join(", ")));
    };
    match ranks.find(|it| it.shard != rank.shard) {
        Some(other) => Err(RankError::Several {
            one: rank.from,
            other: other.from,
        }),
        None => Ok(rank),
    }
}

impl Engine {
    fn read(
        &self,
        number: &impl Fn(&str) -> Result<Option<u32>, RankError>,
    ) -> Result<Option<Said>, RankError> {
        let Some(index) = number(self.index)? else {
            return Ok(None);
        };
        let count = self.count.map(number).transpose()?.flatten();
        Ok(Some(Said {
            index,
            count,
            first: self.first,
            from: format!("{} ({})", self.index, self.name),
            count_from: self.count.unwrap_or_default().to_owned(),
        }))
    }
}

/// Returns what Slurm says: the tasks of `srun`, within the elements of a job array where there are any.
fn slurm(
    number: &impl Fn(&str) -> Result<Option<u32>, RankError>,
) -> Result<Option<Said>, RankError> {
    let tasks = number("SLURM_NTASKS")?.unwrap_or(1).max(1);
    let task = match tasks {
        1 => None,
        _ => number("SLURM_PROCID")?,
    };
    let element = number("SLURM_ARRAY_TASK_ID")?;
    let (index, count, from, count_from) = match (element, task) {
        (None, None) => match number("SLURM_PROCID")? {
            None => return Ok(None),
            Some(task) => (task, Some(tasks), "SLURM_PROCID", "SLURM_NTASKS"),
        },
        (None, Some(task)) => (task, Some(tasks), "SLURM_PROCID", "SLURM_NTASKS"),
        (Some(element), task) => {
            // An array may begin anywhere and have steps: 10-40:10.
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
            let place = element.saturating_sub(first) / step;
            let elements = number("SLURM_ARRAY_TASK_COUNT")?;
            match task {
                None => (
                    place,
                    elements,
                    "SLURM_ARRAY_TASK_ID",
                    "SLURM_ARRAY_TASK_COUNT",
                ),
                Some(task) => (
                    place.saturating_mul(tasks).saturating_add(task),
                    elements.map(|it| it.saturating_mul(tasks)),
                    "SLURM_ARRAY_TASK_ID and SLURM_PROCID",
                    "SLURM_ARRAY_TASK_COUNT times SLURM_NTASKS",
                ),
            }
        }
    };
    Ok(Some(Said {
        index,
        count,
        first: 0,
        from: format!("{from} (Slurm)"),
        count_from: count_from.to_owned(),
    }))
}

impl Said {
    fn rank(self, given: Option<u32>) -> Result<Rank, RankError> {
        let count = match (given, self.count) {
            (Some(given), Some(found)) if given != found => {
                return Err(RankError::Differs {
                    given,
                    variable: self.count_from,
                    found,
                });
            }
            (given, found) => given.or(found),
        };
        let Some(count) = count else {
            return Err(RankError::Count {
                variable: self.from,
            });
        };
        let index = self.index.checked_sub(self.first);
        let shard = index.map_or(
            Err(ShardError::Index {
                index: self.index,
                count,
            }),
            |index| Shard::new(index, count),
        );
        match shard {
            Ok(shard) => Ok(Rank {
                shard,
                from: self.from,
            }),
            Err(error) => Err(RankError::Shard {
                from: self.from,
                error,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(count: Option<u32>, variables: &[(&str, &str)]) -> Result<Rank, RankError> {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        of(count, |name| variables.get(name).map(|it| (*it).to_owned()))
    }

    fn shard(count: Option<u32>, variables: &[(&str, &str)]) -> String {
        match read(count, variables) {
            Ok(rank) => rank.shard.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_engine_is_read_as_its_documentation_says() {
        // An Indexed Job of Kubernetes tells no size; GitLab counts `parallel` from 1.
        for (count, variables, wanted) in [
            (Some(4), vec![("JOB_COMPLETION_INDEX", "3")], "3/4"),
            (
                None,
                vec![
                    ("AWS_BATCH_JOB_ARRAY_INDEX", "0"),
                    ("AWS_BATCH_JOB_ARRAY_SIZE", "9"),
                ],
                "0/9",
            ),
            (
                None,
                vec![("CLOUD_RUN_TASK_INDEX", "2"), ("CLOUD_RUN_TASK_COUNT", "3")],
                "2/3",
            ),
            (
                None,
                vec![("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2")],
                "0/2",
            ),
            (
                None,
                vec![("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "2")],
                "1/2",
            ),
            (
                None,
                vec![("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2")],
                "1/2",
            ),
            // srun -n 4
            (
                None,
                vec![("SLURM_PROCID", "3"), ("SLURM_NTASKS", "4")],
                "3/4",
            ),
            // sbatch --array=10-40:10, each with one task
            (
                None,
                vec![
                    ("SLURM_PROCID", "0"),
                    ("SLURM_ARRAY_TASK_ID", "30"),
                    ("SLURM_ARRAY_TASK_MIN", "10"),
                    ("SLURM_ARRAY_TASK_STEP", "10"),
                    ("SLURM_ARRAY_TASK_COUNT", "4"),
                ],
                "2/4",
            ),
            // sbatch --array=0-1, and srun -n 3 in it
            (
                None,
                vec![
                    ("SLURM_PROCID", "2"),
                    ("SLURM_NTASKS", "3"),
                    ("SLURM_ARRAY_TASK_ID", "1"),
                    ("SLURM_ARRAY_TASK_COUNT", "2"),
                ],
                "5/6",
            ),
        ] {
            assert_eq!(shard(count, &variables), wanted, "{variables:?}");
        }
    }

    #[test]
    fn what_is_missing_or_does_not_fit_is_said() {
        for (count, variables, wanted) in [
            (None, vec![], "no engine gave this process a number"),
            (
                None,
                vec![("JOB_COMPLETION_INDEX", "1")],
                "write --shard auto/N",
            ),
            (
                Some(2),
                vec![("JOB_COMPLETION_INDEX", "2")],
                "the last is 1",
            ),
            (
                Some(2),
                vec![("JOB_COMPLETION_INDEX", "x")],
                "JOB_COMPLETION_INDEX is `x`",
            ),
            (
                Some(3),
                vec![("CLOUD_RUN_TASK_INDEX", "0"), ("CLOUD_RUN_TASK_COUNT", "4")],
                "CLOUD_RUN_TASK_COUNT that there are 4",
            ),
            (
                None,
                vec![("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")],
                "there is no shard 0 of 2",
            ),
            (
                Some(2),
                vec![
                    ("JOB_COMPLETION_INDEX", "1"),
                    ("CI_NODE_INDEX", "1"),
                    ("CI_NODE_TOTAL", "2"),
                ],
                "different numbers",
            ),
        ] {
            let said = shard(count, &variables);
            assert!(said.contains(wanted), "{variables:?}: {said}");
        }
    }

    #[test]
    fn two_engines_that_agree_are_one() {
        let rank = read(
            Some(2),
            &[
                ("JOB_COMPLETION_INDEX", "1"),
                ("CI_NODE_INDEX", "2"),
                ("CI_NODE_TOTAL", "2"),
            ],
        );
        let rank = rank.unwrap();
        assert_eq!(rank.shard.to_string(), "1/2");
        assert_eq!(rank.from, "JOB_COMPLETION_INDEX (Kubernetes)");
    }
}
