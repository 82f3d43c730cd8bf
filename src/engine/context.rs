//! What the users of one worker have in common: its recorder, its connections, and the settings of their clients.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::clock::Clock;
use super::flickers::Sightings;
use super::observer::{self, SharedRecorder};
use super::shared::Shared;
use super::tag_writes::TagWrites;
use super::tags_seen::TagsSeen;
use super::work::Work;
use crate::measure::{Record, Recorder, TracedRequests};
use crate::plan::TokenPolicy;
use crate::registry::{self, Client, Observer, Settings, TokenCache, VerifiedCopies};
use crate::transport::{Dialer, Pool, PoolSettings, Totals};

/// What the users of one worker have in common.
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Clock,
    pub(super) recorder: SharedRecorder,
    pub(super) work: Vec<Work>, // by client of a journey, as all below
    pub(super) settings: Vec<Rc<Settings>>,
    pub(super) notes: RefCell<BTreeMap<String, u64>>, // at most MAX_NOTES
    /// The requests of replays, by load.
    pub(super) replays: BTreeMap<usize, RefCell<TracedRequests>>,
    /// What was written under tags that pushes share.
    pub(super) tag_writes: RefCell<TagWrites>,
    /// What was read under them.
    pub(super) sightings: RefCell<Sightings>,
    totals: Rc<Totals>,
    dialer: Rc<Dialer>,
    pools: RefCell<BTreeMap<usize, Rc<Pool>>>, // of those whose users share one
    token_caches: Vec<Rc<TokenCache>>,         // for users that share tokens
    copies: Rc<VerifiedCopies>,
}

/// What is left when the users are gone.
pub(super) struct Recorded {
    pub(super) record: Record,
    pub(super) connections: u64,
    /// Notes, and how often each was made.
    pub(super) notes: BTreeMap<String, u64>,
    /// The requests of replays, by load.
    pub(super) replays: BTreeMap<usize, TracedRequests>,
    pub(super) tags: TagsSeen,
}

/// The most different notes of one worker.
const MAX_NOTES: usize = 16;

impl Context {
    /// Allocates the memory of worker `index` before it waits for the clock; `None` if there is no clock.
    pub(super) fn new(
        shared: Arc<Shared>,
        index: usize,
        clock: impl FnOnce() -> Option<Clock>,
    ) -> Option<Self> {
        let plan = &shared.plan;
        let recorder = Recorder::new(&shared.catalogue, &shared.views, plan.window());
        let variants = shared.variants.all().iter();
        let settings: Vec<Rc<Settings>> = variants
            .map(|it| {
                let timeout = it.journey(plan).request_timeout;
                shared.target.client(&it.client(plan).habits, timeout)
            })
            .collect();
        let token_caches = settings
            .iter()
            .map(|it| {
                Rc::new(TokenCache::new(
                    it.credentials.clone(),
                    it.habits().token.clone(),
                ))
            })
            .collect();
        let replays = shared.stores.keys().map(|load| (*load, RefCell::default()));
        let replays = replays.collect();
        let variants = shared.variants.all().iter();
        let work = variants.map(|it| Work::of(it.journey(plan), &it.client(plan).habits));
        Some(Self {
            clock: clock()?,
            recorder: Rc::new(RefCell::new(recorder)),
            work: work.collect(),
            settings,
            token_caches,
            copies: Rc::default(),
            notes: RefCell::default(),
            replays,
            tag_writes: RefCell::default(),
            sightings: RefCell::default(),
            totals: Rc::default(),
            dialer: shared.target.dialer(index),
            pools: RefCell::default(),
            shared,
        })
    }

    /// Ends the record, once the users and their event loop are gone.
    pub(super) fn close(self) -> Recorded {
        let mut recorder = Rc::into_inner(self.recorder)
            .expect("the users and their event loop are gone")
            .into_inner();
        recorder.transport_bytes(self.totals.sent(), self.totals.received());
        recorder.addresses(observer::addresses(&self.dialer));
        Recorded {
            record: recorder.into_record(),
            connections: self.totals.connections(),
            notes: self.notes.into_inner(),
            replays: self
                .replays
                .into_iter()
                .map(|(load, sent)| (load, sent.into_inner()))
                .collect(),
            tags: TagsSeen {
                writes: self.tag_writes.into_inner(),
                flickers: self.sightings.into_inner().into_flickers(),
            },
        }
    }

    /// Returns the pool that all users of this worker share which are this client of a journey.
    pub(super) fn shared_pool(&self, variant: usize) -> Rc<Pool> {
        let mut pools = self.pools.borrow_mut();
        let pool = pools.entry(variant).or_insert_with(|| {
            let client = self.shared.variants.at(variant).client(&self.shared.plan);
            self.pool(registry::pool_settings(&client.habits))
        });
        Rc::clone(pool)
    }

    /// Creates a client of one user in one journey.
    pub(super) fn client(
        &self,
        variant: usize,
        pool: Rc<Pool>,
        observer: Rc<dyn Observer>,
    ) -> Client {
        let settings = Rc::clone(&self.settings[variant]);
        let client = match self.shared.plan.target.auth.tokens {
            TokenPolicy::PerVu => Client::new(settings, pool, observer),
            TokenPolicy::Shared => {
                let tokens = Rc::clone(&self.token_caches[variant]);
                Client::sharing(settings, pool, observer, tokens)
            }
        };
        client.sharing_copies(Rc::clone(&self.copies))
    }

    /// Creates a pool without connections.
    pub(super) fn pool(&self, settings: PoolSettings) -> Rc<Pool> {
        Pool::new(settings, Rc::clone(&self.dialer), Rc::clone(&self.totals))
    }

    /// Notes something that the counts do not show.
    pub(super) fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() < MAX_NOTES || notes.contains_key(&text) {
            *notes.entry(text).or_default() += 1;
        }
    }
}
