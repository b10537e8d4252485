//! The composition root: takes the state directory, opens the journal, and puts daemon, router and carriers together.
//!
//! It is a module of its own so that `cli` reaches the agent through one function and no module below has to know the ones
//! above it.
//!
//! Not here: what any of the parts does.
//!
//! Imports: wire, router, handlers, daemon, journal, process, config, base
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::causes;
use crate::base::clock::{SharedClock, SystemClock};
use crate::base::ids::SystemEntropy;
use crate::base::task::{self, Task};
use crate::config::address::ListenAddress;
use crate::config::environment::Variables;
use crate::config::error::ConfigError;
use crate::config::layer::Source;
use crate::config::paths::Paths;
use crate::config::resolve::Layers;
use crate::config::{self, Config};
use crate::daemon::owner::{Owner, OwnerError};
use crate::daemon::{Daemon, Parts};
use crate::journal::{Journal, OpenError, ReadError};
use crate::process::{Build, Daemonised, Spawner, Supervisor, harden};
use crate::router;
use crate::wire::http::{HttpError, HttpOptions, Listener};
use crate::wire::server::Server;
use crate::wire::socket::{self, Socket, SocketError};
use crate::wire::stdio::Stdio;

// The façade towards `cli`, which sees no router.
pub(crate) use crate::router::published;

/// Threads of the runtime: one carries the connections and turns of a person, the second the other session.
const WORKERS: usize = 2;

/// How long connections may take to end when the daemon leaves; a client that hangs must not hold it.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long a lock is waited for that nobody listens behind: longer than a daemon takes from its last word to its end.
const GIVING_BACK: Duration = Duration::from_secs(3);

/// How often it is tried.
const GIVING_BACK_PAUSE: Duration = Duration::from_millis(5);

/// How to serve.
#[derive(Debug)]
pub(crate) struct ServeOptions {
    /// Where things are.
    pub(crate) paths: Paths,
    /// The starter's variables: they decide how long the daemon lingers, and nothing else.
    pub(crate) variables: Variables,
    /// Whether standard input and output are a connection, with which the daemon ends.
    pub(crate) stdio: bool,
    /// Where HTTP is served, if anywhere.
    pub(crate) listen: Option<Listen>,
    /// The starter that waits for word; the daemon leaves by itself then.
    pub(crate) ready: Option<Daemonised>,
}

/// Where HTTP is served.
#[derive(Debug)]
pub(crate) struct Listen {
    /// The address. Whoever names one that is no loopback address has said that other machines may connect.
    pub(crate) address: ListenAddress,
    /// Whether there is to be no daemon without it.
    pub(crate) is_required: bool,
}

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// Somebody else is it.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nobody could connect.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// HTTP was asked for, and cannot be served.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The system refused.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// The method table has a name twice.
    #[error("the method table is wrong: {0}")]
    Methods(String),
}

