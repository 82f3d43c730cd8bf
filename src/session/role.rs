//! What a process is in a run: all of it, a shard that starts by the clock, or one that meets the others.

use std::time::Duration;

use tokio::time::Instant;

use super::conclude::{Handed, Outcome};
use super::error::Error;
use super::event::Event;
use super::options::random;
use super::shard::{self, Part, Start};
use crate::engine::{self, Prepared, Progress, RunPart, Stop};
use crate::meeting::{self, End, Ended, Gathering, Guest, Host, Identity, Latest};
use crate::plan::{CleanUp, Plan};
use crate::result::{Document, ShardPart, WallClock};
use crate::schedule::Shard;

/// What a process is in a run.
pub(super) enum Role<'a> {
    Alone,
    /// It starts at that moment, and leaves the rest to `merge` and `clean-up`.
    Timed(&'a Part, Instant),
    /// The first shard, where the others come to.
    Host(&'a Part, Host),
    /// Another one.
    Guest(&'a Part, Guest),
}

impl<'a> Role<'a> {
    /// Takes up a role, meets the others if there are any, and gives the part of the run.
    ///
    /// # Errors
    /// When the others do not come, or refuse this one, and when it is too late for the start.
    pub(super) fn take(
        part: Option<&'a Part>,
        plan: &Plan,
        (clock, host): (WallClock, &str),
        stop: &Stop,
        report: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Self, RunPart), Error> {
        let Some(part) = part else {
            return Ok((Self::Alone, RunPart::whole(random())));
        };
        let shard = part.shard;
        let of = |id| RunPart { id, shard };
        match &part.start {
            Start::At { start, .. } => {
                let run = shard::run_at(plan, *start);
                let start = clock.instant(*start);
                shard::in_time(start)?;
                Ok((Self::Timed(part, start), of(run)))
            }
            Start::Host(settings) => {
                let run = random();
                let identity = identity(plan, shard, host);
                let host = Host::open(settings, (&identity, run), stop, &mut |error| {
                    report(Event::NoAddress {
                        of: &settings.address,
                        error,
                    });
                })?;
                let address = host.address();
                host.gather(stop, &mut |what| {
                    report(match &what {
                        Gathering::Missing(missing) => Event::Gathering {
                            address,
                            missing: *missing,
                        },
                        Gathering::TurnedAway { from, why } => {
                            Event::TurnedAway { from: *from, why }
                        }
                    });
                })?;
                Ok((Self::Host(part, host), of(run)))
            }
            Start::Join(settings) => {
                report(Event::Joining(&settings.address));
                let guest = Guest::join(settings, &identity(plan, shard, host), stop)?;
                guest.wait_prepared(stop)?;
                let run = guest.run();
                Ok((Self::Guest(part, guest), of(run)))
            }
        }
    }

    /// The target is prepared, as far as that is for this process.
    ///
    /// # Errors
    /// When another shard was lost meanwhile.
    pub(super) fn prepared(&self, report: &mut dyn FnMut(Event<'_>)) -> Result<(), Error> {
        match self {
            Self::Alone | Self::Guest(..) => Ok(()),
            Self::Timed(_, start) => {
                let left = start.saturating_duration_since(Instant::now());
                report(Event::StartsIn(left));
                Ok(())
            }
            Self::Host(_, host) => Ok(host.prepared()?),
        }
    }

    /// Waits for the start, once the workers are ready.
    ///
    /// # Errors
    /// When it is too late for it, another shard is lost, or the run is stopped.
    pub(super) fn start(&self, stop: &Stop) -> Result<Instant, Error> {
        match self {
            Self::Alone => Ok(engine::soon()),
            Self::Timed(_, start) => shard::wait(*start, stop),
            Self::Host(_, host) => Ok(host.start(stop)?),
            Self::Guest(_, guest) => Ok(guest.wait_start(stop)?),
        }
    }

    /// It did not come to a load, for a reason that is returned: the others are told.
    pub(super) fn give_up(&self, error: Error, stop: &Stop) -> Error {
        // What is prepared ends when another shard is lost.
        let error = match &error {
            Error::Engine(engine::Error::Interrupted) if !stop.is_interrupted() => {
                let instead = match self {
                    Self::Alone | Self::Timed(..) => None,
                    Self::Host(_, host) => host.lost().map(Error::from),
                    Self::Guest(_, guest) => guest.over().map(Error::from),
                };
                instead.unwrap_or(error)
            }
            _ => error,
        };
        match self {
            Self::Alone | Self::Timed(..) => {}
            Self::Host(_, host) => host.give_up(&error.to_string()),
            Self::Guest(_, guest) => guest.fail(error.to_string()),
        }
        error
    }

    /// Reports the shards that were lost since this was last done.
    pub(super) fn tell_losses(&self, report: &mut dyn FnMut(Event<'_>)) {
        if let Self::Host(_, host) = self {
            for (index, why) in host.losses() {
                report(Event::ShardLost { index, why: &why });
            }
        }
    }

    /// Gives the progress of the whole load to `tell`: of a host with that of the others, whom a guest tells its own.
    pub(super) fn follow(&self, at: Progress<'_>, stop: &Stop, tell: &mut dyn FnMut(Progress<'_>)) {
        let Progress::Load {
            period,
            elapsed,
            length,
            live,
            observed,
            generator,
        } = at
        else {
            return tell(at);
        };
        let (mut all, mut seen) = (live.clone(), Vec::new());
        match self {
            Self::Alone | Self::Timed(..) => return tell(at),
            Self::Guest(_, guest) => {
                guest.tell(live, observed);
                return tell(at);
            }
            Self::Host(_, host) => {
                seen.extend_from_slice(observed);
                host.add_others(&mut all, &mut seen);
                follow_stop(host, stop);
            }
        }
        tell(Progress::Load {
            period,
            elapsed,
            length,
            live: &all,
            observed: &seen,
            generator,
        });
    }

    /// Whether thresholds are judged while the load runs: a shard alone knows a part of it.
    pub(super) const fn judges(&self) -> bool {
        matches!(self, Self::Alone | Self::Host(..))
    }

    /// Whether the first shard counts the run as its own.
    pub(super) const fn is_guest(&self) -> bool {
        matches!(self, Self::Guest(..))
    }

    /// Whether it starts by the clock, and does not know whether the others do.
    pub(super) const fn is_timed(&self) -> bool {
        matches!(self, Self::Timed(..))
    }

    /// Whether the others are done, so that what was stored can be deleted.
    pub(super) const fn cleans_up(&self) -> bool {
        matches!(self, Self::Alone | Self::Host(..))
    }

    /// Waits for the end of the other shards of a load whose window opened then, and takes over what they have stored.
    pub(super) fn end(
        &self,
        target: &mut Prepared,
        (plan, opened): (&Plan, Instant),
        stop: &Stop,
        report: &mut dyn FnMut(Event<'_>),
    ) -> Vec<Ended> {
        let Self::Host(_, host) = self else {
            return Vec::new();
        };
        let graceful = plan.loads.iter().map(|it| it.graceful_stop).max();
        let latest = Latest {
            planned: opened + plan.window(),
            // Each reads back what it has stored before it hands over what it measured.
            graceful: graceful.unwrap_or_default() + plan.audit_time(),
            deletes: plan.prepare.clean_up != CleanUp::None,
        };
        let mut ends = host.finish(stop, latest, &mut |index, why| {
            report(Event::ShardLost { index, why });
        });
        for it in &mut ends {
            if let End::Measured { stored, .. } = &mut it.end {
                target.take_over(std::mem::take(stored));
            }
        }
        ends
    }

    /// Makes of what this process measured what the run comes to: a host adds what the others measured, a guest hands it over.
    /// `owed` is what a shard should have started from some time after the begin of the load on.
    ///
    /// # Errors
    /// When the reports of shards do not fit: a defect of regstorm.
    pub(super) fn conclude(
        &self,
        run: RunPart,
        mut outcome: Outcome,
        ends: Vec<Ended>,
        (stopped_at, owed): (Option<Duration>, &dyn Fn(Shard, Duration) -> Document),
    ) -> Result<Outcome, Error> {
        let part = match self {
            Self::Alone => return Ok(outcome),
            Self::Timed(part, _) | Self::Host(part, _) | Self::Guest(part, _) => part,
        };
        outcome.document.set_shard(told(part, run));
        match self {
            Self::Alone => {}
            Self::Timed(..) => outcome.document.leave_thresholds(),
            Self::Guest(_, guest) => {
                outcome.document.leave_thresholds();
                let document = &outcome.document;
                let stored = document.stored.clone().unwrap_or_default();
                let handed = guest.end(document, stored, outcome.panics, stopped_at);
                outcome.handed = Some(match handed {
                    Ok(()) => Handed::Over,
                    Err(error) => Handed::Lost(error.to_string()),
                });
            }
            Self::Host(..) => {
                for ended in ends {
                    let index = ended.index;
                    let shard = Shard::new(index, run.shard.count()).unwrap_or(run.shard);
                    let why = match ended.end {
                        End::Lost(why) => {
                            let mut document = owed(shard, Duration::ZERO);
                            document.environment.host = ended.host;
                            document.set_shard(ShardPart {
                                index,
                                lost: true,
                                ..told(part, run)
                            });
                            outcome.document.merge(document).map_err(Error::Shards)?;
                            Some(why)
                        }
                        End::Measured {
                            mut document,
                            panics,
                            stopped_at,
                            ..
                        } => {
                            outcome.panics += panics;
                            // All began at one moment; the clocks of the machines may differ.
                            let opened = &outcome.document.window_opened;
                            document.window_opened.clone_from(opened);
                            document.interrupted = false;
                            if let Some(part) = &mut document.shard {
                                part.clock = Some(ended.clock);
                            }
                            if let Some(at) = stopped_at {
                                let owed = owed(shard, at);
                                document.owe(owed).map_err(Error::Shards)?;
                            }
                            outcome.document.merge(*document).map_err(Error::Shards)?;
                            stopped_at.map(|_| "it was stopped".to_owned())
                        }
                    };
                    if let Some(why) = why {
                        let note = format!("shard {index} was lost: {why}");
                        outcome.document.notes.push(note);
                    }
                }
                outcome.document.judge_shards(part.allowed);
            }
        }
        Ok(outcome)
    }
}

/// Tells the others to stop as this shard is to.
fn follow_stop(host: &Host, stop: &Stop) {
    if stop.is_aborted() {
        host.abort();
    } else if stop.asked().is_some() {
        host.drain();
    }
}

/// What the report says of a shard.
fn told(part: &Part, run: RunPart) -> ShardPart {
    ShardPart {
        index: run.shard.index(),
        count: run.shard.count(),
        run: format!("{:016x}", run.id),
        from: part.from.clone(),
        lost: false,
        clock: None,
    }
}

/// What a shard tells of itself at the meeting point.
fn identity(plan: &Plan, shard: Shard, host: &str) -> Identity {
    let thresholds = plan.thresholds.iter();
    let thresholds = thresholds.map(|it| format!("{} {}", it.metric, it.expectation));
    Identity {
        part: meeting::Part::from(shard),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        fingerprint: plan.fingerprint(),
        thresholds: thresholds.collect(),
        host: host.to_owned(),
    }
}
