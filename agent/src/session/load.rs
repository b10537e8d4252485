//! Making actors: for a new session, and for one in the journal. Not here: which sessions there are (`daemon`).
use std::path::PathBuf;
use std::sync::Arc;

use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::all::Notice;
use tenon_protocol::event::context::ContextSet;
use tenon_protocol::event::session::SessionCreated;
use tenon_protocol::ids::SessionId;
use tenon_protocol::session::Settings;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::base::task::{self, Task};
use crate::base::{ids, uri};
use crate::config::environment::Variables;
use crate::config::files::Good;
use crate::journal::{ItemKind, ItemWrite};
use crate::session::actor::{Actor, Beside, storage};
use crate::session::command::{COMMANDS_LEN_MAX, SessionHandle};
use crate::session::fork::{self, Origin};
use crate::session::resources::Resources;
use crate::session::snapshot::merge;
use crate::session::state::State;
use crate::session::trusted::{Lapse, trust_of};
use crate::session::world::World;
use crate::turn::ports::Fact;
use crate::workspace::root::Root;

/// A session that runs: its handle, and the task that is its actor.
#[derive(Debug)]
pub(crate) struct Live {
    /// Reaches it.
    pub(crate) handle: SessionHandle,
    /// The actor; dropping it stops it where it stands.
    pub(crate) task: Task<()>,
}

/// What a new session begins with.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    /// The workspace.
    pub(crate) root: PathBuf,
    /// The workspace as the protocol names it.
    pub(crate) workspace: String,
    /// What it shall work with.
    pub(crate) settings: Settings,
    /// What it is about.
    pub(crate) title: Option<String>,
    /// What the client sent in `$/environment`.
    pub(crate) variables: Variables,
    /// Whether it ends with the daemon.
    pub(crate) ephemeral: Option<bool>,
    /// What it is forked from.
    pub(crate) origin: Option<Origin>,
}

/// Creates a session: its first events are committed when this returns.
pub(crate) async fn create(
    resources: &Arc<Resources>,
    seed: Seed,
    leave: CancellationToken,
) -> Result<Live, RpcError> {
    let root = open_root(&seed.root)?;
    let lapse = Lapse::look(resources, &root, &seed.workspace).await;
    let trust = trust_of(resources, &seed.workspace, lapse.as_ref());
    let mut world = World::load(&resources.files, &seed.variables, Some((root.path(), trust)))
        .map_err(|error| config_error(&error))?;
    let id: SessionId = ids::new(&*resources.entropy);
    let mut state = State::new(id, 1);
    let mut wanted = seed.settings.clone();
    if let Some(Origin { state: parent, .. }) = &seed.origin {
        state.transcript = Arc::clone(&parent.transcript);
        // A session's own trust was given to that session alone.
        wanted = merge(&Settings { trust: None, ..parent.settings.clone() }, wanted);
        if seed.variables.is_empty() {
            world.keep_children(&parent.environment);
        }
    }
    let created = SessionCreated {
        workspace: seed.workspace,
        settings: world.effective(&wanted),
        environment: world.environment.children.clone(),
        title: seed.title,
        parent: seed.origin.as_ref().map(|origin| origin.parent.clone()),
        at: seed.origin.as_ref().map(|origin| origin.at),
        ephemeral: seed.ephemeral,
    };
    let channel = mpsc::channel(COMMANDS_LEN_MAX);
    let handle = SessionHandle { id: state.id.clone(), commands: channel.0.clone() };
    let mut actor = Actor::new(Arc::clone(resources), state, Arc::new(root), world, channel);
    actor.check_profile(&created.settings)?;
    actor.check_model(&seed.settings)?;
    let untold = resources.files.untold(&actor.world.warnings).into_iter();
    let machine = untold.map(|message| Fact::new(Notice { kind: "config".to_owned(), message })).collect();
    let mut beside = Beside { create: true, machine, ..Beside::default() };
    if created.ephemeral == Some(true) {
        actor.state.ephemeral = true;
        beside.items.push(ephemeral_item(&actor.state.id, false));
    }
    let question = if trust.reads_configuration() {
        None
    } else {
        actor.state.settings.profile.clone_from(&created.settings.profile);
        Some(actor.ask_trust(lapse.as_ref()).await)
    };
    let (mut private, mut context) = (None, None);
    if let Some(origin) = &seed.origin {
        private = Some(fork::store(resources, &actor.state.id, origin).await?);
        // The same model is sent the same beginning, byte for byte.
        context =
            origin.state.context.clone().filter(|set| Some(&set.model) == created.settings.model.as_ref());
    }
    let begins = Fact { body: created.into(), private };
    let context = context.map(|set| Fact::new(ContextSet { generation: 1, ..set }));
    let facts = [begins].into_iter().chain(context).chain(question).collect();
    if let Some(lapse) = &lapse {
        lapse.record(&mut beside);
    }
    actor.commit_with(facts, beside).await.map_err(|error| storage(&error))?;
    if let Some(lapse) = &lapse {
        lapse.settle(resources, &actor.root);
    }
    Ok(Live { handle, task: task::spawn(actor.run(leave)) })
}

