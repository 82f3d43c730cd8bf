//! The sample of an action: it asks for one page of tags, however many there are.

use regstorm::embedded::Settings;
use regstorm::oci::Operation;

use super::scenario;
use crate::support::{registry, run_against};

#[test]
fn one_page_is_read_in_each_iteration() {
    let site = registry(Settings {
        page_size: 1,
        ..Settings::default()
    });
    let journey = "action = \"head-tags\"\nimages = \"web\"";
    let (_, counts) = run_against(&scenario(journey), &site);
    // Two users, five iterations each.
    assert_eq!(counts.exchanges[&(Some(Operation::TagsList), 200)], 10);
}
