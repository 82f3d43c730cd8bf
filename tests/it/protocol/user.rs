//! A client whose every exchange is written down.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use regstorm::client::Discard;
use regstorm::embedded::{Auth, Counts, Registry, Running, Settings as Site};
use regstorm::exchange::HttpVersion;
use regstorm::oci::{Digest, Operation, Reference, RepositoryName, Verify};
use regstorm::profile::{Habits, Profile};
use regstorm::registry::{Base, Client, End, Exchange, Observer, Settings, Wanted};
use regstorm::transport::{Body, Dialer, Ended, Pool, PoolSettings, Route, Totals};
use regstorm::units::{Credentials, Secret};
use tokio::runtime::{Builder, LocalOptions};

/// Runs a test on a runtime such as a worker has. The limit only turns a hang into a failure.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("a runtime can be made");
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_mins(10), test).await })
        .expect("the test hangs")
}

/// An exchange that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) operation: Operation,
    pub(crate) status: Option<u16>,
    pub(crate) ended: Ended,
    /// `ok`, `cancelled`, or what went wrong.
    pub(crate) end: String,
    /// Everything that a debug print of it says.
    pub(crate) printed: String,
}

/// What an observer heard, in order.
#[derive(Debug, Default)]
pub(crate) struct Journal(RefCell<Vec<Seen>>);

impl Journal {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.borrow().clone()
    }

    pub(crate) fn of(&self, operation: Operation) -> Vec<Seen> {
        let mut seen = self.all();
        seen.retain(|it| it.operation == operation);
        seen
    }

    pub(crate) fn last(&self) -> Seen {
        self.0.borrow().last().expect("an exchange ended").clone()
    }

    /// Everything that debug prints of the exchanges say.
    pub(crate) fn printed(&self) -> String {
        self.all().into_iter().map(|it| it.printed).collect()
    }

    /// Operation and end of each exchange.
    pub(crate) fn ends(&self) -> Vec<(Operation, String)> {
        let all = self.all().into_iter();
        all.map(|it| (it.operation, it.end)).collect()
    }
}

impl Observer for Journal {
    fn exchange(&self, exchange: &Exchange<'_>) {
        let end = match exchange.end {
            End::Ok => "ok".to_owned(),
            End::Cancelled => "cancelled".to_owned(),
            End::Failed(kind) => kind.to_string(),
        };
        self.0.borrow_mut().push(Seen {
            operation: exchange.operation,
            status: exchange.status.map(|status| status.as_u16()),
            ended: exchange.ended,
            end,
            printed: format!("{exchange:?}"),
        });
    }
}

/// What a user brings along.
pub(crate) struct UserSettings {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) headers: HeaderMap,
    pub(crate) cleartext: bool,
    pub(crate) timeout: Duration,
    pub(crate) keep_alive: bool,
    pub(crate) limit: Option<usize>,
    pub(crate) habits: Habits,
    pub(crate) max_idle_per_host: Option<usize>,
    pub(crate) http: HttpVersion,
    pub(crate) route: Route,
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            credentials: None,
            headers: HeaderMap::new(),
            cleartext: false,
            timeout: Duration::from_mins(1),
            keep_alive: true,
            limit: None,
            habits: Profile::PLAIN.habits(),
            max_idle_per_host: None,
            http: HttpVersion::Http1,
            route: Route::default(),
        }
    }
}

/// A client with its journal.
pub(crate) struct User {
    pub(crate) client: Client,
    pub(crate) journal: Rc<Journal>,
    pub(crate) pool: Rc<Pool>,
    pub(crate) totals: Rc<Totals>,
    settings: Rc<Settings>,
}

impl User {
    pub(crate) fn new(url: &str) -> Self {
        Self::with(url, UserSettings::default())
    }

    pub(crate) fn with(url: &str, profile: UserSettings) -> Self {
        let dialer = Rc::new(Dialer::new(Arc::new(profile.route.clone()), 0));
        Self::over(url, profile, dialer)
    }

    /// A user of a worker that has others.
    pub(crate) fn over(url: &str, profile: UserSettings, dialer: Rc<Dialer>) -> Self {
        let journal = Rc::new(Journal::default());
        let totals = Rc::new(Totals::default());
        let pool = Pool::new(
            PoolSettings {
                keep_alive: profile.keep_alive,
                limit: profile.limit.and_then(NonZeroUsize::new),
                max_idle_per_host: profile.max_idle_per_host.and_then(NonZeroUsize::new),
                http: profile.http,
            },
            dialer,
            Rc::clone(&totals),
        );
        let base = Base::parse(url).expect("a base URL");
        let mut settings = Settings::new(base, profile.habits, profile.timeout);
        settings.headers = profile.headers;
        settings.credentials = profile.credentials;
        settings.cleartext = profile.cleartext;
        let settings = Rc::new(settings);
        let observer: Rc<dyn Observer> = Rc::<Journal>::clone(&journal);
        Self {
            client: Client::new(Rc::clone(&settings), Rc::clone(&pool), observer),
            journal,
            pool,
            totals,
            settings,
        }
    }

