//! The set of sessions, ownership of the state directory, idle, drain, the machine's `all` log.
//!
//! Its methods are the doors that handlers knock on: each answers on admission, and nothing here waits for a provider or a
//! tool.
//!
//! Not here: what a session does inside.
//!
//! Imports: session, catalogue, approvals, tools, jobs, sandbox, process, workspace, journal, feed, projections, config, protocol, base
pub(crate) mod admin;
mod auth;
pub(crate) mod caller;
pub(crate) mod changes;
mod commands;
mod complete;
mod configure;
pub(crate) mod contents;
pub(crate) mod doors;
pub(crate) mod drain;
mod ephemeral;
mod export;
mod health;
mod itself;
pub(crate) mod jobs;
pub(crate) mod lists;
mod offered;
pub(crate) mod owner;
mod past;
pub(crate) mod presence;
mod prune;
mod reload;
pub(crate) mod sessions;
mod texts;
pub(crate) mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tenon_protocol::event::all::{GrantItem, WorkspaceItem};
use tenon_protocol::handshake::{
    AuthSupport, Can, CaptureInfo, CaptureMode, Instance, QueueSupport, SandboxInfo, SandboxLevel,
    ShellSupport,
};
use tenon_protocol::json::Json;
use tenon_protocol::version::QUEUE_LEN_MAX;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::base::clock::SharedClock;
use crate::base::ids::{self, SharedEntropy};
use crate::config::environment::Variables;
use crate::config::files::Files;
use crate::config::paths::Paths;
use crate::daemon::auth::Logins;
pub(crate) use crate::daemon::caller::Caller;
use crate::daemon::complete::Shelves;
use crate::daemon::drain::Course;
use crate::daemon::ephemeral::Ephemeral;
use crate::daemon::health::Health;
use crate::daemon::presence::Presence;
use crate::daemon::reload::Told;
use crate::daemon::sessions::Sessions;
use crate::daemon::texts::Texts;
use crate::feed::Feed;
use crate::journal::{ItemKind, Journal, ReadError};
use crate::process::{Build, Spawn};
use crate::sandbox::{Caches, Capturing, Probing};
use crate::session::answerers::Answerers;
pub(crate) use crate::session::answerers::Seeing;
use crate::session::listing;
use crate::session::looking::Board;
use crate::session::resources::{Hold, Resources, Standing};
use crate::tools;

/// Grants and trusted workspaces that are read at start; more than a person ever makes.
const STANDING_MAX: usize = 10_000;

/// The daemon. Cheap to clone; the clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Daemon(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    resources: Arc<Resources>,
    sessions: Sessions,
    ephemeral: Ephemeral,
    presence: Presence,
    course: watch::Sender<Course>,
    /// What was told of the configuration's files.
    told: Told,
    /// Logins that wait for their key.
    logins: Logins,
    /// One changes the configuration or a stored key at a time.
    configuring: Semaphore,
    /// What was seen of the machine.
    health: Health,
    /// The commands and skills that are kept true.
    texts: Texts,
    /// The names of workspaces that somebody mentions files of.
    shelves: Shelves,
    instance: Instance,
    /// Cancelled when every actor has to stop.
    leave: CancellationToken,
}

/// What a daemon is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Where things are.
    pub(crate) paths: Paths,
    /// The log, open and owned.
    pub(crate) journal: Journal,
    /// What starts commands.
    pub(crate) spawner: Arc<dyn Spawn>,
    /// Time.
    pub(crate) clock: SharedClock,
    /// Ids and jitter.
    pub(crate) entropy: SharedEntropy,
    /// Where the records of commands are; the directory exists.
    pub(crate) records_dir: PathBuf,
    /// Where programs are looked for, as a `PATH`.
    pub(crate) path: String,
    /// What this binary was built from, and when.
    pub(crate) build: Build,
}

