//! Images that globs name: found in the catalogue and the tag lists of the registry before the load.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::StatusCode;

use super::error::{Error, Unmatched};
use super::finished::FoundImages;
use super::prepare::SetupClient;
use super::retries::Retries;
use crate::client::{self, MAX_PAGES};
use crate::oci::{Digest, ImageGlob, ImageName, ImageSelector, Reference, RepositoryName, Tag};
use crate::plan::{ImageSource, Plan};
use crate::registry::{self, Client, Page, Paging};
use crate::units;

/// The most images of a set, and the most repositories whose tags are listed.
pub(super) const MOST_FOUND: usize = 100_000;

/// The images of a set once its globs are looked up.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) set: usize,
    pub(super) images: Vec<ImageName>,
    matched: BTreeSet<RepositoryName>,
    globs: Vec<String>,
    by_glob: usize,
}

/// The repositories that match a glob, with those of their tags that do.
type Lists = BTreeMap<RepositoryName, BTreeSet<Tag>>;

impl SetupClient {
    /// Finds the images that the globs of the used sets name. Sends nothing if there is no glob.
    pub(super) async fn find_globs(&mut self) -> Result<Vec<Found>, Error> {
        let shared = Arc::clone(&self.shared);
        let plan = &shared.plan;
        let sets: Vec<usize> = plan.used_sets().into_iter().collect();
        let globs: Vec<(&str, &ImageGlob)> = sets
            .iter()
            .flat_map(|set| {
                let set = &plan.images[*set];
                set.source.globs().map(|glob| (set.name.as_str(), glob))
            })
            .collect();
        if globs.is_empty() {
            return Ok(Vec::new());
        }
        let lookup = Lookup {
            client: &self.client,
            retries: &self.retries,
            globs: &globs,
        };
        let parallel = plan.prepare.parallel.get();
        let looked_up = self.stop.until_asked(lookup.lists(parallel)).await?;
        self.note_retries("globs");
        let (catalogued, lists) = looked_up?;
        let has_globs = |set: &usize| plan.images[*set].source.globs().next().is_some();
        let sets = sets.into_iter().filter(has_globs);
        let found = sets.map(|set| of_set(plan, set, &lists, catalogued));
        let found: Vec<Found> = found.collect::<Result<_, _>>()?;
        self.notes.extend(found.iter().map(|it| it.note(plan)));
        Ok(found)
    }
}

/// What is asked for the globs of a plan.
struct Lookup<'a> {
    client: &'a Client,
    retries: &'a Retries,
    globs: &'a [(&'a str, &'a ImageGlob)], // with the names of their sets
}

impl Lookup<'_> {
    /// Returns how many repositories the catalogue has, if it was read, and what matches in the repositories.
    async fn lists(&self, parallel: usize) -> Result<(usize, Lists), Error> {
        let (catalogued, repositories) = self.repositories().await?;
        let mut lists = Lists::new();
        let mut tags = 0;
        let mut listing = stream::iter(repositories)
            .map(|repository| self.tags(repository))
            .buffer_unordered(parallel);
        while let Some((repository, found)) = listing.try_next().await? {
            tags += found.len();
            if tags > MOST_FOUND {
                return Err(self.too_many());
            }
            lists.insert(repository, found);
        }
        Ok((catalogued, lists))
    }

    /// Returns how many repositories the catalogue has, and those that match: without a wildcard in its repository a glob
    /// needs no catalogue.
    async fn repositories(&self) -> Result<(usize, BTreeSet<RepositoryName>), Error> {
        let one = self
            .globs
            .iter()
            .filter_map(|(_, glob)| glob.one_repository());
        let mut repositories: BTreeSet<RepositoryName> = one.collect();
        let mut globs = self.globs.iter();
        let Some((set, first)) = globs.find(|(_, glob)| glob.one_repository().is_none()) else {
            return Ok((0, repositories));
        };
        let mut catalogued = 0;
        let read = async |paging| self.client.catalog(paging).await;
        let take = |name: &str| {
            catalogued += 1;
            let matches = self
                .globs
                .iter()
                .any(|(_, glob)| glob.takes_repository(name));
            // A name that no client can ask for is none.
            repositories.extend(name.parse().ok().filter(|_: &RepositoryName| matches));
            over(repositories.len())
        };
        let walked = self.pages(read, take).await;
        walked.map_err(|source| Error::Catalogue {
            set: (*set).to_owned(),
            glob: first.to_string(),
            source: Box::new(source),
        })?;
        if repositories.len() > MOST_FOUND {
            return Err(self.too_many());
        }
        Ok((catalogued, repositories))
    }

    /// Returns the tags of a repository that match; none if there is no such repository any more.
    async fn tags(
        &self,
        repository: RepositoryName,
    ) -> Result<(RepositoryName, BTreeSet<Tag>), Error> {
        let name = repository.as_str();
        let globs: Vec<(&str, &ImageGlob)> = self
            .globs
            .iter()
            .copied()
            .filter(|(_, glob)| glob.takes_repository(name))
            .collect();
        let mut tags = BTreeSet::new();
        let read = async |paging| self.client.tags(&repository, paging).await;
        let take = |tag: &str| {
            let matches = globs.iter().any(|(_, glob)| glob.takes_tag(tag));
            tags.extend(tag.parse().ok().filter(|_: &Tag| matches));
            over(tags.len())
        };
        match self.pages(read, take).await {
            Ok(()) => Ok((repository, tags)),
            Err(client::Error::Registry(error))
                if error.status() == Some(StatusCode::NOT_FOUND) =>
            {
                Ok((repository, BTreeSet::new()))
            }
            Err(source) => {
                let (set, glob) = globs[0];
                Err(Error::Tags {
                    set: set.to_owned(),
                    glob: glob.to_string(),
                    repository: name.to_owned(),
                    source: Box::new(source),
                })
            }
        }
    }

    /// Reads a list page by page, and gives its entries to `take` until it wants no more.
    async fn pages(
        &self,
        read: impl AsyncFn(Paging) -> Result<Page<String>, registry::Error>,
        mut take: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), client::Error> {
        let mut paging = Paging::First(None);
        for _ in 0..MAX_PAGES {
            let page = self
                .retries
                .run(async || read(paging.clone()).await)
                .await?;
            if page.entries.iter().try_for_each(|it| take(it)).is_break() {
                return Ok(());
            }
            match page.next {
                Some(next) => paging = next,
                None => return Ok(()),
            }
        }
        Err(client::Error::Pages(MAX_PAGES))
    }

    fn too_many(&self) -> Error {
        too_many(
            self.globs
                .iter()
                .map(|(_, glob)| glob.to_string())
                .collect(),
        )
    }
}

