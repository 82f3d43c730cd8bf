//! Tests of what regstorm can do, from outside, with nothing but this repository: a module for each capability.

/// Source addresses, endpoints in turn, and when names are looked up.
mod action;
mod addresses;
/// Results that would be one file are refused before anything is sent.
mod apart;
mod audit;
/// Closed users whose iterations fail at once.
mod backing_off;
/// Several runs beside each other: what is shown of each, and what is refused.
mod beside;
/// Inputs that grow without sense.
mod bounded;
/// Trials of a capacity search, made by hand: what passes, what breaks, and by how much.
mod capacity;
/// `deploy`: manifests and what they say to the program.
mod deploy;
/// The documents: their links, the scenarios and the commands in them, and how long they are.
mod documents;
/// The embedded registry on the wire: every endpoint, every trap that a real registry sets, every scripted fault.
mod embedded;
/// Whole runs against the embedded registry: what is sent, what is counted, and that both agree under every fault.
mod engine;
/// `regstorm explain`: the sequence of each client, counted by hand from recordings and sources.
mod explain;
/// What is scraped while a run goes on: the server by itself, and a run with `--metrics`.
mod exposition;
/// What failed: every exchange and every iteration has a row, and an example can be found in the registry's log.
mod failures;
/// Every scripted fault against every verb: what the client tells and what the registry counts are the same.
mod faults;
/// Every format that a report is turned into, by the command, of a run that was made.
mod formats;
/// Changed logs and traces, none of which may panic, hang or say what does not hold.
mod fuzzed;
/// A way through which bytes pass, or some of them do not.
mod gate;
/// Gates: what two builds are compared by, how it is written, and what is refused.
mod gates;
/// Existing images by globs and from files: what is found, what is asked for it, and what is refused.
mod globs;
/// The Grafana dashboard and the metrics that it shows.
mod grafana;
/// Commands beside a load: when they run, how they end, and what the report says of them.
mod hooks;
/// HTTP/2: one connection, its streams and their limit, and how exchanges over it are counted.
mod http2;
/// A proxy that forwards and tunnels, and that fails.
mod http_proxy;
/// The journeys beside pull and push: what they ask, what they need, and how their keys are read.
mod journeys;
/// The reference and the schema of a scenario: what they say is what `check` reads.
mod keys;
/// Images with different numbers of layers: as they are asked for, shown and sent.
mod layer_counts;
/// The house: who may import whom, and that each file says what it is for.
mod layering;
/// Lazy pulls: which ranges are asked for, and what the registry may make of them.
mod lazy_pull;
/// The scenarios inside the program, the file to start from, a summary that always exists, and the wait for a target.
mod library;
/// The page that follows a run.
mod live_page;
/// How loads end, well or badly: every sum closes.
mod load_ends;
/// `regstorm load`: a load of one line.
mod load_line;
/// Proof of the load models: what each executor starts, when, and what is counted when the target stands still.
mod load_models;
/// A shard that is lost, in any period and by any fault.
mod losses;
/// Whether the machine was quiet.
#[path = "../machine.rs"]
mod machine;
/// Shards that meet: together they are one run, and one that is lost is counted.
mod meeting;
/// Shards of one run: what they add up to, and what is no shard.
mod merging;
/// Clients that misbehave on purpose: each is counted in its class, and fails nothing.
mod misbehaving;
/// Mistakes of scenarios: none hides another, and each names every form that is read.
mod mistakes;
/// `regstorm pull` and `regstorm push` against the embedded registry: every form, every source, every bad input.
mod oneshot;
/// Where results are written, and that no link of another user leads them elsewhere.
mod outputs;
/// A plan as its text, its fingerprint and its forecast, and what `regstorm check` prints.
mod plan;
/// Before and after the load: what is tried again, what is not waited for, and what clean-up deletes and spares.
mod preparing;
/// The protocol client: the traps of real registries, hostile answers, connections and their clocks.
mod protocol;
/// `regstorm record`: what passes, what the trace says, and every way in which an exchange ends.
mod recording;
/// The scenarios that reproduce published defects.
mod regressions;
/// Replays of traces: what is sent, when, and what is refused.
mod replays;
/// Clients that try again, in whole runs: each try is counted, and an iteration that comes through is well.
mod retries;
/// The `run` command as a user types it: what it prints, what it stores, how it ends.
mod run;
/// The scenario file: what is read, what is refused and in which words, and that no secret is shown.
mod scenario;
/// The JSON schema of reports, held against reports of real runs.
mod schema;
/// Whole runs within TLS and over HTTP/2: the scenario's words, the command line's, and what the report says.
mod secure_runs;
/// Sessions of looks at two builds, simulated: how often the rule is wrong, and what it finds.
mod sessions;
/// Shards of one run: together they send what one process would.
mod shards;
/// Signals: each of them, in every period of a command.
mod signals;
/// `request_timeout`: silence, and not length.
mod silence;
/// The slowest exchanges: kept with what finds them in the registry's log.
mod slowest;
mod soci_pull;
/// What was stored is read again as what it is, and shown by `report`.
mod stored;
/// A registry in this process, a scenario in a few lines, and what came of it.
mod support;
/// Sources of telemetry: what is read of them, and what is told of those that give nothing.
mod telemetry;
/// Thresholds: what is read and refused, what each looks at, and what its verdict is when the truth is in part unknown.
mod thresholds;
/// Runs, pulls and pushes through an HTTP proxy: both forms, credentials, and every way in which it fails.
mod through_proxy;
/// TLS: who is trusted, what is resumed and counted, and what each failure says.
mod tls;
/// Tokens in whole runs: how many each policy fetches, and the credentials that docker keeps.
mod tokens;
/// Logs become a trace: what is counted, what is kept of names, and what is refused.
mod trace_import;
/// Requests that start a trace, and the report that names them.
mod traces;
/// Proof that the tester is right: what it reports against what a registry logged that knows the truth.
mod truth;
/// What a run comes to, as a user sees it: exit codes and the lines that say why.
mod verdicts;
/// Copies of blobs: the first is hashed, the later ones are held against it, and what is wrong is found either way.
mod verified;
