//! The formats of logs: one file each.

mod alb;
mod artifactory;
mod cloudtrail;
mod distribution;
mod distribution_json;
mod distribution_text;
mod fast18;
mod gitlab;
pub(super) mod json;
mod nexus;
mod s3;
mod template;
mod zot;

use super::entry::Line;
use template::Template;
pub use template::TemplateError;

/// The format of a log.
#[derive(Debug, Clone)]
pub struct Format {
    name: &'static str,
    reader: Reader,
}

/// The format of the published traces, which have nothing that failed.
pub(super) const FAST18: &str = "fast18";

/// Reads a line.
type Function = for<'a> fn(&'a str) -> Line<'a>;

/// How the lines of a format are read.
#[derive(Debug, Clone)]
enum Reader {
    Function(Function),
    Template(Template),
}

/// The formats with a function of their own.
const FUNCTIONS: [(&str, Function); 9] = [
    ("distribution-json", distribution_json::read),
    ("distribution-text", distribution_text::read),
    ("zot", zot::read),
    ("gitlab", gitlab::read),
    ("artifactory", artifactory::read),
    ("alb", alb::read),
    ("s3", s3::read),
    ("cloudtrail", cloudtrail::read),
    (FAST18, fast18::read),
];

/// The formats that are templates of nginx. What a longer one reads is read by a shorter one, too: longer ones are first.
const TEMPLATES: [(&str, &str); 7] = [
    ("quay", template::QUAY),
    ("ingress-nginx", template::INGRESS),
    ("harbor", template::HARBOR),
    ("combined", template::FORWARDED),
    ("combined", template::COMBINED),
    ("combined", template::OF_HOST),
    ("common", template::COMMON),
];

impl Format {
    /// The names of all formats, in the order in which they are tried.
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<_> = Self::all().iter().map(|it| it.name).collect();
        names.dedup();
        names
    }

    /// All formats, in the order in which they are tried.
    pub(super) fn all() -> Vec<Self> {
        let functions = FUNCTIONS.into_iter().map(|(name, read)| Self {
            name,
            reader: Reader::Function(read),
        });
        let templates = TEMPLATES.into_iter().map(|(name, text)| Self {
            name,
            reader: Reader::Template(Template::new(text).expect("a test holds that it is one")),
        });
        let nexus = nexus::templates().into_iter().map(|template| Self {
            name: "nexus",
            reader: Reader::Template(template),
        });
        functions.chain(nexus).chain(templates).collect()
    }

    /// Makes a format of a format string of nginx.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn of_nginx(text: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            name: "nginx",
            reader: Reader::Template(Template::new(text)?),
        })
    }

    /// Returns the formats of that name: several where versions of a program differ.
    pub fn of_name(name: &str) -> Vec<Self> {
        let all = Self::all().into_iter();
        all.filter(|it| it.name == name).collect()
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Reads a line.
    pub(super) fn read<'a>(&self, line: &'a str) -> Line<'a> {
        match &self.reader {
            Reader::Function(read) => read(line),
            Reader::Template(template) => template.read(line),
        }
    }
}

#[cfg(test)]
mod tests;
