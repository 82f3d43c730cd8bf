//! Clients that speak TLS with a recorder which speaks TLS with docker-registry: HTTP/2 where the client takes it.

use super::assert_logged;
use super::clients::{Access, Client, Crane, OfDocker, OfSkopeo, Oras, Way};
use crate::replay::fixture::Fixture;
use crate::support::{Containerd, Flavour, Podman, Recording, Registry};

#[test]
fn within_tls_on_both_sides_the_trace_is_the_access_log() {
    let (docker, containerd, podman) = (OfDocker::start(), Containerd::start(), Podman::new());
    let clients: [&dyn Client; 6] = [&docker, &containerd, &podman, &OfSkopeo, &Crane, &Oras];
    for client in clients {
        let (registry, fixture) = (Registry::start(Flavour::Tls), Fixture::new(2));
        let mark = registry.mark();
        let certificate = registry.certificate();
        let certificate = certificate.to_str().expect("a plain path");
        let mut options = vec!["--tls", "--ca", certificate];
        let name = client.name(Access::Tls);
        options.extend(name.iter().flat_map(|name| ["--tls-name", *name]));
        let listen = name.map_or("127.0.0.1:0", |_| "[::1]:0");
        let recording = Recording::at(listen, &registry.url(), &options);
        let way = Way::through(&recording, Access::Tls, name);
        client.push(&way, &fixture);
        client.pull(&way, &fixture);
        let said = assert_logged(&registry, mark, recording);
        let is_clean = !said.contains("cut by clients") && !said.contains("(502)");
        assert!(is_clean, "{}: {said}", client.profile());
        // The others want HTTP/1.1.
        if matches!(client.profile(), "crane" | "oras") {
            let log = registry.log_of_others();
            assert!(log.contains(" HTTP/2.0\" "), "{log}");
        }
    }
}
