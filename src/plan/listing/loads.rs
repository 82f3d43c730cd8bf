//! The keys of a load: its executor, when it begins and how it ends.

use crate::plan::{CapacitySearch, Crew, Executor, Load, OnNoVu, Stage};
use crate::scenario::{Fields, Plain as Value};
use crate::schedule::Spacing;
use crate::units::Rate;

/// All keys of a load behind its name and its journeys.
pub(super) fn keys(fields: Fields, load: &Load, loads: &[Load]) -> Fields {
    let after = load.begin.after.map(|at| loads[at].name.as_str());
    executor(fields.put("executor", load.executor.name()), load)
        .may("pacing", load.pacing)
        .may("start_after", after)
        .put("start_time", load.begin.delay)
        .put("graceful_stop", load.graceful_stop)
}

fn executor(fields: Fields, load: &Load) -> Fields {
    match &load.executor {
        Executor::ConstantVus { vus, duration } => fields
            .put("vus", *vus)
            .put("duration", *duration)
            .put("warmup", load.warmup),
        Executor::RampingVus {
            start_vus,
            stages,
            graceful_ramp_down,
        } => fields
            .put("start_vus", *start_vus)
            .put("stages", lines(stages, |target| (*target).into()))
            .put("graceful_ramp_down", *graceful_ramp_down),
        Executor::PerVuIterations {
            vus,
            iterations,
            max_duration,
        }
        | Executor::SharedIterations {
            vus,
            iterations,
            max_duration,
        } => fields
            .put("vus", *vus)
            .put("iterations", *iterations)
            .put("max_duration", *max_duration),
        Executor::ConstantArrivalRate {
            rate,
            duration,
            crew,
        } => of_crew(
            fields
                .put("rate", number(*rate))
                .put("time_unit", rate.unit())
                .put("duration", *duration)
                .put("warmup", load.warmup),
            *crew,
        ),
        Executor::RampingArrivalRate {
            start_rate,
            stages,
            crew,
        } => {
            let fields = fields
                .put("start_rate", number(*start_rate))
                .put("time_unit", start_rate.unit())
                .put("stages", lines(stages, |target| number(*target)));
            of_crew(fields, *crew)
        }
        Executor::AtOnce {
            vus,
            within,
            arrival,
            max_duration,
        } => fields
            .put("vus", *vus)
            .put("within", *within)
            .put("arrival", spacing(*arrival))
            .put("max_duration", *max_duration),
        Executor::CapacitySearch(search) => capacity_search(fields, search),
    }
}

fn capacity_search(fields: Fields, search: &CapacitySearch) -> Fields {
    let fields = fields
        .put("start_rate", number(search.start_rate))
        .may("max_rate", search.max_rate.map(number))
        .put("time_unit", search.start_rate.unit())
        .put("growth", search.growth)
        .put("precision", search.precision)
        .put("settle", search.settle)
        .put("hold", search.hold)
        .put("confirm", search.confirm);
    of_crew(fields, search.crew)
}

fn of_crew(fields: Fields, crew: Crew) -> Fields {
    let fields = fields
        .put("max_vus", crew.max_vus)
        .put("arrival", spacing(crew.arrival));
    match crew.on_no_vu {
        OnNoVu::Drop => fields.put("on_no_vu", "drop"),
        OnNoVu::Queue { limit } => fields.put("on_no_vu", "queue").put("max_queue", limit),
    }
}

fn lines<T>(stages: &[Stage<T>], target: impl Fn(&T) -> Value) -> Value {
    let line = |stage: &Stage<T>| {
        Fields::default()
            .put("name", stage.name.as_str())
            .put("duration", stage.duration)
            .put("target", target(&stage.target))
            .into()
    };
    Value::Tables(stages.iter().map(line).collect())
}

const fn spacing(spacing: Spacing) -> &'static str {
    match spacing {
        Spacing::Uniform => "uniform",
        Spacing::Poisson => "poisson",
    }
}

/// Whole where it is whole, as people write it.
fn number(rate: Rate) -> Value {
    if rate.millionths().is_multiple_of(Rate::MILLIONTHS) {
        Value::Whole(rate.millionths() / Rate::MILLIONTHS)
    } else {
        Value::Number(rate.per_unit())
    }
}
