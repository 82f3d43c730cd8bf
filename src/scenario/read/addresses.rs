//! The keys of `[target]` that say over which addresses connections go.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

use super::table::{Reads, Sink, Table};
use super::value::{choice, parsed};
use crate::scenario::problem::Problem;
use crate::scenario::target::{Addresses, Dns};
use crate::scenario::tree::{Item, Value};

/// As many addresses as anybody lists by hand.
const MOST: usize = 1024;

pub(super) fn read(table: &mut Table<'_>) -> Option<Addresses> {
    const DNS: [(&str, Dns); 2] = [("once", Dns::Once), ("per-connection", Dns::PerConnection)];
    let source_ips = table.or("source_ips", Vec::new(), list::<SourceIp>("IP addresses"));
    let connect_to = table.or("connect_to", Vec::new(), list("texts, HOST:PORT"));
    let dns = table.or("dns", Dns::Once, choice("dns", &DNS));
    Some(Addresses {
        source_ips: source_ips?.into_iter().map(|SourceIp(ip)| ip).collect(),
        connect_to: connect_to?,
        dns: dns?,
    })
}

struct SourceIp(IpAddr);

impl FromStr for SourceIp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ip: IpAddr = text.parse().map_err(|_| "this is not an IP address")?;
        if ip.is_unspecified() || ip.is_multicast() {
            return Err("nothing can come from this address");
        }
        Ok(Self(ip))
    }
}

fn list<T: FromStr<Err: Display>>(what: &str) -> impl Reads<Vec<T>> {
    move |item: &Item, sink: &Sink| {
        let Value::Array(items) = &item.value else {
            sink.expected(item, &format!("an array of {what}"));
            return None;
        };
        if items.len() > MOST {
            let problem = Problem::new("this list is too long", item.spot.clone());
            sink.report(problem.label(format!("at most {MOST}")));
            return None;
        }
        let read: Vec<Option<T>> = items.iter().map(|item| parsed(item, sink)).collect();
        read.into_iter().collect()
    }
}