    /// The same user with other habits: the same connections and journal, and tokens of its own.
    pub(crate) fn client_with(&self, habits: Habits) -> Client {
        let mine = &self.settings;
        let mut settings = Settings::new(mine.base.clone(), habits, mine.timeout);
        settings.headers = mine.headers.clone();
        settings.credentials.clone_from(&mine.credentials);
        let observer: Rc<dyn Observer> = Rc::<Journal>::clone(&self.journal);
        Client::new(Rc::new(settings), Rc::clone(&self.pool), observer)
    }
}

pub(crate) const PASSWORD: &str = "correct horse";
/// `bob:correct horse` as Basic has it.
pub(crate) const PAIR: &str = "Ym9iOmNvcnJlY3QgaG9yc2U=";

pub(crate) fn bob(password: &str) -> Credentials {
    Credentials::password("bob", Secret::new(password))
}

/// A user with credentials and a header of their own.
pub(crate) fn tenant() -> UserSettings {
    let mut headers = HeaderMap::new();
    headers.insert("x-tenant", http::HeaderValue::from_static("perf"));
    UserSettings {
        credentials: Some(bob(PASSWORD)),
        headers,
        ..UserSettings::default()
    }
}

pub(crate) fn basic() -> Auth {
    Auth::Basic {
        user: "bob".into(),
        password: Secret::new(PASSWORD),
    }
}

pub(crate) fn bearer() -> Auth {
    Auth::Bearer {
        user: "bob".into(),
        password: Secret::new(PASSWORD),
        token_lifetime: Duration::from_mins(5),
        anonymous_pull: false,
    }
}

/// A registry that writes down what it is asked.
pub(crate) fn registry(settings: Site) -> Running {
    Registry::start(Site {
        record_requests: Some(10_000),
        ..settings
    })
    .expect("a registry starts")
}

pub(crate) fn name(text: &str) -> RepositoryName {
    text.parse().expect("a repository name")
}

pub(crate) fn tag(text: &str) -> Reference {
    Reference::Tag(text.parse().expect("a tag"))
}

/// Bytes that are not all alike.
pub(crate) fn content(length: usize) -> Bytes {
    (0..length)
        .map(|place| u8::try_from(place * 7 % 251).expect("below 251"))
        .collect()
}

/// Makes the body of a request, in frames of 10,000 bytes.
pub(crate) fn body(content: &Bytes) -> impl Fn() -> Body + use<> {
    let content = content.clone();
    move || {
        let frames: Vec<_> = content
            .chunks(10_000)
            .map(|frame| Ok(Bytes::copy_from_slice(frame)))
            .collect();
        Body::sized(frames.into_iter(), content.len() as u64)
    }
}

/// Pulls a blob of the repository `a`, and checks it.
pub(crate) async fn fetch(user: &User, blob: &Bytes) -> Result<(), regstorm::registry::Error> {
    let wanted = Wanted {
        digest: Digest::sha256(blob),
        size: Some(blob.len() as u64),
        verify: Verify::Digest,
    };
    let (repository, mut nowhere) = (name("a"), Discard);
    let got = user.client.blob_get(&repository, wanted, &mut nowhere);
    got.await.map(drop)
}

/// Pushes a blob into the repository `a`, and pulls it again.
pub(crate) async fn around(user: &User, blob: &Bytes) {
    let session = user.client.upload_start(&name("a")).await;
    let session = session.expect("a session opens");
    let put = body(blob);
    session
        .put(&Digest::sha256(blob), &put)
        .await
        .expect("the blob is taken");
    fetch(user, blob).await.expect("the blob comes back");
}

/// Drives what must not end until something is seen from outside, and drops it then.
pub(crate) async fn dropped_when<T>(work: impl Future<Output = T>, seen: impl Fn() -> bool) {
    let look = async {
        while !seen() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // What is seen counts, also where the work has come to its end meanwhile.
    tokio::select! {
        biased;
        () = look => {}
        _ = work => panic!("it ended before it was dropped"),
    }
}

/// How many requests of an operation have come, answered or not.
pub(crate) fn asked(registry: &Running, operation: Operation) -> usize {
    let requests = registry.requests().into_iter();
    requests
        .filter(|it| it.operation == Some(operation))
        .count()
}

/// Waits until the registry works on nothing, and gives its counts.
pub(crate) async fn settled(registry: &Running) -> Counts {
    loop {
        let counts = registry.counts();
        if counts.in_progress == 0 {
            return counts;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Holds the journals of all users of a registry against its own counts: the same answers, none lost, none twice.
pub(crate) async fn agree(registry: &Running, users: &[&User]) {
    let counts = settled(registry).await;
    let mut answered = BTreeMap::new();
    let mut unanswered = 0;
    for seen in users.iter().flat_map(|user| user.journal.all()) {
        match seen.status {
            Some(status) => {
                *answered
                    .entry((Some(seen.operation), status))
                    .or_insert(0_u64) += 1;
            }
            None => unanswered += 1,
        }
    }
    assert_eq!(answered, counts.exchanges);
    assert_eq!(unanswered, counts.unanswered);
    for user in users {
        let all = user.journal.all();
        let sum = |bytes: fn(&Ended) -> u64| all.iter().map(|it| bytes(&it.ended)).sum::<u64>();
        assert_eq!(sum(|it| it.sent), user.totals.sent());
        assert_eq!(sum(|it| it.received), user.totals.received());
    }
}

/// The status of a refusal.
pub(crate) fn refusal(error: &regstorm::registry::Error) -> Option<StatusCode> {
    error.status()
}