impl Daemon {
    /// Makes the daemon of a journal.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(crate) async fn new(parts: Parts) -> Result<Self, ReadError> {
        if let Err(error) = listing::tell_untold(&parts.journal).await {
            // It stays on record; a full disk keeps nobody from reading.
            tracing::warn!(%error, "what changed last could not be told");
        }
        let standing = standing(&parts.journal).await?;
        let instance = Instance {
            id: ids::unique(&*parts.entropy),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: parts.build.id,
            pid: std::process::id(),
            started_at: parts.clock.now().to_rfc3339(),
            built_at: parts.build.at,
        };
        let capturing = Arc::new(Capturing::new(parts.records_dir.clone(), Arc::clone(&parts.spawner)));
        let own = [Some(parts.paths.state_dir.as_path()), parts.paths.config_file.parent()];
        let own: Vec<PathBuf> = own.into_iter().flatten().map(PathBuf::from).collect();
        let caches = Arc::new(Caches::new(parts.paths.caches_dir(), own.clone()));
        let memory = (parts.paths.state_dir.clone(), instance.build.clone());
        let probing = Probing::new(Arc::clone(&parts.spawner), parts.path, own, memory);
        let resources = Resources {
            feed: Feed::new(parts.journal.clone(), Arc::clone(&parts.clock)),
            journal: parts.journal,
            clock: parts.clock,
            entropy: parts.entropy,
            registry: tools::built_in(),
            spawner: parts.spawner,
            probing,
            capturing,
            caches,
            files: Files::new(parts.paths),
            records_dir: parts.records_dir,
            standing,
            answerers: Answerers::default(),
            running: watch::Sender::new(Arc::new(BTreeSet::new())),
            board: Board::default(),
            hold: watch::Sender::new(Hold::Nowhere),
            jobs: watch::Sender::new(Arc::new(BTreeMap::new())),
        };
        Ok(Self(Arc::new(Inner {
            resources: Arc::new(resources),
            sessions: Sessions::default(),
            ephemeral: Ephemeral::default(),
            presence: Presence::default(),
            course: watch::Sender::new(Course::Open),
            told: Told::default(),
            logins: Logins::default(),
            configuring: Semaphore::new(1),
            health: Health::default(),
            texts: Texts::default(),
            shelves: Shelves::default(),
            instance,
            leave: CancellationToken::new(),
        })))
    }

    /// Finds out which sandbox there is, unless that is remembered.
    pub(crate) async fn find_sandbox(&self) {
        self.0.resources.probing.find().await;
    }

    /// Finds out what takes an attempt: which sandbox there is, and whether what commands write can be caught.
    pub(crate) async fn probe(&self) {
        // The outcome is kept; whoever asks sooner waits for it or is told that it is not known.
        let _known = tokio::join!(self.0.resources.capturing.find(), self.0.resources.probing.find());
    }

    /// Returns the running process and what it can do now.
    pub(crate) fn hello(&self) -> (Instance, Can) {
        let probe = self.0.resources.probing.known();
        let sandbox = SandboxInfo {
            level: SandboxLevel::Level(probe.level.number()),
            missing: probe.missing_texts(),
            configured: self.configured_level(),
        };
        let can = Can {
            files: Some(Json(markers(&["read", "write", "search"]))),
            approve: Some(Json(markers(&["hunks"]))),
            plan: Some(Json::empty()),
            apply: Some(Json(markers(&["hunks"]))),
            shell: Some(ShellSupport { sandbox, capture: self.0.resources.capturing.known().map(capture) }),
            steer: Some(Json::empty()),
            jobs: Some(Json::empty()),
            queue: Some(QueueSupport { max: u64::try_from(QUEUE_LEN_MAX).unwrap_or(u64::MAX) }),
            auth: Some(AuthSupport { methods: vec!["key".to_owned()] }),
        };
        (self.0.instance.clone(), can)
    }
}

impl Daemon {
    /// Returns the level that the person's file names; a workspace, or a client's variables, may say another.
    fn configured_level(&self) -> Option<u8> {
        let good = self.0.resources.files.look(None).ok()?;
        good.layers(&Variables::new()).resolve().ok()?.config.sandbox.level
    }
}

fn capture(known: Result<(), String>) -> CaptureInfo {
    match known {
        Ok(()) => CaptureInfo { mode: CaptureMode::Exact, reason: None },
        Err(reason) => CaptureInfo { mode: CaptureMode::Compared, reason: Some(reason) },
    }
}

/// Returns an object of markers.
fn markers(names: &[&str]) -> tenon_protocol::json::Value {
    let marker = || tenon_protocol::json::Value::Object(tenon_protocol::json::Map::new());
    let entries = names.iter().map(|name| ((*name).to_owned(), marker()));
    tenon_protocol::json::Value::Object(entries.collect())
}

async fn standing(journal: &Journal) -> Result<Standing, ReadError> {
    let workspaces = journal.items(ItemKind::Workspace, None, None, STANDING_MAX).await?;
    let grants = journal.items(ItemKind::Grant, None, None, STANDING_MAX).await?;
    let trusted =
        workspaces.items.iter().filter_map(|item| serde_json::from_str::<WorkspaceItem>(&item.json).ok());
    let granted = grants.items.iter().filter_map(|item| serde_json::from_str::<GrantItem>(&item.json).ok());
    Ok(Standing::new(trusted.collect(), granted.collect()))
}
