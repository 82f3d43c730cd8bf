//! docker-registry behind a token service: every form of request, every lifetime, and a wrong password.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use regstorm::oci::{Digest, Operation, RepositoryName};
use regstorm::profile::Profile;
use regstorm::registry::{Base, Client, End, Exchange, Mounted, Observer, Settings};
use regstorm::transport::{Body, Pool, PoolSettings};
use regstorm::units::{Credentials, Secret};

use crate::support::{
    Corpus, Granting, PASSWORD, Program, Registry, TokenRequest, TokenServer, USER, copy_back,
    regstorm, run_scenario,
};

/// A password that nobody knows.
const WRONG: &str = "marmot-basalt-3317";

/// Long lives, told as they are.
const USUAL: Granting = Granting {
    post: true,
    told: Some(300),
    lifetime: 300,
    host: "127.0.0.1",
};

/// What matters here of a request for a token.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    method: String,
    scopes: Vec<String>,
    grant_type: Option<String>,
    status: u16,
}

/// What was asked since the last call.
fn requests(tokens: &TokenServer) -> Vec<Asked> {
    let of = |request: TokenRequest| {
        let parameter = |name| request.params.get(name).cloned().unwrap_or_default();
        Asked {
            scopes: parameter("scope"),
            grant_type: parameter("grant_type").into_iter().next(),
            method: request.method,
            status: request.status,
        }
    };
    tokens.take().into_iter().map(of).collect()
}

fn asked(method: &str, scopes: &[&str], status: u16) -> Asked {
    Asked {
        method: method.to_owned(),
        scopes: scopes.iter().map(|&it| it.to_owned()).collect(),
        grant_type: (method == "POST").then(|| "password".to_owned()),
        status,
    }
}

fn image(corpus: &Corpus, command: &str, url: &str, name: &str, options: &[&str]) -> Program {
    let program = regstorm([command]);
    let program = if command == "push" {
        let layout = corpus.layout();
        program.args([layout.dir().as_os_str(), url.as_ref(), name.as_ref()])
    } else {
        program.args([url, name]).args([corpus.path().join("back")])
    };
    program.args(["--user", USER]).args(options)
}

#[test]
fn a_push_a_mount_and_a_pull_take_one_token_each() {
    let corpus = Corpus::new(601);
    let tokens = TokenServer::start(USUAL);
    let registry = Registry::with_tokens(&tokens);
    let url = registry.url();
    image(&corpus, "push", &url, "lab/img:1", &[]).run().ok();
    let options = ["--mount-from", "lab/img"];
    image(&corpus, "push", &url, "lab/other:1", &options)
        .run()
        .ok();
    image(&corpus, "pull", &url, "lab/other:1", &[]).run().ok();
    let (own, other) = ("repository:lab/img", "repository:lab/other");
    let expected = [
        asked("GET", &[&format!("{own}:pull,push")], 200),
        asked("GET", &[&format!("{other}:pull,push")], 200),
        asked(
            "GET",
            &[&format!("{other}:pull,push"), &format!("{own}:pull")],
            200,
        ),
        asked("GET", &[&format!("{other}:pull")], 200),
    ];
    assert_eq!(requests(&tokens), expected);
    // skopeo, with tokens of its own, finds what was pushed.
    let source = format!("docker://{}/lab/other:1", registry.host());
    let login = format!("{USER}:{PASSWORD}");
    let copied = copy_back(&source, &["--src-tls-verify=false", "--src-creds", &login]);
    assert_eq!(copied, corpus.layout().image("img"));
    let log = registry.access_log();
    let mounts: Vec<_> = log
        .iter()
        .filter(|it| it.operation() == "upload-mount")
        .collect();
    assert!(
        !mounts.is_empty() && mounts.iter().all(|it| it.status == 201),
        "{mounts:#?}"
    );
    assert!(!registry.log().contains(PASSWORD));
}

