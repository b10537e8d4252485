//! The reversed mode: the tool is the agent, and what a client sends is held against a vector. Not here: what is the same in
//! both modes (`pattern`, `stream`).
//!
//! The client is a program that runs one turn; it finds the agent where it always does, at the socket of its state
//! directory, itself or through `tenon attach`.
mod defaults;
mod play;
mod script;

use std::fs;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::cli::conformance::client::play::{Play, Start};
pub(super) use crate::cli::conformance::client::script::{Script, load};
use crate::cli::conformance::{said, write};
use crate::cli::demo::scratch::Scratch;
use crate::cli::failure::Failure;
use crate::cli::surroundings::program;
use crate::config::environment::Variables;

/// Plays a script against a fresh client in a home of its own. The inner outcome says what the client did wrong.
pub(super) fn play(
    client: &str,
    patience: Duration,
    ambient: &Variables,
    script: &Script,
) -> Result<Result<(), String>, Failure> {
    let scratch = Scratch::new(ambient)?;
    let failed = |error: std::io::Error| Failure::failed(format!("the place of the vector: {error}"));
    fs::create_dir_all(scratch.project()).map_err(failed)?;
    fs::create_dir_all(scratch.directory().join("home")).map_err(failed)?;
    write(&scratch.state_dir().join("run/README"), "the socket of an agent that is played\n")
        .map_err(failed)?;
    let listener = UnixListener::bind(scratch.state_dir().join("run/agent.sock")).map_err(failed)?;
    let mut variables = scratch.variables(ambient);
    variables.insert("TENON".to_owned(), program()?.display().to_string());
    let (workspace, errors) = (scratch.project(), scratch.directory().join("stderr"));
    let start =
        Start { command: client, workspace: &workspace, variables: &variables, errors: &errors, patience };
    let mut play = Play::new(start, listener)?;
    let outcome =
        play.steps(script).map_err(|(step, reason)| format!("step {step}: {reason}{}", said(&errors)));
    // A program that goes on is ended before its directory goes.
    drop(play);
    drop(scratch);
    Ok(outcome)
}
