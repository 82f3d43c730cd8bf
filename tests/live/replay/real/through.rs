//! The real clients through `regstorm record`: what arrives behind it is what they send without it, and its trace says the same.

use super::{Row, containerd, crane, docker, oras, podman, skopeo};
use crate::replay::scene::with_front;
use crate::support::{Containerd, Docker, Podman};

#[track_caller]
fn check<Client>(rows: &[Row<Client>], names: &[&str], client: &Client) {
    for name in names {
        let row = rows.iter().find(|it| it.name == *name);
        let row = row.unwrap_or_else(|| panic!("no row {name}"));
        with_front(|| row.check(client));
    }
}

#[test]
fn skopeo_sends_the_same_through_a_recorder() {
    let names = [
        "skopeo-push-oci-6layers-fresh",
        "skopeo-push-other-repo-mount",
        "skopeo-pull-6layers",
    ];
    check(skopeo::ROWS, &names, &());
}

#[test]
fn crane_sends_the_same_through_a_recorder() {
    check(
        crane::ROWS,
        &[
            "crane22-pull-6layers",
            "crane22-push-6layers",
            "crane22-cp-mount",
        ],
        &(),
    );
}

#[test]
fn oras_sends_the_same_through_a_recorder() {
    check(oras::ROWS, &["oras13-push-fresh", "oras13-pull"], &());
}

#[test]
fn podman_sends_the_same_through_a_recorder() {
    check(
        podman::ROWS,
        &["podman-push-6layers-fresh", "podman-pull-6layers"],
        &Podman::new(),
    );
}

#[test]
fn docker_sends_the_same_through_a_recorder() {
    let names = [
        "docker20-push-6layers-fresh",
        "docker20-pull-6layers-oci",
        "docker20-pull-missing-tag",
    ];
    check(docker::ROWS, &names, &Docker::shared());
}

#[test]
fn containerd_sends_the_same_through_a_recorder() {
    let names = [
        "containerd16-fetch-6layers",
        "containerd16-pull-6layers",
        "containerd16-push-fresh",
    ];
    check(containerd::ROWS, &names, &Containerd::start());
}
