//! `--ui`: a run that goes on, as a page shows it.

use regstorm::engine::Progress;
use regstorm::hooks::News;
use regstorm::plan::Plan;
use regstorm::report::html::live::LivePage;
use regstorm::result::Document;
use regstorm::session::Event;
use regstorm::units;

/// A run that a page follows.
pub(crate) struct Followed(LivePage);

impl Followed {
    pub(crate) fn new(plan: &Plan) -> Self {
        let users = plan.loads.iter().map(|load| u64::from(load.executor.vus()));
        Self(LivePage::new(&plan.name, users.sum()))
    }

    /// Returns the page that a browser opens.
    pub(crate) fn page(&self) -> String {
        self.0.page()
    }

    /// Takes in what happens. Returns `true` if it is of another kind than what happened before.
    pub(crate) fn follow(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Load(at) => self.load(at),
            Event::NoAddress { of, error } => {
                self.0.enter(&format!("cannot listen at {of} yet: {error}"));
                true
            }
            Event::Gathering { address, missing } => {
                let missing = units::count(*missing as u64);
                self.0
                    .enter(&format!("at {address}: {missing} shards have not come yet"));
                true
            }
            Event::Joining(address) => {
                self.0
                    .enter(&format!("going to the first shard at {address}"));
                true
            }
            Event::StartsIn(left) => {
                let left = units::duration(*left);
                self.0.enter(&format!("ready; all shards start in {left}"));
                true
            }
            Event::ShardLost { index, .. } => {
                self.0.lost(*index);
                true
            }
            Event::Thresholds(standing) => {
                self.0.thresholds(standing);
                false
            }
            Event::Trial { number, kind, rate } => {
                self.0.trial(format!("{number}, {rate}, {kind}"));
                true
            }
            Event::TurnedAway { .. }
            | Event::Left(_)
            | Event::Prepared(_)
            | Event::Measured(_)
            | Event::TrialEnded(_)
            | Event::Slice { .. } => false,
        }
    }

    fn load(&mut self, at: &Progress<'_>) -> bool {
        match at {
            Progress::Opening => self.0.enter("reading images, hashing synthetic layers"),
            Progress::Waiting { error } => {
                self.0.enter(&format!("waiting for the target: {error}"));
            }
            Progress::Ready { .. } => self.0.enter("the target is ready"),
            Progress::Seeding(seeded) => {
                let [images, of] = [seeded.images, seeded.of].map(|it| units::count(it as u64));
                let sent = units::bytes(seeded.bytes);
                self.0
                    .enter(&format!("seeding: {images} of {of} images, {sent} sent"));
                return seeded.images == seeded.of;
            }
            Progress::Hook(News::Failed { .. }) | Progress::Telemetry(_) => return false,
            Progress::Hook(News::Waiting { hook, .. }) => {
                self.0.enter(&format!("waiting for the hook {hook}"));
            }
            Progress::Auditing => self.0.enter("reading back what was acknowledged"),
            Progress::CleaningUp => self.0.enter("deleting what was pushed"),
            Progress::Load {
                period,
                elapsed,
                length,
                live,
                generator,
                observed: _,
            } => {
                self.0.load((*period, *elapsed, *length), live, *generator);
                return false;
            }
        }
        true
    }

    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Returns the last content of the page: the report, or why there is none.
    pub(crate) fn ended(result: Result<&Document, String>) -> String {
        match result {
            Ok(document) => LivePage::ended(document),
            Err(reason) => LivePage::failed(&reason),
        }
    }
}
