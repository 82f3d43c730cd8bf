//! What the command line changes in a scenario, before it is validated.

use toml::de::{DeTable, DeValue};

use super::environment::{Lookup, expand};
use super::problem::Problem;
use super::spot::Spot;
use super::tree::{Entry, Item, Planter, Text, Value};
use crate::units::too_deep;

/// What the command line changes. Later ones win.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Another target: an address, or `embedded`. What the file says of its embedded registry no longer counts then.
    pub target: Option<String>,
    /// `key.path=value`, each. The value is TOML; what is not TOML is a string. `load.0.vus` is the first of an
    /// array; where there is only one, `load.vus` will do. Paths to files start where those of the scenario start.
    pub set: Vec<String>,
    /// Another `target.proxy`. Variables of the environment are put in, as in the file.
    pub proxy: Option<String>,
}

impl Overrides {
    /// The arguments as the command line had them, and as problems show them.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let target = self.target.iter().map(|url| format!("{TARGET}{url}"));
        let set = self.set.iter().map(|change| format!("{SET}{change}"));
        let proxy = self.proxy.iter().map(|url| format!("{PROXY}{url}"));
        target.chain(set).chain(proxy).collect()
    }
}

const TARGET: &str = "--target ";
const SET: &str = "--set ";
const PROXY: &str = "--proxy ";

/// One step of a path: a key, or an index of an array.
struct Step {
    word: String,
    spot: Spot,
}

/// Changes the tree. An argument that cannot be followed is a problem.
pub(crate) fn apply(
    arguments: &[String],
    environment: Lookup<'_>,
    root: &mut Vec<Entry>,
    problems: &mut Vec<Problem>,
) {
    for (index, argument) in arguments.iter().enumerate() {
        let whole = Spot {
            source: index + 1,
            span: 0..argument.len(),
        };
        let changed = if let Some(url) = argument.strip_prefix(TARGET) {
            set_target(url, &whole, root)
        } else if let Some(url) = argument.strip_prefix(PROXY) {
            set_proxy(url, &whole, environment, root)
        } else {
            let change = argument.strip_prefix(SET).unwrap_or(argument);
            parse(change, &whole).and_then(|(path, item)| set(root, &path, item))
        };
        if let Err(problem) = changed {
            problems.push(*problem);
        }
    }
}

// A problem is large, and is the rare case.
type Changed<T> = Result<T, Box<Problem>>;

fn set_target(url: &str, whole: &Spot, root: &mut Vec<Entry>) -> Changed<()> {
    if url != "embedded" {
        let target = root.iter_mut().find(|entry| entry.key == "target");
        if let Some(Value::Table(entries)) = target.map(|entry| &mut entry.item.value) {
            entries.retain(|entry| entry.key != "embedded");
        }
    }
    let step = |word: &str| Step {
        word: word.to_owned(),
        spot: whole.clone(),
    };
    let spot = Spot {
        source: whole.source,
        span: TARGET.len()..whole.span.end,
    };
    set(root, &[step("target"), step("url")], text(url, spot))
}

fn set_proxy(
    url: &str,
    whole: &Spot,
    environment: Lookup<'_>,
    root: &mut Vec<Entry>,
) -> Changed<()> {
    let spot = Spot {
        source: whole.source,
        span: PROXY.len()..whole.span.end,
    };
    let value = expand(url, environment)
        .map_err(|error| Box::new(Problem::new(error.message, spot.clone()).label(error.label)))?;
    let step = |word: &str| Step {
        word: word.to_owned(),
        spot: whole.clone(),
    };
    let item = Item {
        value: Value::Text(Text {
            value,
            as_written: url.to_owned(),
            verbatim: None,
        }),
        spot,
    };
    set(root, &[step("target"), step("proxy")], item)
}

fn text(value: &str, spot: Spot) -> Item {
    Item {
        value: Value::Text(Text {
            value: value.to_owned(),
            as_written: value.to_owned(),
            verbatim: Some(spot.span.start),
        }),
        spot,
    }
}