#[test]
fn a_wrong_password_is_one_error_and_exit_code_5() {
    let corpus = Corpus::new(602);
    let tokens = TokenServer::start(USUAL);
    let registry = Registry::with_tokens(&tokens);
    for command in ["push", "pull"] {
        let program = image(&corpus, command, &registry.url(), "lab/img:1", &[]);
        let finished = program.env("REGSTORM_PASSWORD", WRONG).run().ends_with(5);
        let errors: Vec<_> = finished
            .stderr
            .lines()
            .filter(|it| it.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{finished}");
        for word in [
            "token",
            "401",
            "wrong name or password",
            "check name and password",
        ] {
            assert!(errors[0].contains(word), "no `{word}` in {finished}");
        }
        assert!(!finished.said().contains(WRONG), "{finished}");
    }
    // However many blobs wait for it: one request each.
    let fetched = requests(&tokens);
    assert_eq!(fetched.len(), 2, "{fetched:#?}");
}

const RUN: &str = r#"
name = "tokens"
[target]
url = "http://127.0.0.1:1"
[target.auth]
username = "USER"
password = "PASSWORD"
[images.web]
source = "synthetic"
count = 2
layers = 2
layer_size = "48KiB"
[journey.fetch]
action = "pull"
images = "web"
think_time = "100ms"
[journey.send]
action = "push"
images = "web"
unique = true
[[load]]
mix = { fetch = 1, send = 1 }
executor = "constant-vus"
vus = 4
duration = "5s"
"#;

#[test]
fn tokens_that_end_before_they_should_fail_nothing() {
    for kind in [
        // Refreshed in time, or not told when.
        Granting {
            told: Some(2),
            lifetime: 2,
            ..USUAL
        },
        Granting {
            told: None,
            lifetime: 2,
            ..USUAL
        },
        // A service that promises too much: the registry says 401 in the middle of everything.
        Granting {
            told: Some(300),
            lifetime: 2,
            ..USUAL
        },
    ] {
        let tokens = TokenServer::start(kind);
        let registry = Registry::with_tokens(&tokens);
        let scenario = RUN.replace("USER", USER).replace("PASSWORD", PASSWORD);
        let report = run_scenario(&scenario, &registry.url());
        report.assert_clean();
        let tally = report.exchanges();
        let fetched = u64::try_from(requests(&tokens).len()).expect("a few");
        assert_eq!(tally.count("token", 200), fetched);
        // 4 users with a scope to pull and one to push, which end at least once.
        assert!(fetched >= 2 * 4 * 2, "{kind:?}: {fetched}");
        assert!(!report.text().contains(PASSWORD));
        assert!(registry.open_uploads().is_empty());
    }
}

/// What became of each exchange.
#[derive(Debug, Default)]
struct Journal(RefCell<Vec<(Operation, u16, bool)>>);

impl Observer for Journal {
    fn exchange(&self, exchange: &Exchange<'_>) {
        let status = exchange.status.map_or(0, |status| status.as_u16());
        let ok = matches!(exchange.end, End::Ok);
        self.0.borrow_mut().push((exchange.operation, status, ok));
    }
}

fn name(text: &str) -> RepositoryName {
    text.parse().expect("a repository name")
}

/// Pushes two blobs, mounts one of them elsewhere and looks for it, with the habits of a client.
fn push_and_mount(client: &str, url: &str) -> Vec<(Operation, u16, bool)> {
    let journal = Rc::new(Journal::default());
    let keep = PoolSettings::default();
    let base = Base::parse(url).expect("a URL");
    let habits = Profile::named(client).expect("a profile").habits();
    let mut settings = Settings::new(base, habits, Duration::from_mins(1));
    settings.credentials = Some(Credentials::password(USER, Secret::new(PASSWORD)));
    let pool = Pool::new(keep, Rc::default(), Rc::default());
    let client = Client::new(Rc::new(settings), pool, journal.clone() as Rc<dyn Observer>);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .expect("a runtime");
    runtime.block_on(async {
        let (source, target) = (name("lab/source"), name("lab/target"));
        let into_source = client.for_push(&source);
        for text in ["one", "two"] {
            let digest = Digest::sha256(text.as_bytes());
            let found = into_source
                .blob_head(&source, &digest)
                .await
                .expect("an answer");
            assert_eq!(found, None);
            let session = into_source.upload_start(&source).await.expect("a session");
            let body = || Body::whole(text.into());
            session.put(&digest, &body).await.expect("it is stored");
        }
        let digest = Digest::sha256(b"one");
        let into_target = client.for_push(&target);
        let mounted = into_target
            .upload_mount(&target, &digest, Some(&source))
            .await;
        assert!(matches!(mounted, Ok(Mounted::Done)), "{mounted:?}");
        let found = into_target
            .blob_head(&target, &digest)
            .await
            .expect("an answer");
        assert_eq!(found, Some(Some(3)));
    });
    drop(client);
    Rc::into_inner(journal)
        .expect("the client is gone")
        .0
        .into_inner()
}

#[test]
fn the_post_form_works_and_where_it_does_not_get_follows() {
    // The first challenge is of the HEAD, and containerd asks for its scope ever after.
    let (first, source) = (
        "repository:lab/source:pull",
        "repository:lab/source:pull,push",
    );
    let target = "repository:lab/target:pull,push";
    for speaks_post in [true, false] {
        let tokens = TokenServer::start(Granting {
            post: speaks_post,
            ..USUAL
        });
        let registry = Registry::with_tokens(&tokens);
        let seen = push_and_mount("containerd", &registry.url());
        assert!(seen.iter().all(|(_, _, ok)| *ok), "{seen:?}");
        // The token for the mount allows all that follows in its target.
        let each = [[first, source], [first, target]];
        let joined: Vec<String> = each.iter().map(|it| it.join(" ")).collect();
        let expected: Vec<Asked> = if speaks_post {
            joined.iter().map(|it| asked("POST", &[it], 200)).collect()
        } else {
            let pairs = joined.iter().zip(&each);
            pairs
                .flat_map(|(it, each)| [asked("POST", &[it], 404), asked("GET", each, 200)])
                .collect()
        };
        assert_eq!(requests(&tokens), expected);
    }
}
