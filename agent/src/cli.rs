//! Arguments, one file per subcommand, rendering to a terminal, exit codes.
//!
//! Not here: anything the protocol cannot do; the agent is reached through `tenon-client` alone (plus `serve`).
//!
//! Imports: serve, sandbox, process, protocol, config, base
mod apply;
mod attach;
mod auth;
mod completions;
mod config;
mod conformance;
mod demo;
mod diff;
mod doctor;
mod duration;
mod exit;
mod failure;
mod fetch;
mod foreign;
mod jobs;
mod listing;
mod log;
mod models;
mod observe;
mod pending;
mod plan;
mod requests;
mod revert;
mod rpc;
mod rules;
mod run;
mod schema;
mod secret;
mod serve;
mod sessions;
mod stop;
mod surroundings;
mod table;
mod terminal;
mod testing;
mod tools;
mod trust;
mod which;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;
use crate::config::environment;
use crate::process;
use crate::sandbox;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "tenon",
    version,
    about = "A coding agent: one process per user, one protocol, many clients.",
    after_help = exit::help(),
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The subcommands, in the order of the help.
#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one turn and prints the answer
    Run(Box<run::RunArgs>),
    /// Plans: the edits are staged, and nothing is written before `tenon apply`; without a goal lists the plans
    Plan(Box<plan::PlanArgs>),
    /// Writes a plan, or the steps, files and hunks that are chosen of it
    Apply(apply::ApplyArgs),
    /// Lists sessions, newest first
    Sessions(sessions::SessionsArgs),
    /// Prints what happened in a session
    Log(log::LogArgs),
    /// Shows what a session changed, as a patch
    Diff(diff::DiffArgs),
    /// Takes back what the agent did to files, and leaves what you wrote
    Revert(Box<revert::RevertArgs>),
    /// Prints a large content that a log names by its reference
    Fetch(fetch::FetchArgs),
    /// Prints what happens in a session, as it happens
    Observe(observe::ObserveArgs),
    /// Lists questions that wait for an answer, or answers one
    Requests(requests::RequestsArgs),
    /// Lists messages that wait for their turn, or changes one
    Pending(pending::PendingArgs),
    /// Lists running commands of your own, runs one, and comes back to it
    Jobs(jobs::JobsArgs),
    /// Lists models
    Models(models::ModelsArgs),
    /// Lists the tools the model has
    Tools(tools::ToolsArgs),
    /// Sends one request of the protocol and prints its result
    Rpc(rpc::RpcArgs),
    /// Prints the schema of the protocol that this build speaks
    Schema(schema::SchemaArgs),
    /// Connects standard input and output with the agent: what editors start
    Attach(attach::AttachArgs),
    /// Would speak the Agent Client Protocol: not in this build, it says so and fails
    Acp(foreign::ForeignArgs),
    /// Would speak plain LSP: not in this build, it says so and fails
    Lsp(foreign::ForeignArgs),
    /// Runs the agent itself, in the foreground
    Serve(serve::ServeArgs),
    /// Lets the agent leave, and waits until it has
    Stop(stop::StopArgs),
    /// Explains what is known about this installation
    Doctor(doctor::DoctorArgs),
    /// Tells which provider has a key, and logs in and out
    Auth(auth::AuthArgs),
    /// Reads, writes and explains the configuration
    Config(config::ConfigArgs),
    /// Trusts the workspace: its configuration is read, its profile not capped
    Trust(trust::TrustArgs),
    /// Lists the rules and grants that stand here, and takes grants back
    Rules(rules::RulesArgs),
    /// Shows the agent at work on a sample project, without key or network
    Demo(demo::DemoArgs),
    /// Plays the protocol's published vectors against an agent
    Conformance(conformance::ConformanceArgs),
    /// Prints completions for a shell
    Completions(completions::CompletionsArgs),
    /// Tests the demonstration's sample project
    #[command(name = demo::TEST_COMMAND, hide = true)]
    DemoTest(demo::TestArgs),
}

/// Runs the command line and returns how the process ends.
pub fn main() -> ExitCode {
    if let Some(code) = between() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are such errors too, and go to standard output.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut no_color = false;
    let outcome = match arguments.command {
        None => help(),
        Some(command) => {
            no_color = command.no_color();
            command.run()
        }
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report(Terminal::of(&environment::ambient(), no_color));
            failure.exit().into()
        }
    }
}

/// Is what stands between the agent and a command, where this process was started as that. It is looked for before anything else:
/// to build the table of what a person can type takes as long as starting the command.
fn between() -> Option<ExitCode> {
    let words: Vec<_> = std::env::args_os().skip(1).take(3).collect();
    match words.iter().map(|word| word.to_str()).collect::<Option<Vec<_>>>()?.as_slice() {
        [process::SUPERVISE] => Some(process::supervise_main()),
        [process::CONFINE, order, stderr] => {
            Some(sandbox::confine_main(order.parse().ok()?, stderr.parse().ok()?))
        }
        _ => None,
    }
}

impl Command {
    /// Whether colours were declined.
    fn no_color(&self) -> bool {
        if let Self::Run(args) = self {
            args.no_color
        } else if let Self::Plan(args) = self {
            args.run.no_color
        } else {
            matches!(self, Self::Demo(args) if args.no_color)
                || matches!(self, Self::Diff(args) if args.no_color)
                || matches!(self, Self::Apply(args) if args.no_color)
                || matches!(self, Self::Revert(args) if args.no_color)
        }
    }

    fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::Run(args) => run::run(&args),
            Self::Plan(args) => plan::run(&args),
            Self::Apply(args) => apply::run(&args),
            Self::Sessions(args) => sessions::run(&args),
            Self::Log(args) => log::run(&args),
            Self::Diff(args) => diff::run(&args),
            Self::Revert(args) => revert::run(&args),
            Self::Fetch(args) => fetch::run(&args),
            Self::Observe(args) => observe::run(&args),
            Self::Requests(args) => requests::run(&args),
            Self::Pending(args) => pending::run(&args),
            Self::Jobs(args) => jobs::run(&args),
            Self::Models(args) => models::run(&args),
            Self::Tools(args) => tools::run(&args),
            Self::Rpc(args) => rpc::run(&args),
            Self::Schema(args) => schema::run(&args),
            Self::Attach(args) => attach::run(&args),
            Self::Acp(_) => foreign::run("the Agent Client Protocol"),
            Self::Lsp(_) => foreign::run("plain LSP"),
            Self::Serve(args) => serve::run(&args),
            Self::Stop(args) => stop::run(&args),
            Self::Doctor(args) => doctor::run(&args),
            Self::Auth(args) => auth::run(&args),
            Self::Config(args) => config::run(&args),
            Self::Trust(args) => trust::run(&args),
            Self::Rules(args) => rules::run(&args),
            Self::Demo(args) => demo::run(&args),
            Self::Conformance(args) => conformance::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::DemoTest(args) => demo::test(&args),
        }
    }
}

fn help() -> Result<Exit, Failure> {
    let terminal = Terminal::of(&environment::ambient(), false);
    terminal.print(&Arguments::command().render_help().to_string())?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
