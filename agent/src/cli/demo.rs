//! `tenon demo`: the agent, end to end, on a sample project with a scripted model. Not here: anything the agent is spared:
//! the daemon, its journal, its tools, the approvals and the test are the real ones.
//!
//! It needs no key, no network, no shell and no toolchain, and leaves nothing behind: everything, the agent's state
//! included, lives in one temporary directory.
mod play;
mod project;
mod reverted;
mod rules;
pub(crate) mod scratch;
mod staged;

use std::path::PathBuf;

use clap::Args;

use crate::cli::demo::scratch::Scratch;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::surroundings::{block_on, program};
use crate::cli::terminal::Terminal;
use crate::config::environment;

/// The subcommand that tests the sample project.
pub(crate) const TEST_COMMAND: &str = "__demo-test";

/// The arguments of `tenon demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Prints without colours
    #[arg(long)]
    pub(crate) no_color: bool,
}

/// The arguments of the sample project's test.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// The file with the expectations
    file: PathBuf,
}

/// Runs the demonstration.
pub(crate) fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let variables = environment::ambient();
    let terminal = Terminal::of(&variables, args.no_color).all_on_output();
    let program = program()?;
    let scratch = Scratch::new(&variables)?;
    project::write(scratch.directory(), &program)?;
    let outcome = block_on(play::play(&scratch, &program, &variables, terminal));
    // Also after an interrupt and a failure: the agent leaves, and the directory goes.
    scratch.clean_up(outcome.as_ref().ok().and_then(|played| played.agent))?;
    let played = outcome?;
    if played.interrupted {
        return Ok(Exit::Interrupted);
    }
    terminal.print(&project::farewell(terminal))?;
    Ok(Exit::Done)
}

/// Tests the sample project; fails as test programs do.
pub(crate) fn test(args: &TestArgs) -> Result<Exit, Failure> {
    let terminal = Terminal::of(&environment::ambient(), true);
    let report = rules::test(&args.file).map_err(Failure::usage)?;
    terminal.print(&report.text)?;
    Ok(if report.failed == 0 { Exit::Done } else { Exit::Failed })
}
