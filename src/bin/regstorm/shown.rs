//! What a run shows over HTTP while it goes on: metrics, and a page. Both are of one server, fed on the main thread.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::anyhow;
use regstorm::exposition::{Exposition, Service};
use regstorm::plan::Plan;
use regstorm::result::Document;
use regstorm::session::Event;
use tokio::time::Instant;

use crate::exit::{Exit, Failure, OrExit as _};
use crate::followed::Followed;
use crate::metrics::Metrics;

/// How often the page changes.
const RENDER_EVERY: Duration = Duration::from_secs(1);

/// Where a run is shown.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ShownArgs {
    /// Address for live Prometheus metrics at /metrics; port 0 picks a free port
    #[arg(long, value_name = "IP:PORT", help_heading = "Run")]
    metrics: Option<SocketAddr>,
    /// Address for a live page of the run; PORT alone is at 127.0.0.1, and port 0 picks a free port
    #[arg(long, value_name = "[IP:]PORT", value_parser = address, help_heading = "Run")]
    ui: Option<SocketAddr>,
}

/// What a run shows over HTTP.
pub(crate) struct Shown {
    exposition: Exposition,
    metrics: Option<Metrics>,
    followed: Option<Followed>,
    rendered: Option<Instant>,
}

impl ShownArgs {
    /// Listens, before anything is sent to the target; `None` if nothing is to be shown.
    pub(crate) fn start(self, plan: &Plan) -> Result<Option<Shown>, Failure> {
        let services = self.services();
        if services.is_empty() {
            return Ok(None);
        }
        let followed = self.ui.map(|_| Followed::new(plan));
        let page = followed.as_ref().map_or_else(String::new, Followed::page);
        let exposition = Exposition::start(&services, page)
            .map_err(|error| {
                let is_ui = self.metrics != Some(error.address);
                let option = if is_ui { "--ui" } else { "--metrics" };
                anyhow!("{option} {}: {}", error.address, error.source)
            })
            .or_exit(Exit::Usage)?;
        let metrics = self.metrics.map(|_| Metrics::new());
        let mut shown = Shown {
            exposition,
            metrics,
            followed,
            rendered: None,
        };
        shown.update();
        Ok(Some(shown))
    }

    /// One for each address. Both are at one address if the same is given for both.
    fn services(self) -> Vec<Service> {
        let service = |address, metrics, page| Service {
            address,
            metrics,
            page,
        };
        match (self.metrics, self.ui) {
            (Some(metrics), Some(ui)) if metrics == ui && ui.port() > 0 => {
                vec![service(ui, true, true)]
            }
            (metrics, ui) => {
                let metrics = metrics.map(|it| service(it, true, false));
                let ui = ui.map(|it| service(it, false, true));
                metrics.into_iter().chain(ui).collect()
            }
        }
    }
}

impl Shown {
    /// Returns a line for each thing that is shown: where it is, and who can read it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let addresses = self.exposition.addresses();
        let mut lines = Vec::new();
        if let (Some(_), Some(address)) = (&self.metrics, addresses.first()) {
            lines.push(format!("metrics  http://{address}/metrics"));
        }
        if let (Some(_), Some(address)) = (&self.followed, addresses.last()) {
            let who = who_can_read(address.ip());
            lines.push(format!("ui       http://{address}/   {who}"));
        }
        lines
    }

    /// Shows what happens.
    pub(crate) fn report(&mut self, event: &Event<'_>) {
        if let (Some(metrics), Event::Load(at)) = (&mut self.metrics, event) {
            metrics.tell(at);
            self.exposition.set(metrics.text());
        }
        if let Some(followed) = &mut self.followed {
            let is_news = followed.follow(event);
            let is_due = self.rendered.is_none_or(|it| it.elapsed() >= RENDER_EVERY);
            // Counts are drawn for those who look, and no more often than they can be read.
            if is_news || (is_due && self.exposition.readers() > 0) {
                self.exposition.show(&followed.render());
                self.rendered = Some(Instant::now());
            }
        }
    }

    fn update(&mut self) {
        if let Some(metrics) = &self.metrics {
            self.exposition.set(metrics.text());
        }
        if let Some(followed) = &self.followed {
            self.exposition.show(&followed.render());
        }
    }

    /// Shows the report, or why there is none, to those who follow the page, and ends.
    pub(crate) fn end(self, result: Result<&Document, String>) {
        if self.followed.is_some() && self.exposition.readers() > 0 {
            self.exposition.end(&Followed::ended(result));
        }
    }
}

/// Returns who can read what is served at an address: there is no password.
fn who_can_read(ip: IpAddr) -> String {
    if ip.is_loopback() {
        "readable by the users of this machine".to_owned()
    } else if ip.is_unspecified() {
        "readable by everyone who reaches this machine".to_owned()
    } else {
        format!("readable by everyone who reaches {ip}")
    }
}

/// Reads `IP:PORT`, `:PORT` or `PORT`.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    text.parse()
        .map_err(|_| "write PORT, which is at 127.0.0.1, or IP:PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_at_loopback() {
        for (text, wanted) in [
            ("8089", Some("127.0.0.1:8089")),
            (":8089", Some("127.0.0.1:8089")),
            ("0", Some("127.0.0.1:0")),
            ("0.0.0.0:8089", Some("0.0.0.0:8089")),
            ("[::1]:8089", Some("[::1]:8089")),
            ("70000", None),
            ("localhost:8089", None),
            ("", None),
        ] {
            let read = address(text).ok().map(|it| it.to_string());
            assert_eq!(read.as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn one_address_serves_both_and_two_serve_one_each() {
        let [one, other] = ["127.0.0.1:9100", "0.0.0.0:8089"].map(|it| it.parse().ok());
        let services = |metrics, ui| ShownArgs { metrics, ui }.services();
        assert_eq!(services(one, one).len(), 1);
        let [metrics, page] = &services(one, other)[..] else {
            panic!("two addresses");
        };
        assert!(metrics.metrics && !metrics.page && page.page && !page.metrics);
        assert!(services(None, None).is_empty());
    }

    #[test]
    fn who_can_read_follows_from_the_address() {
        for (ip, wanted) in [
            ("127.0.0.1", "users of this machine"),
            ("::1", "users of this machine"),
            ("0.0.0.0", "who reaches this machine"),
            ("10.0.0.5", "who reaches 10.0.0.5"),
        ] {
            let said = who_can_read(ip.parse().expect("an address"));
            assert!(said.ends_with(wanted), "{said}");
        }
    }
}
