//! `tenon completions`. Not here: the commands; they are read off the command line's own definition.
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Arguments;
use crate::cli::config;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;
use crate::config::environment;

/// The arguments of `tenon completions`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "tenon", &mut script);
    if args.shell == Shell::Fish {
        script.extend(config::completed_in_fish().bytes());
    }
    let terminal = Terminal::of(&environment::ambient(), false);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
