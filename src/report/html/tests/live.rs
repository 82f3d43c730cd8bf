//! The page that follows a run, before and while there is something to show.

use std::time::Duration;

use super::super::LIVE_SCRIPT;
use super::super::live::LivePage;
use super::made::assert_well_formed;
use crate::health::Latest;
use crate::measure::{Live, Period};
use crate::report::testing::HOSTILE;

#[test]
fn words_of_others_stay_words() {
    let mut page = LivePage::new(HOSTILE, 10);
    // The script is a constant, too.
    assert_well_formed(&page.page().replace(LIVE_SCRIPT, ""));
    page.trial(HOSTILE.to_owned());
    page.enter(HOSTILE);
    let mut content = page.render();
    let at = (
        Period::Measure,
        Duration::from_secs(1),
        Duration::from_mins(1),
    );
    page.load(at, &Live::new(), Latest::default());
    content.push_str(&page.render());
    content.push_str(&LivePage::failed(HOSTILE));
    assert!(!content.contains("<script>alert"), "{content}");
    assert!(content.contains("&lt;script&gt;alert(1)"), "{content}");
}
