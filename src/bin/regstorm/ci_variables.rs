//! What a CI system says of the job, for a reader who finds the report a year later.

use std::collections::BTreeMap;

/// For each system the variable by which it shows itself, and those that tell of the job. All are known to hold no
/// secret; whatever else stands in the environment is not looked at.
const SYSTEMS: [(&str, &[&str]); 5] = [
    (
        "GITHUB_ACTIONS",
        &[
            "GITHUB_REPOSITORY",
            "GITHUB_SHA",
            "GITHUB_REF_NAME",
            "GITHUB_HEAD_REF",
            "GITHUB_RUN_ID",
            "GITHUB_RUN_ATTEMPT",
            "GITHUB_JOB",
            "GITHUB_WORKFLOW",
        ],
    ),
    (
        "GITLAB_CI",
        &[
            "CI_PROJECT_PATH",
            "CI_COMMIT_SHA",
            "CI_COMMIT_REF_NAME",
            "CI_PIPELINE_ID",
            "CI_JOB_ID",
            "CI_JOB_NAME",
            "CI_MERGE_REQUEST_IID",
        ],
    ),
    ("JENKINS_URL", &["JOB_NAME", "BUILD_NUMBER", "GIT_COMMIT"]),
    (
        "BUILDKITE",
        &[
            "BUILDKITE_ORGANIZATION_SLUG",
            "BUILDKITE_PIPELINE_SLUG",
            "BUILDKITE_COMMIT",
            "BUILDKITE_BRANCH",
            "BUILDKITE_BUILD_NUMBER",
            "BUILDKITE_JOB_ID",
        ],
    ),
    (
        "CIRCLECI",
        &[
            "CIRCLE_PROJECT_USERNAME",
            "CIRCLE_PROJECT_REPONAME",
            "CIRCLE_SHA1",
            "CIRCLE_BRANCH",
            "CIRCLE_BUILD_NUM",
            "CIRCLE_JOB",
        ],
    ),
];

/// The variables of this process.
pub(crate) fn read() -> BTreeMap<String, String> {
    of(|name| std::env::var_os(name)?.into_string().ok())
}

fn of(variable: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let shown = SYSTEMS
        .iter()
        .filter(|(marker, _)| variable(marker).is_some());
    shown
        .flat_map(|(_, names)| names.iter())
        .filter_map(|name| Some(((*name).to_owned(), variable(name)?)))
        .filter(|(_, value)| is_harmless(value))
        .collect()
}

/// Not empty, no longer than a label, and no address with somebody's name or password in it.
fn is_harmless(value: &str) -> bool {
    let bounded = (1..=256).contains(&value.chars().count());
    let named = value.contains("://") && value.contains('@');
    bounded && !value.chars().any(char::is_control) && !named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_of_a_system_that_is_there_are_read() {
        let environment = BTreeMap::from([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", "c0ffee"),
            ("GITHUB_TOKEN", "ghs_secret"),
            ("GITHUB_REPOSITORY", "owner/name"),
            ("GITHUB_HEAD_REF", ""),
            ("GITHUB_REF_NAME", "https://user:secret@example.org/"),
            ("GITHUB_WORKFLOW", "two\nlines"),
            ("JOB_NAME", "of no Jenkins"),
            ("HOME", "/root"),
        ]);
        let read = of(|name| environment.get(name).map(|it| (*it).to_owned()));
        let found: Vec<_> = read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            found,
            [
                ("GITHUB_REPOSITORY", "owner/name"),
                ("GITHUB_SHA", "c0ffee")
            ]
        );
    }

    #[test]
    fn no_name_is_one_of_a_secret() {
        for name in SYSTEMS.iter().flat_map(|(_, names)| *names) {
            for word in ["TOKEN", "PASSWORD", "SECRET", "KEY", "URL", "AUTH"] {
                assert!(!name.contains(word), "{name}");
            }
        }
    }
}
