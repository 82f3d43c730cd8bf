//! Values as a plan prints them: the keys of a table, written out.

use super::{habits, target};
use crate::profile::Habits;
use crate::scenario::plain::{Fields, Plain};
use crate::scenario::target::Target;

/// The target, without its secrets.
pub(crate) fn target(target: &Target) -> Plain {
    target::show(target)
}

/// The habits of a client that does this action, a key each.
pub(crate) fn habits(habits: &Habits, action: &str) -> Fields {
    habits::show(habits, action)
}
