//! `metric`: `[JOURNEY.][OPERATION.]WORD`, in the words of reports.

use crate::keys::part::Part;
use crate::keys::problem::Problem;
use crate::keys::redact;
use crate::keys::table::{Sink, known_words, nearest, shorten};
use crate::keys::tree::{Item, Text};
use crate::keys::value::{FROM_ENVIRONMENT, text};
use crate::measure::Metric;
use crate::oci::Operation;

/// Reads a metric of these journeys.
pub(super) fn metric(item: &Item, journeys: &[&str], sink: &Sink) -> Option<Metric> {
    let text = text(item, sink)?;
    metric_in(Part::whole(&text.value), &text, item, journeys, sink)
}

/// The same of a part of a text.
pub(super) fn metric_in(
    part: Part<'_>,
    text: &Text,
    item: &Item,
    journeys: &[&str],
    sink: &Sink,
) -> Option<Metric> {
    let path = Path { text, item, sink };
    let words: Vec<Part<'_>> = part.split('.').collect();
    if words.iter().any(|word| word.text.is_empty()) || words.len() > 3 {
        let problem = Problem::new("this is not a metric", item.spot.clone());
        let label = "write a word, such as response_time; in front of it may stand a journey, an operation or both";
        sink.report(problem.label(label));
        return None;
    }
    let (journey, operation, word) = match words.as_slice() {
        [journey, operation, word] => {
            let journey = path.journey(*journey, journeys);
            let operation = path.operation(*operation);
            (Some(journey?), Some(operation?), *word)
        }
        [prefix, word] => {
            let (journey, operation) = path.prefix(*prefix, *word, journeys)?;
            (journey, operation, *word)
        }
        _ => (None, None, words.first().copied()?),
    };
    path.word(word, journey, operation)
}

/// The text of a metric, whose words may be wrong.
struct Path<'a> {
    text: &'a Text,
    item: &'a Item,
    sink: &'a Sink,
}

impl Path<'_> {
    /// A problem with a word of the text. What comes from the environment is not shown.
    fn problem(&self, message: &str, word: Part<'_>) -> Problem {
        let spot = self.item.part(word.range());
        if self.text.value == self.text.as_written {
            let shown = shorten(&redact::value(word.text));
            Problem::new(format!("{message} `{shown}`"), spot)
        } else {
            Problem::new(message, spot).help(FROM_ENVIRONMENT)
        }
    }

    fn unknown(&self, what: &str, word: Part<'_>, known: &[&str]) {
        let problem = self.problem(&format!("unknown {what}"), word);
        let problem = match nearest(word.text, known.iter().copied()) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem,
        };
        let problem = problem.help(format!("known: {}", known_words(known.iter().copied())));
        self.sink.report(problem);
    }

    fn journey(&self, name: Part<'_>, journeys: &[&str]) -> Option<String> {
        if journeys.contains(&name.text) {
            return Some(name.text.to_owned());
        }
        self.unknown("journey", name, journeys);
        None
    }

    fn operation(&self, name: Part<'_>) -> Option<Operation> {
        let operation = Operation::from_name(name.text);
        if operation.is_none() {
            let known = Operation::ALL.map(Operation::name);
            self.unknown("operation", name, &known);
        }
        operation
    }

    /// The one word in front of the last: a journey or an operation.
    fn prefix(
        &self,
        name: Part<'_>,
        word: Part<'_>,
        journeys: &[&str],
    ) -> Option<(Option<String>, Option<Operation>)> {
        let operation = Operation::from_name(name.text);
        match (journeys.contains(&name.text), operation) {
            (true, Some(operation))
                if Metric::of_word(None, Some(operation), word.text).is_some() =>
            {
                let problem = self.problem("a journey and an operation are named", name);
                let label = "rename the journey, or name both: JOURNEY.OPERATION.WORD";
                self.sink.report(problem.label(label));
                None
            }
            (true, _) => Some((Some(name.text.to_owned()), None)),
            (false, Some(_)) => Some((None, operation)),
            (false, None) => {
                let operations = Operation::ALL.iter().map(|it| it.name());
                let known: Vec<&str> = journeys.iter().copied().chain(operations).collect();
                self.unknown("journey or operation", name, &known);
                None
            }
        }
    }

    /// The metric of a last word.
    fn word(
        &self,
        word: Part<'_>,
        journey: Option<String>,
        operation: Option<Operation>,
    ) -> Option<Metric> {
        let found = Metric::of_word(journey, operation, word.text);
        if found.is_some() {
            return found;
        }
        let mut iterations = Metric::of_iterations();
        let exchanges: Vec<&str> = words(Metric::of_exchanges(operation));
        if operation.is_some() && iterations.any(|it| it.word() == word.text) {
            let problem = self.problem("an operation has no", word);
            let help = format!("it has {}", exchanges.join(", "));
            self.sink
                .report(problem.label("this is of iterations").help(help));
            return None;
        }
        let mut known = exchanges;
        if operation.is_none() {
            known.extend(words(Metric::of_iterations()));
            known.sort_unstable();
            known.dedup();
        }
        self.unknown("metric", word, &known);
        None
    }
}

fn words(metrics: impl Iterator<Item = Metric>) -> Vec<&'static str> {
    metrics.map(|it| it.word()).collect()
}
