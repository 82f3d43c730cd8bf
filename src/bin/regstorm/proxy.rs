//! The proxy of the command line, and those of the environment: regstorm uses none of these, and says so where curl or a Go
//! client would use one.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Once;

use anyhow::anyhow;
use regstorm::plan::{Place, Plan};
use regstorm::scenario;
use regstorm::units::{Proxy, Secret};
use url::{Host, Url};

use crate::scenario_file;

/// A proxy that is asked for.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ProxyArgs {
    /// HTTP proxy: http://HOST:PORT
    ///
    /// User and password come from the environment, and regstorm reads them: `'http://${PROXY_USER}:${PROXY_PASSWORD}@HOST:PORT'`,
    /// in single quotes. Without this option, and without `proxy` in a scenario, regstorm connects directly.
    #[arg(long = "proxy", value_name = "URL", value_parser = hidden)]
    written: Option<Secret>,
}

impl ProxyArgs {
    /// The address as it was written, with the names of variables.
    pub(crate) fn written(&self) -> Option<&str> {
        self.written.as_ref().map(Secret::expose)
    }

    /// The proxy, with the values of variables.
    pub(crate) fn resolve(&self) -> anyhow::Result<Option<Proxy>> {
        let proxy = self
            .written()
            .map(|it| scenario::proxy(it, &scenario_file::variable));
        proxy
            .transpose()
            .map_err(|error| anyhow!("--proxy: {error}"))
    }
}

