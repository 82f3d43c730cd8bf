use super::*;
use crate::exchange::HttpVersion;
use crate::keys::table::Sink;
use crate::profile::*;
use crate::units::ByteSize;

/// A habit that was changed: its field, an action to which it belongs, and the habits after the change.
struct Changed {
    field: &'static str,
    action: &'static str,
    /// What it is changed from.
    plain: Habits,
    habits: Habits,
}

/// A field, an action to which it belongs, and what changes it.
type Step<'a> = (&'static str, &'static str, Box<dyn FnOnce() + 'a>);

/// Changes one field of the habits of `plain` after the other. A field that is added to one of these types does not compile
/// until it is named here: then it needs a key, too.
fn each_changed() -> Vec<Changed> {
    let mut all = Vec::new();
    while let Some(changed) = changed(all.len()) {
        all.push(changed);
    }
    all
}

#[expect(clippy::too_many_lines, reason = "a line for each field")]
fn changed(number: usize) -> Option<Changed> {
    const CHUNKS: PushMethod = PushMethod::Chunks {
        size: ByteSize::from_mib(7),
    };
    let mut habits = Profile::PLAIN.habits();
    let Habits {
        wire,
        token,
        retry,
        accepted,
        ping,
        connections,
        max_idle,
        http,
        pull,
        push,
        copy,
        delete,
        misbehave,
    } = &mut habits;
    let Misbehave {
        abort,
        stall,
        read_rate,
        write_rate,
        leave_uploads,
        repeat_chunks,
        skip_chunks,
        leave_connections,
    } = misbehave;
    let Wire {
        user_agent,
        api_version,
        accept,
        accept_descriptor,
        accept_encoding,
        fetch_encoding,
        decoding,
        start_type,
        octet_stream,
        mount_query,
        referer,
        max_redirects,
        replays_blobs,
        accept_on_delete,
        page_size,
    } = wire;
    let Accept { types, form } = accept;
    let TokenHabits {
        form: token_form,
        account,
        client_id,
        scope_order,
        challenge_scope,
        token_per_mount,
        endless_by_default,
        shortest_life,
        resolver_apart,
    } = token;
    let Retry {
        attempts,
        statuses,
        once,
        broken,
        scope,
        backoff,
        retry_after,
    } = retry;
    let Accepted {
        ping: ping_statuses,
        token: token_statuses,
        manifest_get,
        manifest_head,
        manifest_put,
        delete: delete_statuses,
        blob_get,
        blob_head,
        session,
        patch,
        patch_without_location,
        blob_put,
        cancel,
        list,
    } = accepted;
    let PullHabits {
        resolve,
        resolve_digest,
        config,
        parallel: pull_parallel,
        again,
        choice,
        part_size,
    } = pull;
    let IndexChoice {
        matching,
        normalizes,
        without_platform,
        passes_unknown_types,
        relies_on,
    } = choice;
    let PushHabits {
        manifest_check,
        layer_checks,
        packs_late,
        config_checks,
        mount,
        method,
        config_method,
        commit_check,
        config_last,
        layers,
        blobs_before_manifests,
        parallel: push_parallel,
    } = push;
    let MountHabits {
        config: mount_config,
        ping: mount_ping,
        check_source,
        check_mounted,
        use_session,
    } = mount;
    let CopyHabits {
        mounts,
        fetch,
        parallel: copy_parallel,
        reads_back,
    } = copy;
    let any = || Statuses::from(vec![(299, 299)]);
    let count = |count| NonZeroUsize::new(count).unwrap();
    macro_rules! steps {
        ($($action:literal { $($field:ident = $value:expr;)* })*) => {
            vec![$($((stringify!($field), $action, Box::new(move || *$field = $value)),)*)*]
        };
    }
    let steps: Vec<Step<'_>> = steps! {
        "pull" {
            ping = true;
            connections = ConnectionPolicy::PerRequest;
            max_idle = Some(count(3));
            http = HttpVersion::Http2;
            user_agent = "x".into();
            api_version = true;
            types = vec!["x/y".into()].into();
            form = AcceptForm::Joined(", ");
            accept_descriptor = AcceptDescriptor::TypeAndAny;
            accept_encoding = Some("gzip".into());
            fetch_encoding = Some("zstd".into());
            decoding = Decoding::Asked;
            referer = true;
            max_redirects = 3;
            token_form = TokenForm::PostFirst;
            account = false;
            client_id = "x".into();
            scope_order = ScopeOrder::PushPull;
            challenge_scope = ChallengeScope::Always;
            endless_by_default = true;
            shortest_life = std::time::Duration::from_secs(7);
            resolver_apart = true;
            attempts = 4;
            statuses = vec![500].into();
            once = vec![503].into();
            broken = true;
            scope = RetryScope::BlobGets;
            backoff = Backoff::Linear { step: std::time::Duration::from_secs(1) };
            retry_after = RetryAfter::Throttled;
            ping_statuses = any();
            token_statuses = any();
            manifest_get = any();
            manifest_head = any();
            manifest_put = any();
            delete_statuses = any();
            blob_get = any();
            blob_head = any();
            session = any();
            patch = any();
            patch_without_location = true;
            blob_put = any();
            cancel = any();
            list = any();
            resolve = Resolve::Head(ResolveFallback::Refused);
            resolve_digest = true;
            config = ConfigOrder::Last;
            pull_parallel = count(7);
            again = PullAgain::Layers;
            matching = Matching::First;
            normalizes = false;
            without_platform = WithoutPlatform::Nothing;
            passes_unknown_types = false;
            relies_on = EntryUse::Digest;
            part_size = Some(ByteSize::from_mib(7));
            abort = Some(Abort { after: 0.5, share: 0.25, resume: true });
            stall = Some(Stall { after: 0.5, time: std::time::Duration::from_secs(7), share: 1.0 });
            read_rate = Some(ByteSize::from_kib(7));
            leave_connections = Some(LeaveConnections { after: LeftAfter::Head, count: count(7), share: 0.5, time: None });
        }
        "push" {
            start_type = Some("x/y".into());
            octet_stream = false;
            mount_query = MountQuery::MountFirst;
            replays_blobs = false;
            token_per_mount = true;
            manifest_check = ManifestCheck::First;
            layer_checks = Checks::Twice;
            packs_late = true;
            config_checks = Checks::Never;
            method = CHUNKS;
            config_method = PushMethod::Put;
            commit_check = true;
            config_last = true;
            layers = LayerOrder::TopFirst;
            blobs_before_manifests = true;
            push_parallel = count(7);
            mount_config = false;
            mount_ping = true;
            check_source = true;
            check_mounted = true;
            use_session = false;
            write_rate = Some(ByteSize::from_kib(7));
            leave_uploads = 0.5;
            repeat_chunks = 0.5;
            skip_chunks = 0.5;
        }
        "copy" {
            mounts = false;
            fetch = CopyFetch::IntoSession;
            copy_parallel = count(7);
            reads_back = true;
        }
        "list-tags" {
            page_size = Some(7);
        }
        "delete" {
            accept_on_delete = true;
            delete = DeleteBy::Tag;
        }
    };
    let (field, action, change) = steps.into_iter().nth(number)?;
    change();
    let mut plain = Profile::PLAIN.habits();
    // Chunks out of order take chunks.
    if matches!(field, "repeat_chunks" | "skip_chunks") {
        plain.push.method = CHUNKS;
        habits.push.method = CHUNKS;
    }
    Some(Changed {
        field,
        action,
        plain,
        habits,
    })
}

