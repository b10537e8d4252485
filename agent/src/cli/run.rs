//! `tenon run`: one turn, for people, pipes and CI. Not here: anything a turn does; it only watches and answers.
//!
//! It never waits on standard input unless it is told to read it, and never for a person who is not there.
pub(crate) mod ask;
mod begin;
mod ending;
mod follow;
mod lines;
mod mentions;
pub(crate) mod patch;
pub(crate) mod person;
mod planned;
pub(crate) mod progress;
pub(in crate::cli) mod prompt;
pub(crate) mod signals;
mod text;
mod view;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tenon_protocol::open::ForkFrom;

use crate::cli::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::run::begin::Wishes;
pub(crate) use crate::cli::run::begin::newest;
use crate::cli::run::follow::{Follow, Planning};
use crate::cli::run::person::Person;
use crate::cli::run::prompt::Whose;
use crate::cli::run::signals::Signals;
use crate::cli::run::view::View;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon run`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line are independent")]
pub(crate) struct RunArgs {
    /// What to do, in any number of words; `@path` shows the agent a file or folder, `-` is the text on standard input
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,
    /// Adds the text on standard input to the prompt
    #[arg(long)]
    pub(crate) stdin: bool,
    /// Prints the protocol's events, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// The model, as PROVIDER/MODEL
    #[arg(long, value_name = "P/M")]
    pub(crate) model: Option<String>,
    /// The policy: read, review, edit, auto, full, or one of your own
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Goes on with this session
    #[arg(long, value_name = "ID", conflicts_with = "continue_newest")]
    pub(crate) session: Option<String>,
    /// Goes on in a new session that begins with this one's conversation, up to SEQ
    #[arg(long, value_name = "ID[@SEQ]", value_parser = begin::fork, conflicts_with_all = ["session", "continue_newest"])]
    pub(crate) fork: Option<ForkFrom>,
    /// Keeps nothing of the session: it is deleted when this command ends
    #[arg(long, conflicts_with_all = ["session", "continue_newest"])]
    pub(crate) ephemeral: bool,
    /// Goes on with the newest session of the workspace
    #[arg(long = "continue")]
    pub(crate) continue_newest: bool,
    /// Interrupts the turn after this time, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
    /// Ends the turn after this many steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_steps: Option<u32>,
    /// Ends the turn at this cost, in US dollars
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub(crate) max_cost: Option<f64>,
    /// Stages the edits, and writes nothing before `tenon apply`
    #[arg(long)]
    pub(crate) plan: bool,
    /// Changes this plan, by its id or as `last`, in place of making a new one
    #[arg(long, value_name = "PLAN")]
    pub(crate) revise: Option<String>,
    /// Works in this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// Prints nothing but the answer and failures
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Prints without colours
    #[arg(long)]
    pub(crate) no_color: bool,
}

fn dollars(text: &str) -> Result<f64, String> {
    let amount =
        text.trim_start_matches('$').parse::<f64>().ok().filter(|amount| *amount > 0.0 && amount.is_finite());
    amount.ok_or_else(|| "an amount above 0 expected, such as 0.50".to_owned())
}

/// Runs the command.
pub(crate) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let plans = args.plan || args.revise.is_some();
    // A plan is revised in its own session.
    work(args, plans, args.revise.is_some())
}

/// Runs the command as one that plans: in the newest session of the workspace, where there is one and none is named.
pub(crate) fn plan(args: &RunArgs, new: bool) -> Result<Exit, Failure> {
    work(args, true, !new)
}

fn work(args: &RunArgs, plans: bool, newest_or_new: bool) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.cwd.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, args.no_color);
    let is_named = args.session.is_some() || args.fork.is_some();
    let whose = if is_named { Whose::Named } else { Whose::Own };
    let prompt = prompt::read(&args.prompt, args.stdin, &surroundings, whose)?;
    let resolved = surroundings.configuration()?;
    if !args.quiet {
        for warning in &resolved.warnings {
            terminal.note(&format!("warning: {warning}"));
        }
    }
    let reads_stdin = prompt::reads_stdin(&args.prompt, args.stdin);
    let person = if args.json { None } else { Person::find(terminal, reads_stdin) };
    let wishes = Wishes {
        model: args.model.clone(),
        profile: args.profile.clone(),
        session: args.session.clone(),
        fork: args.fork.clone(),
        ephemeral: args.ephemeral,
        continue_newest: args.continue_newest,
        newest_or_new: newest_or_new && !args.ephemeral,
        max_steps: args.max_steps,
        max_cost: args.max_cost,
    };
    block_on(async {
        let presence = if person.is_some() { Presence::Asking } else { Presence::Watching };
        let mut signals = Signals::listen()?;
        let opened = async {
            let client = surroundings.client(Starting::OnDemand, presence).await?;
            let begun = begin::open(&client, &surroundings, &wishes).await?;
            Ok::<_, Failure>((client, begun))
        };
        let (client, begun) = tokio::select! {
            opened = opened => opened?,
            () = signals.next() => return Err(Failure::new(FailureKind::Interrupted, "interrupted")),
        };
        let mut view = View::new(terminal, args.json, args.quiet, args.model.is_none());
        view.opened(&begun)?;
        let planning = plans.then(|| {
            view.planning();
            Planning { revise: args.revise.clone(), terminal, quiet: args.quiet }
        });
        let follow = Follow::new(client, view, person, signals, begun, args.timeout);
        follow.turn(prompt, planning).await
    })
}