/// Hides a text that may hold a password by mistake: messages about wrong arguments repeat them.
#[expect(clippy::unnecessary_wraps, reason = "the shape that clap calls for")]
fn hidden(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Says, once in the life of this process, that a proxy of the environment is not used for the target of a plan.
pub(crate) fn tell_of(plan: &Plan) {
    if let (Place::Url(url), None) = (&plan.target.place, &plan.target.proxy) {
        tell(url);
    }
}

/// The same for a registry at that address.
pub(crate) fn tell(url: &Url) {
    static TOLD: Once = Once::new();
    let variable = |name: &str| std::env::var_os(name)?.into_string().ok();
    let Some(name) = ignored(url, variable) else {
        return;
    };
    // The value may hold a password, and is not shown.
    TOLD.call_once(|| {
        let host = url.host_str().unwrap_or_default();
        let _ = writeln!(
            std::io::stderr().lock(),
            "note     {name} is set and not used: regstorm connects to {host} directly, because a proxy would be part of \
             what is measured. Where only the proxy reaches {host}, ask for it: --proxy URL"
        );
    });
}

/// The variable that names a proxy for this address, by the rules of Go's `http.ProxyFromEnvironment`, and `ALL_PROXY`,
/// which curl knows beside it.
fn ignored(url: &Url, variable: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    const HTTP: &[&str] = &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    const HTTPS: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let set = |name: &str| variable(name).filter(|it| !it.trim().is_empty());
    let names = if url.scheme() == "https" { HTTPS } else { HTTP };
    let name = names.iter().find(|name| set(name).is_some())?;
    let exempt = set("no_proxy").or_else(|| set("NO_PROXY"));
    let host = url.host()?;
    let port = url.port_or_known_default()?;
    let is_exempt = exempt.is_some_and(|list| list.split(',').any(|it| matches(it, &host, port)));
    (!is_local(&host) && !is_exempt).then_some(name)
}

/// No client asks a proxy for what is on its own machine.
fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// One entry of `NO_PROXY`: `*`, a domain with all below it, `.domain` or `*.domain` with those below it alone, an address or
/// a network, each with a port or without.
fn matches(entry: &str, host: &Host<&str>, port: u16) -> bool {
    let entry = entry.trim().to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    let (entry, wanted) = match entry.rsplit_once(':') {
        // Not the last part of an IPv6 address.
        Some((before, after)) if !before.contains(':') || before.ends_with(']') => {
            (before, Some(after))
        }
        _ => (entry.as_str(), None),
    };
    if wanted.is_some_and(|it| it.parse() != Ok(port)) {
        return false;
    }
    let entry = entry.trim_start_matches('[').trim_end_matches(']');
    let ip = match host {
        Host::Domain(name) => return below(entry, &name.to_ascii_lowercase()),
        Host::Ipv4(ip) => IpAddr::from(*ip),
        Host::Ipv6(ip) => IpAddr::from(*ip),
    };
    match entry.split_once('/') {
        Some((network, bits)) => contains(network, bits, ip).unwrap_or(false),
        None => entry.parse() == Ok(ip),
    }
}

fn below(entry: &str, name: &str) -> bool {
    let (entry, itself) = match entry.strip_prefix('*').unwrap_or(entry).strip_prefix('.') {
        Some(parent) => (parent, false),
        None => (entry, true),
    };
    let child = name.strip_suffix(entry).is_some_and(|it| it.ends_with('.'));
    !entry.is_empty() && (child || itself && name == entry)
}

/// Returns whether the address is in the network; `None` if that is none.
fn contains(network: &str, bits: &str, ip: IpAddr) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    let differ = |a: u128, b: u128, length: u32| {
        let rest = length.checked_sub(bits)?;
        Some((a ^ b).checked_shr(rest).unwrap_or(0) == 0)
    };
    match (network.parse().ok()?, ip) {
        (IpAddr::V4(a), IpAddr::V4(b)) => differ(u32::from(a).into(), u32::from(b).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => differ(a.into(), b.into(), 128),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str, variables: &[(&str, &str)]) -> Option<&'static str> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        ignored(&url.parse().unwrap(), variable)
    }

    #[test]
    fn the_variable_of_the_scheme_is_named_and_an_empty_one_is_none() {
        let http = ("HTTP_PROXY", "http://proxy:3128");
        assert_eq!(found("http://reg.test", &[http]), Some("HTTP_PROXY"));
        assert_eq!(found("https://reg.test", &[http]), None);
        let both = [("https_proxy", "p:1"), ("HTTPS_PROXY", "p:2")];
        assert_eq!(found("https://reg.test", &both), Some("https_proxy"));
        assert_eq!(
            found("https://reg.test", &[("ALL_PROXY", "p:1")]),
            Some("ALL_PROXY")
        );
        assert_eq!(found("http://reg.test", &[("HTTP_PROXY", " ")]), None);
        assert_eq!(found("http://reg.test", &[]), None);
    }

    #[test]
    fn what_is_on_this_machine_goes_through_no_proxy() {
        for url in [
            "http://localhost:5000",
            "http://127.0.0.7",
            "http://[::1]:5000",
        ] {
            assert_eq!(found(url, &[("HTTP_PROXY", "p:1")]), None, "{url}");
        }
    }

    /// The cases of the documentation of Go's `httpproxy.Config.NoProxy`.
    #[test]
    fn exceptions_are_read_as_go_reads_them() {
        for (entry, host, exempt) in [
            ("*", "reg.test", true),
            ("reg.test", "reg.test", true),
            ("reg.test", "a.reg.test", true),
            ("reg.test", "areg.test", false),
            (".reg.test", "reg.test", false),
            (".reg.test", "a.reg.test", true),
            ("*.reg.test", "a.reg.test", true),
            ("other.test, REG.test", "reg.test", true),
            ("reg.test:5000", "reg.test:5000", true),
            ("reg.test:5000", "reg.test", false),
            ("reg.test:80", "reg.test", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.0/40", "10.1.2.3", false),
            ("0.0.0.0/0", "10.1.2.3", true),
            ("fd00::/8", "[fd00::7]", true),
            ("fd00::7", "[fd00::7]", true),
            ("[fd00::7]:80", "[fd00::7]", true),
            ("", "reg.test", false),
            (",", "reg.test", false),
        ] {
            let variables = [("http_proxy", "p:1"), ("NO_PROXY", entry)];
            let told = found(&format!("http://{host}"), &variables);
            assert_eq!(told.is_none(), exempt, "{entry} {host}");
        }
    }
}