#[test]
fn every_habit_has_a_key_that_shows_it_and_reads_it_back() {
    let all = each_changed();
    assert!(all.len() > 70, "{}", all.len());
    for changed in all {
        let field = changed.field;
        let shown = show(&changed.habits, changed.action).0;
        let before = show(&changed.plain, changed.action).0;
        assert_ne!(shown, before, "{field} has no key");
        let lines: Vec<String> = shown
            .iter()
            .map(|(key, value)| format!("{key} = {}\n", value.to_toml()))
            .collect();
        let read = read_lines(&lines.concat(), changed.action);
        assert_eq!(show(&read, changed.action).0, shown, "{field}");
    }
}

/// Reads lines as the keys of a journey that does this.
fn read_lines(lines: &str, action: &str) -> Habits {
    let (root, problems) = crate::keys::tree::plant(lines, &|_| None)
        .unwrap_or_else(|problem| panic!("{problem:?}: {lines}"));
    assert_eq!(problems, []);
    let sink = Sink::default();
    let start = crate::keys::spot::Spot {
        source: 0,
        span: 0..0,
    };
    let mut table = Table::new(&root, start, &sink);
    let read = read(&mut table, Some(action), Profile::PLAIN.habits());
    table.finish();
    assert_eq!(sink.into_problems(), [], "{lines}");
    read.unwrap()
}

#[test]
fn every_example_can_be_written() {
    for key in KEYS.iter() {
        let described = &key.described;
        let action = described.only.first().copied().unwrap_or("pull");
        let needed = match described.name {
            "pool_size" => "connections = \"shared\"\n",
            "chunk_size" => "method = \"chunks\"\n",
            "repeat_chunks" | "skip_chunks" => "method = \"chunks\"\nchunk_size = \"1MiB\"\n",
            _ => "",
        };
        let line = format!("{needed}{} = {}\n", described.name, described.example);
        read_lines(&line, action);
    }
}
