//! `tenon jobs`: the person's own commands in a session's workspace. Not here: the commands of the model.
mod follow;
mod keys;
mod screen;
mod start;

use clap::{Args, Subcommand};
use tenon_client::Client;
use tenon_protocol::ids::JobId;
use tenon_protocol::job::{JobItem, JobOp, JobParams};
use tenon_protocol::methods::Job;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::sessions::short_time;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon jobs`.
#[derive(Args, Debug)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    command: Option<JobsCommand>,
    /// Those of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum JobsCommand {
    /// Runs a command in the workspace and shows it: on a terminal keys go to it, Ctrl-C included; Ctrl-] leaves it running.
    /// Elsewhere an interrupt ends the command. Ends with the command's exit code
    Run(start::RunArgs),
    /// Shows a running job from now on, as `run` does. An interrupt without a terminal leaves it running
    Attach(AttachArgs),
    /// Types a line into a job
    Write(WriteArgs),
    /// Ends a job and everything it started
    Kill(KillArgs),
}

#[derive(Args, Debug)]
struct AttachArgs {
    /// The job
    id: String,
    /// Types standard input into it, and then the end of input
    #[arg(long)]
    stdin: bool,
}

#[derive(Args, Debug)]
struct WriteArgs {
    /// The job
    id: String,
    /// The line
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// Without the line break at the end
    #[arg(short = 'n', long)]
    no_newline: bool,
    /// The end of input behind it
    #[arg(long)]
    eof: bool,
}

#[derive(Args, Debug)]
struct KillArgs {
    /// The job
    id: String,
}

/// Runs the command.
pub(crate) fn run(args: &JobsArgs) -> Result<Exit, Failure> {
    if let Some(JobsCommand::Run(args)) = &args.command {
        return start::run(args);
    }
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        match &args.command {
            None | Some(JobsCommand::Run(_)) => list(&client, terminal, args).await,
            Some(JobsCommand::Attach(args)) => {
                let keys = keys::Keys::take(terminal, args.stdin)?;
                follow::attach(&client, terminal, args.id.as_str().into(), keys).await
            }
            Some(JobsCommand::Write(args)) => {
                let (end, eof) =
                    (if args.no_newline { "" } else { "\n" }, if args.eof { "\u{4}" } else { "" });
                let text = Some(format!("{}{end}{eof}", args.text));
                let params = JobParams { text, ..order(args.id.as_str().into(), JobOp::Write) };
                client.call::<Job>(&params).await?;
                Ok(Exit::Done)
            }
            Some(JobsCommand::Kill(args)) => {
                client.call::<Job>(&order(args.id.as_str().into(), JobOp::Kill)).await?;
                Ok(Exit::Done)
            }
        }
    })
}

async fn list(client: &Client, terminal: Terminal, args: &JobsArgs) -> Result<Exit, Failure> {
    let wanted = Wanted { kind: "job", session: args.session.clone(), filter: None };
    let items = listing::read(client, &wanted).await?;
    let headings = ["JOB", "STARTED", "WHERE", "SESSION", "COMMAND"];
    listing::print(terminal, &items, args.json, &headings, "no job runs", |item: JobItem| {
        let place = if item.background { "background" } else { "foreground" };
        let started = short_time(&item.started_at);
        vec![item.id.to_string(), started, place.to_owned(), item.session.to_string(), item.command]
    })?;
    Ok(Exit::Done)
}

/// Returns an order without anything beside it.
fn order(job_id: JobId, op: JobOp) -> JobParams {
    JobParams { job_id, op, data: None, text: None, size: None, from: None }
}
