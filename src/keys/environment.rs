//! `${NAME}` and `${NAME:-default}` in string values.

/// Where the value of a variable comes from.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ExpandError {
    pub(crate) message: String,
    pub(crate) label: String,
    /// The start of what is wrong, as it stands in the text.
    pub(crate) written: Option<String>,
}

/// Puts in the values of variables. What they hold is taken as it is and not expanded again.
///
/// As in a shell, `:-` stands in for a variable that is unset or empty.
pub(crate) fn expand(text: &str, lookup: Lookup<'_>) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        expanded.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let Some(end) = inside.find('}') else {
            return Err(ExpandError {
                message: "`${` without `}`".into(),
                label: "write ${NAME} or ${NAME:-default}".into(),
                written: Some("${".into()),
            });
        };
        expanded.push_str(&variable(&inside[..end], lookup)?);
        rest = &inside[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn variable(inside: &str, lookup: Lookup<'_>) -> Result<String, ExpandError> {
    let (name, default) = inside
        .split_once(":-")
        .map_or((inside, None), |(name, default)| (name, Some(default)));
    if !is_name(name) {
        return Err(ExpandError {
            message: "this is not the name of an environment variable".into(),
            label: "letters, digits and `_`, not starting with a digit".into(),
            written: Some("${".into()),
        });
    }
    match (lookup(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(ExpandError {
            message: format!("the environment variable `{name}` is not set"),
            label: format!("set it, or write ${{{name}:-default}}"),
            written: Some(format!("${{{name}}}")),
        }),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("lab".into()),
            "EMPTY" => Some(String::new()),
            "TRICK" => Some("${HOST}".into()),
            _ => None,
        }
    }

    #[test]
    fn expands_as_a_shell_does() {
        for (text, wanted) in [
            ("", ""),
            ("no $ here }", "no $ here }"),
            ("http://${HOST}:5000", "http://lab:5000"),
            ("${HOST}${HOST}", "lablab"),
            ("${NONE:-x}", "x"),
            ("${NONE:-}", ""),
            ("${HOST:-x}", "lab"),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}", "x"),
            ("${TRICK}", "${HOST}"),
        ] {
            assert_eq!(expand(text, &lookup).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn refuses_what_has_no_value() {
        for text in [
            "${NONE}", "${", "${}", "${1A}", "${A B}", "x${HOST", "${:-x}",
        ] {
            assert!(expand(text, &lookup).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_expanded_or_refused_without_panic(text in ".*") {
            let _ = expand(&text, &lookup);
        }
    }
}
