//! The `[upstream]` table.

use std::net::SocketAddr;

use crate::keys::codec::Codec;
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Keyed as _;
use crate::keys::section::Section;
use crate::keys::table::Sink;
use crate::keys::tree::Item;
use crate::keys::value::parsed;

keys! {
    /// A registry in this process that the target fetches from.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Upstream {
        /// Where it listens: the target is configured with it as its upstream.
        pub listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 0)) => address(), "127.0.0.1:5099", needed;
    }
}

fn address() -> Codec<SocketAddr> {
    Codec::new(Form::Text("IP:PORT"), parsed, |address: &SocketAddr| {
        Some(address.to_string().into())
    })
}

pub(super) fn read(item: &Item, sink: &Sink) -> Option<Upstream> {
    let codec = Upstream::codec(Form::Table("upstream"), |_, _| true);
    (codec.read)(item, sink)
}

pub(super) fn section() -> Section {
    Section::of::<Upstream>(
        "upstream",
        "`[upstream]`",
        "A registry in this process that has the images instead of the target, and counts how often each blob is fetched: the target \
         is a pull-through cache in front of it.",
    )
}