/// Serves until the daemon has to leave, and returns when the state directory is free.
pub(crate) fn serve(options: ServeOptions) -> Result<(), ServeError> {
    let hardened = harden();
    let stdio = if options.stdio {
        Some(Stdio::take_over().map_err(io_error("take over standard output"))?)
    } else {
        None
    };
    let clock: SharedClock = Arc::new(SystemClock);
    let mut ready = options.ready;
    let owned = own(&options.paths, &clock);
    let (owner, journal) = match owned {
        Ok(owned) => owned,
        Err(ServeError::Owner(taken @ OwnerError::Taken { .. })) => {
            // Somebody was faster: the starter's client finds that one.
            if let Some(ready) = ready.take() {
                ready.ready();
                return Ok(());
            }
            return Err(taken.into());
        }
        Err(error) => {
            if let Some(ready) = ready.take() {
                ready.failed(&causes::told(&error));
            }
            return Err(error);
        }
    };
    let records_dir = records_dir(&options.paths)?;
    // Before this daemon makes any; they are removed once it listens.
    let copies = copies_left(&records_dir);
    let supervisor = Supervisor::this_program().with_descriptors_max(hardened.descriptors_before);
    let parts = Parts {
        records_dir,
        build: Build::of_this_program(),
        path: options.variables.get("PATH").cloned().unwrap_or_default(),
        paths: options.paths,
        journal,
        spawner: Arc::new(Spawner::start(supervisor)),
        clock: Arc::clone(&clock),
        entropy: Arc::new(SystemEntropy),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(io_error("start the runtime"))?;
    let served = runtime.block_on(run(parts, options.variables, options.listen, stdio, ready, copies));
    runtime.shutdown_timeout(FAREWELL);
    drop(owner);
    served
}

/// Takes the state directory and opens its journal.
fn own(paths: &Paths, clock: &SharedClock) -> Result<(Owner, Journal), ServeError> {
    make_private(&paths.state_dir).map_err(io_error("make the state directory"))?;
    let owner = take(paths, clock)?;
    let journal = Journal::open(&paths.state_dir, Arc::clone(clock))?;
    Ok((owner, journal))
}

/// Takes the lock. One that nobody listens behind is about to be given back by a daemon that leaves, or belongs to one that
/// just starts: then it is waited for a little, so that a hand-over has no gap and a start that lost knows it.
fn take(paths: &Paths, clock: &SharedClock) -> Result<Owner, OwnerError> {
    let deadline = Instant::now() + GIVING_BACK;
    loop {
        match Owner::take(&paths.lock(), &clock.now().to_rfc3339()) {
            Err(OwnerError::Taken { .. })
                if Instant::now() < deadline && !socket::is_listening(&paths.state_dir) =>
            {
                std::thread::sleep(GIVING_BACK_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// Starts what a daemon does beside its connections. Dropping the tasks ends it.
fn keep(daemon: &Daemon, unload: Duration) -> [Task<()>; 5] {
    let daemon = || daemon.clone();
    let (recovers, configures, watches, parts, unloads) = (daemon(), daemon(), daemon(), daemon(), daemon());
    [
        task::spawn(async move {
            // What is decided from then on depends on it.
            recovers.find_sandbox().await;
            tokio::join!(recovers.recover(), recovers.probe());
        }),
        task::spawn(async move { configures.keep_configuration().await }),
        task::spawn(async move {
            watches.probe().await;
            watches.tell_itself().await;
            watches.keep_health().await;
        }),
        task::spawn(async move { parts.keep_ephemeral().await }),
        task::spawn(async move { unloads.keep_sessions(unload).await }),
    ]
}

async fn run(
    parts: Parts,
    variables: Variables,
    listen: Option<Listen>,
    stdio: Option<Stdio>,
    ready: Option<Daemonised>,
    copies: Vec<PathBuf>,
) -> Result<(), ServeError> {
    let (paths, clock) = (parts.paths.clone(), Arc::clone(&parts.clock));
    let config::Daemon { linger_s, unload_s, accept_user_namespace, origins, .. } =
        settings(&paths, &variables);
    let linger = ready.is_some().then(|| Duration::from_secs(linger_s));
    let daemon = Daemon::new(parts).await?;
    daemon.delete_left_behind().await;
    let router = router::methods::router(&daemon).map_err(|error| ServeError::Methods(error.to_string()))?;
    let server = Server::new(router, Arc::clone(&clock));
    let socket = Socket::bind(&paths.state_dir, accept_user_namespace)?;
    let http = listen_http(listen, origins, &paths).await?;
    tracing::info!(socket = %socket.path().display(), pid = std::process::id(), "listening");
    let mut listening = {
        let (server, daemon) = (server.clone(), daemon.clone());
        task::spawn(async move {
            // Whoever connects meanwhile waits: the handshake tells what there is.
            daemon.find_sandbox().await;
            server.listen(socket).await;
        })
    };
    let listening_http = http.map(|listener| {
        let (server, daemon) = (server.clone(), daemon.clone());
        task::spawn(async move {
            daemon.find_sandbox().await;
            server.listen_http(listener).await;
        })
    });
    if let Some(ready) = ready {
        ready.ready();
    }
    drop(tokio::task::spawn_blocking(move || remove_copies(&copies)));
    let keeping = keep(&daemon, Duration::from_secs(unload_s));
    match stdio {
        Some(stdio) => {
            daemon.find_sandbox().await;
            tokio::select! {
                ended = server.serve_stdio(stdio) => {
                    ended.map_err(io_error("serve standard input and output"))?;
                    daemon.rest().await;
                }
                () = daemon.leaving(None) => {}
            }
        }
        None => daemon.leaving(linger).await,
    }
    tracing::info!("leaving");
    drop(keeping);
    if daemon.has_heir() {
        server.hand_over();
    } else {
        server.stop();
    }
    tokio::select! {
        _ended = &mut listening => {}
        () = clock.sleep(FAREWELL) => {}
    }
    drop((listening, listening_http));
    daemon.stop_sessions().await;
    daemon.part_with_ephemeral().await;
    daemon.close_journal().await;
    Ok(())
}

/// Listens for HTTP, if that is wanted.
async fn listen_http(
    listen: Option<Listen>,
    origins: Vec<String>,
    paths: &Paths,
) -> Result<Option<Listener>, ServeError> {
    let run = paths.run_dir();
    Listener::forget(&run);
    let Some(Listen { address, is_required }) = listen else { return Ok(None) };
    let options =
        HttpOptions { is_remote: !address.is_loopback(), host: address.host, port: address.port, origins };
    match Listener::bind(options, &run).await {
        Ok(listener) => {
            tracing::info!(http = %format!("http://{}/", listener.address()), "listening");
            Ok(Some(listener))
        }
        Err(error) if is_required => Err(error.into()),
        Err(error) => {
            tracing::warn!(error = %causes::told(&error), "HTTP is not served");
            Ok(None)
        }
    }
}

/// Returns how the daemon is to behave. A configuration that cannot be read is told by whoever opens a session; here the
/// defaults do.
fn settings(paths: &Paths, variables: &Variables) -> config::Daemon {
    let config = load_config(paths, variables).unwrap_or_else(|error| {
        tracing::warn!(%error, "the configuration is not read");
        Config::default()
    });
    config.daemon
}

fn load_config(paths: &Paths, variables: &Variables) -> Result<Config, ConfigError> {
    let user = Source::read(&paths.config_file)?;
    let layers = Layers { user, environment: variables.clone(), ..Layers::default() };
    layers.resolve().map(|resolved| resolved.config)
}

/// Returns the directory of the commands' records, made if it is missing. What lies there belongs to commands of an earlier
/// daemon, which are dead by now.
fn records_dir(paths: &Paths) -> Result<PathBuf, ServeError> {
    let directory = paths.run_dir().join("calls");
    make_private(&directory).map_err(io_error("make the directory of records"))?;
    Ok(directory)
}

/// Returns the copies in which tests ran that an earlier daemon left: large, and none outlives the daemon that made it.
fn copies_left(records_dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(records_dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "tests")).collect()
}

/// Blocks, and takes as long as the copies are large.
fn remove_copies(copies: &[PathBuf]) {
    for copy in copies {
        if let Err(error) = std::fs::remove_dir_all(copy) {
            tracing::warn!(%error, "a copy of an earlier daemon stays");
        }
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> ServeError {
    move |source| ServeError::Io { what, source }
}
