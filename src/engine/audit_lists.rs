//! What an audit looks for in lists: tags among those of their repository, and manifests among those that refer to another.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::audit_checks::{Answer, Asked, Checks, broken};
use super::promises::There;
use crate::client::MAX_PAGES;
use crate::measure::{AuditCheck, AuditClass};
use crate::oci::{Digest, Entry, ImageName, Reference, RepositoryName, Tag};
use crate::registry::{self, Paging};

/// The most tags, and the most referrers, that are looked for: what is expected of a list is held until it is read.
const MOST: usize = 10_000;

type Written = Option<(Instant, Instant)>;

/// What is expected in lists.
#[derive(Debug, Default)]
pub(super) struct Lists {
    tags: RefCell<BTreeMap<RepositoryName, BTreeMap<Tag, Written>>>,
    referrers: RefCell<BTreeMap<(RepositoryName, Digest), BTreeSet<Digest>>>,
    count: RefCell<usize>,
}

impl Lists {
    /// Expects an image in the lists of its repository. Tags that are lost are not looked for again.
    pub(super) fn expect(&self, there: &There, tags_kept: bool) {
        let mut count = self.count.borrow_mut();
        let tags = there.tags.iter().filter(|_| tags_kept);
        for tag in tags {
            if *count < MOST {
                let mut lists = self.tags.borrow_mut();
                let of_repository = lists.entry(there.repository.clone()).or_default();
                of_repository.insert(tag.clone(), there.written);
                *count += 1;
            }
        }
        for referrer in &there.referrers {
            if *count < MOST {
                let subject = there.image.descriptor().digest;
                let mut lists = self.referrers.borrow_mut();
                let of_subject = lists.entry((there.repository.clone(), subject));
                let digest = referrer.descriptor().digest;
                of_subject.or_default().insert(digest);
                *count += 1;
            }
        }
    }

    /// Reads the lists, and counts what is in them and what is not.
    pub(super) async fn check(&self, checks: &Checks<'_>) {
        let tags = self.tags.take();
        for (repository, wanted) in tags {
            if !checks.goes_on() {
                return;
            }
            let list = listed(checks, &repository, &wanted).await;
            for (tag, written) in wanted {
                let answer = answer(&list, &tag);
                let name = ImageName {
                    repository: repository.clone(),
                    reference: Reference::Tag(tag),
                };
                let asked = Asked {
                    check: AuditCheck::TagList,
                    name: &name,
                    expected: &"in the list of tags",
                    written,
                };
                checks.count(asked, answer);
            }
        }
        let referrers = self.referrers.take();
        for ((repository, subject), wanted) in referrers {
            if !checks.goes_on() {
                return;
            }
            let list = referring(checks, &repository, &subject).await.map(Some);
            for digest in wanted {
                let answer = answer(&list, &digest);
                let name = ImageName {
                    repository: repository.clone(),
                    reference: Reference::Digest(digest),
                };
                let asked = Asked {
                    check: AuditCheck::Referrers,
                    name: &name,
                    expected: &format_args!("among the referrers of {subject}"),
                    written: None,
                };
                checks.count(asked, answer);
            }
        }
    }
}

/// A list, as far as it was read.
struct List<T> {
    found: BTreeSet<T>,
    is_whole: bool,
}

/// What a list says of one entry. A list of a repository that the registry does not know has none; any other 404 is that of a
/// registry without lists, which the specification allows.
fn answer<T: Ord>(
    list: &Result<Option<List<T>>, registry::Error>,
    wanted: &T,
) -> Result<Answer, registry::Error> {
    match list {
        Ok(None) => Ok(Answer::Unknown("the registry has no such list: 404")),
        Ok(Some(list)) if list.found.contains(wanted) => Ok(Answer::Kept),
        Ok(Some(list)) if list.is_whole => Ok(Answer::Broken(
            AuditClass::Lost,
            "not in the list".to_owned(),
        )),
        Ok(Some(_)) => Ok(Answer::Unknown("the list has too many pages")),
        Err(error) => broken(error.clone()),
    }
}

/// Returns those of the tags that are in the list of their repository, however long that is; `None` where there are no lists.
async fn listed(
    checks: &Checks<'_>,
    repository: &RepositoryName,
    wanted: &BTreeMap<Tag, Written>,
) -> Result<Option<List<Tag>>, registry::Error> {
    let mut found = BTreeSet::new();
    let client = &checks.client.client;
    let mut paging = Paging::First(None);
    for _ in 0..MAX_PAGES {
        let ask = async || client.find_tags(repository, paging.clone()).await;
        let Some(page) = checks.client.retries.run(ask).await? else {
            return Ok(None);
        };
        let tags = page.entries.iter().filter_map(|it| it.parse::<Tag>().ok());
        found.extend(tags.filter(|tag| wanted.contains_key(tag)));
        match page.next {
            Some(next) => paging = next,
            None => return Ok(Some(whole(found))),
        }
    }
    Ok(Some(List {
        found,
        is_whole: false,
    }))
}

/// Returns what refers to a manifest: by the list, or, where the registry has none, by the index under the fallback tag.
async fn referring(
    checks: &Checks<'_>,
    repository: &RepositoryName,
    subject: &Digest,
) -> Result<List<Digest>, registry::Error> {
    let client = &checks.client.client;
    let mut found = BTreeSet::new();
    let digests = |entries: &[Entry]| -> Vec<Digest> {
        let entries = entries.iter().filter_map(|it| it.descriptor().ok());
        entries.map(|it| it.digest).collect()
    };
    let mut paging = Paging::First(None);
    for _ in 0..MAX_PAGES {
        let ask = async || {
            let paging = paging.clone();
            client.referrers(repository, subject, None, paging).await
        };
        let Some(page) = checks.client.retries.run(ask).await? else {
            let ask = async || client.referrers_by_tag(repository, subject).await;
            let entries = checks.client.retries.run(ask).await?;
            return Ok(whole(digests(&entries).into_iter().collect()));
        };
        found.extend(digests(&page.entries));
        match page.next {
            Some(next) => paging = next,
            None => return Ok(whole(found)),
        }
    }
    Ok(List {
        found,
        is_whole: false,
    })
}

const fn whole<T>(found: BTreeSet<T>) -> List<T> {
    List {
        found,
        is_whole: true,
    }
}
