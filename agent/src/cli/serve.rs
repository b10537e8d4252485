//! `tenon serve`: this process becomes the agent. Not here: what the agent does (`serve` and below).
mod lines;

use std::path::Path;

use clap::Args;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, sentence};
use crate::cli::serve::lines::Lines;
use crate::cli::surroundings::Surroundings;
use crate::config::address::ListenAddress;
use crate::process::Daemonised;
use crate::serve::{Listen, ServeOptions, serve};

/// The arguments of `tenon serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Serves standard input and output too, and ends with them when nothing runs
    #[arg(long, conflicts_with = "daemonised")]
    stdio: bool,
    /// Serves HTTP and web sockets too; port 0 lets the system choose [default: daemon.listen]
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "daemonised")]
    listen: Option<ListenAddress>,
    /// Lets other machines connect, where the address is no loopback address
    #[arg(long, conflicts_with = "daemonised")]
    allow_remote: bool,
    /// Leaves the starter; for clients that start the agent
    #[arg(long, hide = true, requires = "ready_fd")]
    daemonised: bool,
    /// Where the starter is told that connections are accepted
    #[arg(long, hide = true, value_name = "N", requires = "daemonised")]
    ready_fd: Option<i32>,
}

/// Runs the command until the agent leaves.
pub(crate) fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    // First of all: leaving the starter needs a process with one thread and nothing open.
    let ready = match args.ready_fd.filter(|_| args.daemonised) {
        Some(descriptor) => Some(leave_starter(descriptor, &surroundings.paths.log_dir())?),
        None => None,
    };
    log_to_stderr(&surroundings);
    let listen = listen(args, &surroundings)?;
    let options = ServeOptions {
        paths: surroundings.paths,
        listen,
        variables: surroundings.variables,
        stdio: args.stdio,
        ready,
    };
    serve(options).map_err(|error| Failure::failed(sentence(&error)))?;
    Ok(Exit::Done)
}

/// Returns where HTTP is served. What is configured and cannot be had ends a daemon in the foreground, with a sentence; one that
/// a client started goes without it, since the client wants something else.
fn listen(args: &ServeArgs, surroundings: &Surroundings) -> Result<Option<Listen>, Failure> {
    let configured = || surroundings.configuration().ok()?.config.daemon.listen;
    let Some(address) = args.listen.clone().or_else(configured) else { return Ok(None) };
    if address.is_loopback() || args.allow_remote {
        return Ok(Some(Listen { address, is_required: !args.daemonised }));
    }
    let message = format!("{address} is no loopback address");
    if args.daemonised {
        tracing::warn!("HTTP is not served: {message}");
        return Ok(None);
    }
    let hint = "127.0.0.1:0 is for this machine; --allow-remote lets others connect, unencrypted";
    Err(Failure::usage(format!("{message}; {hint}")))
}

fn leave_starter(descriptor: i32, log_dir: &Path) -> Result<Daemonised, Failure> {
    Daemonised::enter(descriptor, &log_dir.join("agent.log"))
        .map_err(|error| Failure::failed(sentence(&error)))
}

/// Logs go to standard error, which is the log file of a daemon; standard output may be a connection.
fn log_to_stderr(surroundings: &Surroundings) {
    let wanted = surroundings.variables.get("TENON_LOG").map_or("info", String::as_str);
    let filter = wanted.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(Lines::default()).with_ansi(false);
    let made = tracing_subscriber::registry().with(lines).with(filter).try_init();
    // Somebody was first: then there is a log already.
    drop(made);
}
