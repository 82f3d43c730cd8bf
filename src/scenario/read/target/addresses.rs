//! The keys of `[target]` that say over which addresses connections go.

use std::net::IpAddr;
use std::str::FromStr;

use crate::exchange::Lookup;
use crate::keys::codec::{Codec, list, words};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::value::parsed;
use crate::units::Endpoint;

keys! {
    /// Over which addresses connections go.
    #[derive(Debug, Clone)]
    pub struct Addresses {
        /// Local addresses of connections, in turn. Empty: the system chooses.
        pub source_ips: Vec<IpAddr> => list(source_ip(), "IP addresses", 1024), ["127.0.0.2", "127.0.0.3"];
        /// Where connections to the target really go, in turn. Empty: to the address of the URL.
        pub connect_to: Vec<Endpoint> => list(endpoint(), "texts, HOST:PORT", 1024), ["10.0.0.1:5000"];
        /// When the names of hosts are looked up: once for each worker, or for each connection.
        pub dns: Lookup => words("dns", Lookup::WORDS), "per-connection";
    }
}

fn source_ip() -> Codec<IpAddr> {
    let codec = Codec::new(
        Form::Text("IP address"),
        parsed::<SourceIp>,
        |it: &SourceIp| Some(it.0.to_string().into()),
    );
    codec.map(|SourceIp(ip)| ip, |ip| SourceIp(*ip))
}

fn endpoint() -> Codec<Endpoint> {
    Codec::new(
        Form::Text("HOST:PORT"),
        parsed::<Endpoint>,
        |it: &Endpoint| Some(it.to_string().into()),
    )
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