/// Reads `key.path=value`.
fn parse(change: &str, whole: &Spot) -> Changed<(Vec<Step>, Item)> {
    let offset = whole.span.end - change.len();
    if let Some(deep) = too_deep(change) {
        let spot = Spot {
            source: whole.source,
            span: deep.start + offset..deep.end + offset,
        };
        return Err(Box::new(Problem::too_deep(spot)));
    }
    let Some((path, value)) = change.split_once('=') else {
        return Err(Box::new(
            Problem::new("an override needs a `=`", whole.clone()).label("write KEY.PATH=VALUE"),
        ));
    };
    let path_spot = Spot {
        source: whole.source,
        span: offset..offset + path.len(),
    };
    let steps = steps(path, &path_spot).ok_or_else(|| {
        Box::new(
            Problem::new("this is not the path of a key", path_spot)
                .label("write words joined by `.`, such as target.url or load.0.vus"),
        )
    })?;
    let mut planter = Planter {
        source: whole.source,
        offset: offset + path.len() + 1,
        text: value,
        environment: None,
        problems: Vec::new(),
    };
    let item = if let Ok(parsed) = DeValue::parse(value) {
        planter.item(parsed)
    } else {
        let span = planter.offset..whole.span.end;
        let source = whole.source;
        text(value, Spot { source, span })
    };
    Ok((steps, item))
}

/// The words of a path. TOML reads them, so that a quoted word may hold a point.
fn steps(path: &str, spot: &Spot) -> Option<Vec<Step>> {
    let document = format!("{path}=0");
    let mut table = DeTable::parse(&document).ok()?.into_inner();
    let mut steps = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        steps.push(Step {
            word: key.get_ref().to_string(),
            spot: Spot {
                source: spot.source,
                span: spot.span.start + key.span().start..spot.span.start + key.span().end,
            },
        });
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(steps),
        }
    }
}

fn set(entries: &mut Vec<Entry>, path: &[Step], item: Item) -> Changed<()> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(());
    };
    let at = entries.iter().position(|entry| entry.key == step.word);
    let at = at.unwrap_or_else(|| {
        entries.push(Entry {
            key: step.word.clone(),
            key_spot: step.spot.clone(),
            item: Item {
                value: Value::Table(Vec::new()),
                spot: step.spot.clone(),
            },
        });
        entries.len() - 1
    });
    let entry = &mut entries[at];
    if rest.is_empty() {
        entry.key_spot = step.spot.clone();
    }
    set_item(&mut entry.item, step, rest, item)
}

/// Follows the rest of a path into an item.
fn set_item(place: &mut Item, from: &Step, rest: &[Step], item: Item) -> Changed<()> {
    let Some((step, after)) = rest.split_first() else {
        *place = item;
        return Ok(());
    };
    match &mut place.value {
        Value::Table(entries) => set(entries, rest, item),
        Value::Array(items) => {
            let count = items.len();
            if let Ok(index) = step.word.parse::<usize>() {
                let chosen = items.get_mut(index).ok_or_else(|| {
                    Box::new(
                        Problem::new(
                            format!("`{}` has no element {index}", from.word),
                            step.spot.clone(),
                        )
                        .label(format!("it has {count}, counted from 0")),
                    )
                })?;
                return set_item(chosen, step, after, item);
            }
            match items.as_mut_slice() {
                [only] => set_item(only, from, rest, item),
                _ => Err(Box::new(
                    Problem::new(
                        format!("`{}` has {count} elements", from.word),
                        from.spot.clone(),
                    )
                    .label(format!("say which, counted from 0: {}.0", from.word)),
                )),
            }
        }
        other => Err(Box::new(
            Problem::new(
                format!("`{}` is {}, not a table", from.word, other.kind()),
                from.spot.clone(),
            )
            .label(format!("it has no `{}`", step.word)),
        )),
    }
}