/// Loads a session from the journal, with what clients brought to it before, and drives on what it left open.
pub(crate) async fn load(
    resources: &Arc<Resources>,
    id: SessionId,
    brought: &Variables,
    leave: CancellationToken,
) -> Result<Live, RpcError> {
    let (mut state, ends) = fork::fold(resources, &id, None).await?;
    state.head = ends.head;
    let workspace = state.listed.item.workspace.clone();
    let path = uri::to_path(&workspace).ok_or_else(|| {
        RpcError::new(ErrorKind::WorkspaceNotFound, format!("{workspace} names no workspace on this machine"))
    })?;
    let root = open_root(&path)?;
    let trust = resources.standing.trust_of(&state.listed.item.workspace);
    let mut world = World::load(&resources.files, brought, Some((root.path(), trust)))
        .map_err(|error| config_error(&error))?;
    if brought.is_empty() {
        world.keep_children(&state.environment);
    }
    let channel = mpsc::channel(COMMANDS_LEN_MAX);
    let handle = SessionHandle { id: state.id.clone(), commands: channel.0.clone() };
    let mut actor = Actor::new(Arc::clone(resources), state, Arc::new(root), world, channel);
    actor.brought.clone_from(brought);
    actor.take_up_untold().await.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))?;
    actor.recover().await.map_err(|error| storage(&error))?;
    actor.check_trust().await.map_err(|error| storage(&error))?;
    // Trust may have been given while nobody was here.
    actor.resolve_trust().await.map_err(|error| storage(&error))?;
    Ok(Live { handle, task: task::spawn(actor.run(leave)) })
}

/// Returns the entry of a session of which nothing is kept, and whether the next agent goes on with it.
pub(crate) fn ephemeral_item(id: &SessionId, is_handed_over: bool) -> ItemWrite {
    ItemWrite {
        kind: ItemKind::Ephemeral,
        id: id.to_string(),
        group: String::new(),
        json: Some(is_handed_over.to_string()),
    }
}

fn open_root(path: &std::path::Path) -> Result<Root, RpcError> {
    Root::open(path).map_err(|error| {
        RpcError::new(
            ErrorKind::WorkspaceNotFound,
            format!("workspace {} cannot be opened: {error}", path.display()),
        )
    })
}

/// Returns a wrong configuration as clients are told it.
pub(crate) fn config_error(error: &crate::config::error::ConfigError) -> RpcError {
    let told = RpcError::new(ErrorKind::InvalidConfig, error.to_string());
    let told = match error.file() {
        Some(file) => told.with("file", file.display().to_string()),
        None => told,
    };
    match error.line() {
        Some(line) => told.with("line", line),
        None => told,
    }
}

impl Actor {
    /// Takes the variables that a client brought; none change nothing.
    pub(crate) fn bring(&mut self, variables: Variables) {
        if !variables.is_empty() {
            // What this client does not bring stays: another one's key is not taken away in the middle of a turn.
            self.brought.extend(variables);
            self.refresh_world();
        }
    }

    /// Reads the configuration anew. What cannot be read leaves the last good one in force, and a turn that runs keeps what
    /// it started with, stored keys aside.
    pub(crate) fn refresh_world(&mut self) {
        let trust = self.resources.standing.trust_of(&self.state.listed.item.workspace);
        let own = trust.reads_configuration().then(|| self.root.path());
        let looked = self.resources.files.look(own).map(|now| {
            let keeps = self.turn.is_some() && now.workspace.is_some() == self.world.good.workspace.is_some();
            if keeps { Good { credentials: now.credentials, ..self.world.good.clone() } } else { now }
        });
        match looked.and_then(|good| World::of(good, &self.brought)) {
            Ok(mut world) => {
                if self.brought.is_empty() {
                    world.keep_children(&self.state.environment);
                }
                self.provider = None;
                self.world = world;
            }
            Err(error) => {
                tracing::warn!(session = %self.state.id, %error, "the configuration stays as it was");
            }
        }
    }
}
