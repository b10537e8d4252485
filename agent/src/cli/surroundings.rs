//! Where a command finds itself: variables, places, directory, configuration, and the way to the agent. Not here: the
//! arguments.
use std::path::{Path, PathBuf};

use tenon_client::{Client, ClientOptions, Endpoint, Start, Waiting};
use tenon_protocol::handshake::{ClientHello, ClientInfo, DeltaWish, EventWishes, Role};
use tenon_protocol::methods::EXPERIMENTAL;
use tenon_protocol::version::PROTOCOL;

use crate::base::ids::{SystemEntropy, unique};
use crate::base::uri;
use crate::cli::failure::{Failure, sentence};
use crate::cli::terminal::Terminal;
use crate::config::Config;
use crate::config::environment::{self, Variables};
use crate::config::layer::Source;
use crate::config::paths::{Paths, workspace_root};
use crate::config::resolve::{Layers, Resolved};
use crate::process::Build;

/// Where a command finds itself.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// The variables of this process.
    pub(crate) variables: Variables,
    /// The product's places.
    pub(crate) paths: Paths,
    /// The directory the command works in, absolute.
    pub(crate) directory: PathBuf,
}

/// Whether an agent that is not there is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Starting {
    /// It is.
    OnDemand,
    /// Only one that runs is wanted.
    Never,
}

/// What a client can do for the person in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It shows text and answers nothing.
    Watching,
    /// It can also ask the person.
    Asking,
}

impl Surroundings {
    /// Looks around; `cwd` stands for the current directory where it is given.
    ///
    /// # Errors
    /// There is no such directory, or no place for the state.
    pub(crate) fn read(cwd: Option<&Path>) -> Result<Self, Failure> {
        let variables = environment::ambient();
        let paths = Paths::from_environment(&variables).map_err(|error| Failure::usage(error.to_string()))?;
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the current directory")]
        let current = std::env::current_dir();
        let directory = match (cwd, current) {
            (Some(cwd), _) => cwd.canonicalize().map_err(|error| {
                Failure::usage(format!("{} is no directory to work in: {error}", cwd.display()))
            })?,
            (None, Ok(current)) => current,
            (None, Err(error)) => {
                return Err(Failure::usage(format!("the current directory cannot be used: {error}")));
            }
        };
        Ok(Self { variables, paths, directory })
    }

    /// Returns the root of the workspace.
    ///
    /// # Errors
    /// The directory is gone, or none.
    pub(crate) fn workspace(&self) -> Result<PathBuf, Failure> {
        workspace_root(&self.directory).map_err(|error| {
            Failure::usage(format!("{} cannot be a workspace: {error}", self.directory.display()))
        })
    }

    /// Returns the root of the workspace as it is named on the wire.
    ///
    /// # Errors
    /// As `workspace`.
    pub(crate) fn workspace_uri(&self) -> Result<String, Failure> {
        self.workspace().map(|root| uri::of_path(&root))
    }

    /// Returns the configuration as far as it is known without the agent: the user's file and the variables.
    ///
    /// # Errors
    /// The file or a variable is not valid.
    pub(crate) fn configuration(&self) -> Result<Resolved, Failure> {
        let user = Source::read(&self.paths.config_file)?;
        let layers = Layers { user, environment: self.variables.clone(), ..Layers::default() };
        Ok(layers.resolve()?)
    }

    /// Returns the variables that go to the agent. A configuration that is not valid names no keys: whoever needs it to
    /// be valid asks `configuration` first.
    pub(crate) fn for_agent(&self) -> Variables {
        let config = self.configuration().map_or_else(|_| Config::default(), |resolved| resolved.config);
        environment::for_daemon(&self.variables, &config)
    }

    /// Returns where the agent is.
    pub(crate) fn endpoint(&self, starting: Starting) -> Result<Endpoint, Failure> {
        let start = match starting {
            Starting::Never => None,
            Starting::OnDemand => {
                let Build { id, at } = Build::of_this_program();
                let build = tenon_client::Build { version: env!("CARGO_PKG_VERSION").to_owned(), id, at };
                let start = Start::new(program()?, &self.variables, &self.paths.state_dir);
                Some(Start { build: Some(build), ..start })
            }
        };
        Ok(Endpoint { state_dir: self.paths.state_dir.clone(), start })
    }

    /// Connects to the agent.
    ///
    /// # Errors
    /// It cannot be reached, or started.
    pub(crate) async fn client(&self, starting: Starting, presence: Presence) -> Result<Client, Failure> {
        let options = ClientOptions {
            hello: hello(presence),
            environment: self.for_agent(),
            waiting: Some(show_waiting),
        };
        Ok(Client::connect(self.endpoint(starting)?, options).await?)
    }
}

/// Tells a person what a command waits for. Elsewhere nobody needs to know: it ends by itself.
fn show_waiting(waiting: &Waiting) {
    let terminal = Terminal::of(&environment::ambient(), false);
    if !terminal.error {
        return;
    }
    match waiting {
        // Nothing runs: it is gone before the line could be read.
        Waiting::HandOver { running: 0, .. } => {}
        Waiting::HandOver { from, running } => terminal.note(&format!(
            "an older agent (version {}, process {}) hands over: waiting for {} to come to a safe point",
            from.version,
            from.pid,
            turns(*running)
        )),
        Waiting::Kept { by } => {
            terminal.note(&format!("the older agent (process {}) is still busy: going on with it", by.pid));
        }
    }
}

/// Returns a number of turns in words.
pub(crate) fn turns(count: u64) -> String {
    if count == 1 { "a turn".to_owned() } else { format!("{count} turns") }
}

/// Returns the path of this program.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::failed(format!("this program cannot find itself: {}", sentence(&error))))
}

/// Returns this client's half of the handshake.
pub(crate) fn hello(presence: Presence) -> ClientHello {
    let mut render = serde_json::Map::new();
    let mut can = |name: &str| render.insert(name.to_owned(), serde_json::json!({}));
    can("markdown");
    can("diff");
    if presence == Presence::Asking {
        can("approval");
        can("question");
    }
    let id = unique(&SystemEntropy);
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    ClientHello {
        protocol: vec![PROTOCOL],
        client: Some(ClientInfo { id, kind: "cli".to_owned(), version }),
        role: Some(Role::Controller),
        render: Some(render),
        events: Some(EventWishes { delta: Some(DeltaWish { max_per_second: Some(30) }) }),
        experimental: Some(EXPERIMENTAL.iter().map(|(item, _)| (*item).to_owned()).collect()),
    }
}

/// Runs a client to its end, on this thread alone.
///
/// # Errors
/// What the future fails with.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime cannot be made: {error}")))?;
    let outcome = runtime.block_on(future);
    // A start that is still under way on another thread is not waited for.
    runtime.shutdown_background();
    outcome
}
