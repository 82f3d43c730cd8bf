//! How much of an image is where it is to go before an iteration begins.

use crate::keys::codec::Codec;
use crate::keys::form::{Described, Form};
use crate::keys::plain::{Fields, Plain};
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::{choice_or, fraction};

/// How much of an image is where it is to go before an iteration begins, as the client knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cache {
    /// Nothing.
    Cold,
    /// Everything: the iteration finds nothing new.
    Warm,
    /// This share of its layers, from the bottom one upwards; above 0 and below 1.
    Share(f64),
}

impl Cache {
    /// How many of so many layers, from the bottom one upwards, are there.
    pub fn layers(self, of: usize) -> usize {
        match self {
            Self::Cold => 0,
            Self::Warm => of,
            Self::Share(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a share of a number of layers is not below 0 and not above it"
                )]
                let layers = (share * of as f64).round() as usize;
                layers.min(of)
            }
        }
    }
}

/// `cache`: what of the image is there already.
pub(super) fn cache() -> Codec<Cache> {
    let share = Form::Number {
        least: 0.0,
        most: 1.0,
    };
    let forms = vec![
        Form::Words(vec!["cold", "warm"]),
        Form::Inline(vec![Described::own(("share", "0.6"), share, "").needed()]),
    ];
    Codec::new(Form::Either(forms), read, |cache: &Cache| {
        Some(match *cache {
            Cache::Cold => "cold".into(),
            Cache::Warm => "warm".into(),
            Cache::Share(share) => Plain::from(Fields::default().put("share", share)),
        })
    })
}

/// `"cold"`, `"warm"`, or the share of an image's layers that are there.
fn read(item: &Item, sink: &Sink) -> Option<Cache> {
    if let Value::Table(_) = item.value {
        let mut table = Table::open(item, sink)?;
        let share = table.need("share", "share = 0.6", fraction(0.0..=1.0));
        table.finish();
        let share = share?;
        return Some(if share <= 0.0 {
            Cache::Cold
        } else if share >= 1.0 {
            Cache::Warm
        } else {
            Cache::Share(share)
        });
    }
    let words = [("cold", Cache::Cold), ("warm", Cache::Warm)];
    choice_or("cache", &words, &["{ share = 0.6 }"])(item, sink)
}