/// Breaks once there are more than may be.
fn over(count: usize) -> ControlFlow<()> {
    if count > MOST_FOUND {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

fn too_many(globs: Vec<String>) -> Error {
    Error::TooManyFound {
        globs,
        most: MOST_FOUND,
    }
}

/// Returns the images of a set in the order of its references, each once; those of a glob by name.
fn of_set(plan: &Plan, set: usize, lists: &Lists, catalogued: usize) -> Result<Found, Error> {
    let named = &plan.images[set];
    let ImageSource::Existing(references) = &named.source else {
        unreachable!("only existing images have globs");
    };
    let mut found = Found {
        set,
        images: Vec::new(),
        matched: BTreeSet::new(),
        globs: Vec::new(),
        by_glob: 0,
    };
    let mut seen = BTreeSet::new();
    for reference in references {
        let glob = match reference {
            ImageSelector::Name(name) => {
                if seen.insert(name.clone()) {
                    found.images.push(name.clone());
                }
                continue;
            }
            ImageSelector::Glob(glob) => glob,
        };
        let mut repositories = 0;
        let mut images = 0;
        for (repository, tags) in lists
            .iter()
            .filter(|(it, _)| glob.takes_repository(it.as_str()))
        {
            repositories += 1;
            for tag in tags.iter().filter(|tag| glob.takes_tag(tag.as_str())) {
                images += 1;
                let name = ImageName {
                    repository: repository.clone(),
                    reference: Reference::Tag(tag.clone()),
                };
                if seen.insert(name.clone()) {
                    found.images.push(name);
                    found.matched.insert(repository.clone());
                    found.by_glob += 1;
                }
            }
        }
        if images == 0 {
            return Err(Error::NoMatch {
                set: named.name.clone(),
                glob: glob.to_string(),
                why: match repositories {
                    0 => Unmatched::Repositories(catalogued),
                    many => Unmatched::Tags(many),
                },
            });
        }
        found.globs.push(glob.to_string());
    }
    if found.images.len() > MOST_FOUND {
        return Err(too_many(found.globs));
    }
    Ok(found)
}

impl Found {
    /// Returns what a report says of it.
    pub(super) fn for_report(&self, plan: &Plan) -> FoundImages {
        let names = self.images.iter().map(|name| format!("{name}\n"));
        FoundImages {
            set: plan.images[self.set].name.clone(),
            images: self.images.len(),
            repositories: self.matched.len(),
            digest: Digest::sha256(names.collect::<String>().as_bytes()),
        }
    }

    /// Returns the sentence that explains the number of images.
    fn note(&self, plan: &Plan) -> String {
        const SHOWN: usize = 3;
        let mut globs = self.globs[..self.globs.len().min(SHOWN)].join(", ");
        if let Some(more) = self.globs.len().checked_sub(SHOWN).filter(|it| *it > 0) {
            globs = format!("{globs} and {more} more");
        }
        format!(
            "images.{}: {} images in {} repositories match {globs}; the set has {}",
            plan.images[self.set].name,
            units::count(self.by_glob as u64),
            units::count(self.matched.len() as u64),
            units::count(self.images.len() as u64),
        )
    }
}
