//! Codecs of values that only habits have.

use std::borrow::Cow;

use http::HeaderValue;

use crate::keys::codec::{Codec, text as text_codec};
use crate::keys::form::Form;
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::table::Sink;
use crate::keys::tree::{Item, Value};
use crate::keys::value::text;
use crate::profile::{Accept, AcceptForm};

type Text = Cow<'static, str>;

/// The value of a header.
pub(super) fn header_value() -> Codec<Text> {
    text_codec("header value, at most 4,096 characters", header).map(Cow::Owned, Text::to_string)
}

/// The value of a header that may be left out: an empty text sends none.
pub(super) fn optional_header() -> Codec<Option<Text>> {
    Codec::new(
        Form::Text("header value, at most 4,096 characters; empty sends none"),
        |item: &Item, sink: &Sink| {
            let value = header(item, sink)?;
            Some((!value.is_empty()).then_some(Cow::Owned(value)))
        },
        |value: &Option<Text>| Some(value.as_deref().unwrap_or_default().into()),
    )
}

/// One line, or a list with a line for each type.
pub(super) fn accept() -> Codec<Accept> {
    let line = Form::Text("header value; empty sends none");
    let lines = Form::Text("media type").list(64);
    Codec::new(
        Form::Either(vec![line, lines]),
        read_accept,
        |accept: &Accept| {
            let types = &accept.types;
            Some(match accept.form {
                AcceptForm::Lines => Plain::List(types.iter().map(|it| (&**it).into()).collect()),
                AcceptForm::Joined(between) => types.join(between).into(),
            })
        },
    )
}

fn read_accept(item: &Item, sink: &Sink) -> Option<Accept> {
    if let Value::Array(items) = &item.value {
        let lines: Option<Vec<_>> = items
            .iter()
            .map(|item| header(item, sink).map(Cow::Owned))
            .collect();
        return Some(Accept {
            types: lines?.into(),
            form: AcceptForm::Lines,
        });
    }
    let line = header(item, sink)?;
    Some(Accept {
        types: if line.is_empty() {
            Cow::Borrowed(&[])
        } else {
            vec![Cow::Owned(line)].into()
        },
        // A plan shows it as it was written.
        form: AcceptForm::Joined(", "),
    })
}

/// What can be the value of a header.
fn header(item: &Item, sink: &Sink) -> Option<String> {
    let text = text(item, sink)?.value;
    if HeaderValue::try_from(&text).is_ok() && text.len() <= 4096 {
        return Some(text);
    }
    let problem = Problem::new("this cannot be the value of a header", item.spot.clone());
    sink.report(
        problem.label("at most 4,096 characters, no line breaks or other control characters"),
    );
    None
}
