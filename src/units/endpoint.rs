//! A host and a port.

use std::fmt;
use std::str::FromStr;

use url::Host;

/// A host, by name or address, and a TCP port: `127.0.0.1:5001`, `[::1]:5001`, `node-a:5000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The host, a name or an address.
    pub host: Host<String>,
    /// The TCP port, not 0.
    pub port: u16,
}

impl FromStr for Endpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write HOST:PORT, such as 127.0.0.1:5001";
        let (host, port) = text.rsplit_once(':').ok_or(FORM)?;
        let port: u16 = port.parse().map_err(|_| FORM)?;
        let host = Host::parse(host).map_err(|_| FORM)?;
        if port == 0 {
            return Err("nothing listens on port 0");
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_shows_and_nothing_else() {
        for text in ["127.0.0.1:5001", "[::1]:5001", "node-a:5000"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "node-a",
            "node-a:",
            "node-a:0",
            "node-a:65536",
            "::1:5000",
            "a b:1",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
