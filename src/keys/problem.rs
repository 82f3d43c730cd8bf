//! What is wrong with a scenario, and how that is shown.

use std::fmt;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::redact;
use super::spot::Spot;

/// One mistake: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    message: String,
    spot: Spot,
    label: String,
    also: Vec<(Spot, String)>,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, spot: Spot) -> Self {
        Self {
            message: message.into(),
            spot,
            label: String::new(),
            also: Vec::new(),
            help: None,
        }
    }

    /// Something is nested too deep.
    pub(crate) fn too_deep(spot: Spot) -> Self {
        Self::new("this is nested too deep", spot)
            .label("at most 32 brackets within brackets, and 32 words in a key")
    }

    /// What stands beside the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Another place that has to do with it.
    pub(crate) fn also(mut self, spot: Spot, label: impl Into<String>) -> Self {
        self.also.push((spot, label.into()));
        self
    }

    /// What stands below.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A text in which problems were found, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    name: String,
    text: String,
}

/// The most problems that are shown; who has mended those sees the next ones.
const SHOWN: usize = 50;

/// The mistakes of a scenario and of the arguments that change it, in the order of their places: the first ones, and how many
/// there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    sources: Vec<Source>,
    shown: Vec<Problem>,
    count: usize, // of all
}

impl Problems {
    /// Takes the file and the arguments as they are; their secrets are blanked out here.
    pub(crate) fn new(
        file_name: &str,
        file: &str,
        arguments: &[String],
        mut problems: Vec<Problem>,
    ) -> Self {
        let mut sources = vec![Source {
            name: file_name.to_owned(),
            text: redact::file(file),
        }];
        sources.extend(arguments.iter().map(|argument| Source {
            name: "command line".to_owned(),
            text: redact::argument(argument),
        }));
        problems.sort_by_key(|problem| (problem.spot.source, problem.spot.span.start));
        problems.dedup();
        let count = problems.len();
        problems.truncate(SHOWN);
        Self {
            sources,
            shown: problems,
            count,
        }
    }

    /// How many there are; never zero.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// The problems with the lines they are on, as a compiler shows them, at most 50, and how many more there are. No line
    /// break at the end.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let problems = self.shown.iter();
        let mut shown: Vec<String> = problems
            .map(|problem| renderer.render(&[self.group(problem)]))
            .collect();
        let more = self.count - self.shown.len();
        if more > 0 {
            shown.push(format!("... and {more} more"));
        }
        shown.join("\n")
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let mut group = Level::ERROR.primary_title(&problem.message).elements(
            self.snippets(problem)
                .into_iter()
                .map(|(_, snippet)| snippet),
        );
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help));
        }
        group
    }

    /// One snippet for each source, that of the mistake first.
    fn snippets<'a>(&'a self, problem: &'a Problem) -> Vec<(usize, Snippet<'a, Annotation<'a>>)> {
        let mut snippets: Vec<(usize, Snippet<'a, Annotation<'a>>)> = Vec::new();
        let primary = (&problem.spot, &problem.label, AnnotationKind::Primary);
        let others = problem
            .also
            .iter()
            .map(|(spot, label)| (spot, label, AnnotationKind::Context));
        for (spot, label, kind) in std::iter::once(primary).chain(others) {
            let Some(source) = self.sources.get(spot.source) else {
                continue;
            };
            let label = (!label.is_empty()).then_some(label.as_str());
            let annotation = kind.span(on_one_line(&source.text, spot)).label(label);
            let known = snippets.iter().position(|(index, _)| *index == spot.source);
            let snippet = match known {
                Some(at) => snippets.remove(at).1,
                None => Snippet::source(&source.text).path(&source.name),
            };
            let at = known.unwrap_or(snippets.len());
            snippets.insert(at, (spot.source, snippet.annotation(annotation)));
        }
        snippets
    }
}

/// The part of a place that is on its first line, on whole characters of the text.
fn on_one_line(text: &str, spot: &Spot) -> std::ops::Range<usize> {
    let boundary = |at: usize| {
        (0..=at.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
    };
    let start = boundary(spot.span.start).unwrap_or(0);
    let end = boundary(spot.span.end).unwrap_or(0).max(start);
    let line = text[start..end]
        .find(['\n', '\r'])
        .map_or(end, |length| start + length);
    start..line
}

impl fmt::Display for Problems {
    /// As [`Problems::render`] without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}
