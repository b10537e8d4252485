//! `tenon revert`: takes back what the agent did. It is shown before it is done. Not here: what goes back, which the agent decides.
mod shown;
mod target;

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use tenon_client::Client;
use tenon_protocol::apply::{
    ChangeItem, RevertChoice, RevertParams, RevertResult, RevertScope, RevertTo, Selected,
};
use tenon_protocol::json::Json;
use tenon_protocol::methods::Revert;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::revert::shown::Shown;
use crate::cli::revert::target::{Places, Selection, Target};
use crate::cli::run::person::Person;
use crate::cli::sessions::short_time;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};
use crate::cli::which::session_or_newest;

/// Files of a change that are named in a list.
const LISTED_FILES_MAX: usize = 3;

/// The arguments of `tenon revert`.
#[derive(Args, Debug)]
#[command(after_help = "\
Only what the agent did goes back: lines that you wrote since stay, and where that cannot be, nothing is written and the \
files are named. Going back is a change too and can be taken back: the checkpoint to do so is printed.

The target is an id (a turn t_…, a change c_…, a job j_…; a checkpoint k_… takes back everything from there on), turn:-1 for the last \
turn that changed files, turn:-2 for the one before, change:-1 for the last change, or seq:N for everything after event N.

What was changed while a job ran, or a command without a layer over the workspace, may be yours: it stays unless --overwrite \
names it.

Ends with 1 where something is in the way, --dry-run included.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct RevertArgs {
    /// What to take back
    #[arg(value_name = "TARGET", default_value = "turn:-1", value_parser = target::parse)]
    target: Target,
    /// The session; the newest of the workspace if absent
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only this file, or only these of its hunks; can be given several times
    #[arg(long, value_name = "PATH[:HUNKS]", value_parser = target::selection)]
    select: Vec<Selection>,
    /// What goes back
    #[arg(long, value_name = "WHAT", default_value = "files", value_parser = ["files", "conversation", "both"])]
    scope: String,
    /// Takes back what nothing is in the way of, and leaves the rest
    #[arg(long)]
    partial: bool,
    /// Leaves this file as it is, or what is in the way beneath this folder
    #[arg(long, value_name = "PATH")]
    keep: Vec<String>,
    /// Brings back this file whatever was done to it since, or what is in the way beneath this folder; what is there now is kept,
    /// and where is printed
    #[arg(long, value_name = "PATH")]
    overwrite: Vec<String>,
    /// Only shows what would happen
    #[arg(long)]
    dry_run: bool,
    /// Does not ask
    #[arg(long, short)]
    yes: bool,
    /// Lists the changes of the session, newest first
    #[arg(long, conflicts_with_all = ["select", "partial", "keep", "overwrite", "dry_run", "yes"])]
    list: bool,
    /// Prints the answer as one JSON object, and asks nothing
    #[arg(long)]
    json: bool,
    /// Prints without colours
    #[arg(long)]
    pub(super) no_color: bool,
}

/// Runs the command.
pub(crate) fn run(args: &RevertArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, args.no_color);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let session = session_or_newest(&client, &surroundings, args.session.as_deref()).await?;
        if args.list {
            return list(&client, terminal, &session, args.json).await;
        }
        let places = Places::of(&surroundings)?;
        let to = target::resolve(&client, &session, &args.target).await?;
        let mut params = params(args, &places, &session, to)?;
        params.resolve = resolve(&client, args, &places, &params).await?;
        revert(&client, terminal, args, params).await
    })
}

fn params(args: &RevertArgs, places: &Places, session: &str, to: RevertTo) -> Result<RevertParams, Failure> {
    let select = args.select.iter().map(|wanted| {
        let path = places.relative(&wanted.path)?;
        Ok(Selected { path, hunks: wanted.hunks.clone(), path_encoded: None })
    });
    let select = select.collect::<Result<Vec<_>, Failure>>()?;
    Ok(RevertParams {
        session_id: session.into(),
        to,
        select: (!select.is_empty()).then_some(select),
        scope: Some(match args.scope.as_str() {
            "conversation" => RevertScope::Conversation,
            "both" => RevertScope::Both,
            _ => RevertScope::Files,
        }),
        partial: (args.partial && args.scope != "conversation").then_some(true),
        dry_run: Some(true),
        resolve: None,
    })
}

/// Returns what was chosen, by file: a folder stands for what is in the way beneath it.
async fn resolve(
    client: &Client,
    args: &RevertArgs,
    places: &Places,
    params: &RevertParams,
) -> Result<Option<BTreeMap<String, RevertChoice>>, Failure> {
    if args.keep.is_empty() && args.overwrite.is_empty() {
        return Ok(None);
    }
    let conflicts = client.call::<Revert>(params).await?.conflicts;
    let mut resolve = BTreeMap::new();
    for (paths, choice) in
        [(&args.overwrite, RevertChoice::OursAfterBackup), (&args.keep, RevertChoice::Keep)]
    {
        for path in paths {
            let path = places.within(path)?;
            let is_beneath = |name: &str| Path::new(name).starts_with(&path) && name != path;
            let beneath = conflicts.iter().filter(|conflict| is_beneath(&conflict.path));
            let count = resolve.len();
            resolve.extend(beneath.map(|conflict| (conflict.path.clone(), choice)));
            // The agent knows whether there is such a file.
            if resolve.len() == count && !path.is_empty() {
                resolve.insert(path, choice);
            }
        }
    }
    Ok((!resolve.is_empty()).then_some(resolve))
}

/// Asks the agent what would happen, shows it, and lets it happen.
async fn revert(
    client: &Client,
    terminal: Terminal,
    args: &RevertArgs,
    mut params: RevertParams,
) -> Result<Exit, Failure> {
    let foreseen = client.call::<Revert>(&params).await?;
    let is_blocked = !foreseen.conflicts.is_empty() && !args.partial;
    let does_nothing = foreseen.restored.is_empty() && params.scope == Some(RevertScope::Files);
    let shown = Shown { client, terminal: terminal.all_on_output(), target: args.target.to_string() };
    if args.dry_run || is_blocked || does_nothing {
        let exit = if is_blocked { Exit::Failed } else { Exit::Done };
        if args.json {
            return print_json(terminal, &foreseen).map(|()| exit);
        }
        shown.foreseen(&foreseen, params.scope).await?;
        return if is_blocked { Err(shown.refusal(&foreseen)) } else { Ok(exit) };
    }
    if !args.json {
        shown.foreseen(&foreseen, params.scope).await?;
        if !args.yes && !agrees(terminal).await {
            return Err(Failure::failed("nothing was changed"));
        }
    }
    params.dry_run = None;
    let done = client.call::<Revert>(&params).await?;
    if args.json {
        print_json(terminal, &done)?;
    } else {
        shown.done(&done)?;
    }
    Ok(Exit::Done)
}

/// Asks the person; where nobody can be asked, the command itself is the answer.
async fn agrees(terminal: Terminal) -> bool {
    let Some(mut person) = Person::find(terminal, false) else { return true };
    terminal.note_part(&format!("{} [y/n] ", terminal.bold("Take this back?")));
    person.ask();
    let answer = person.line().await.unwrap_or_default();
    matches!(answer.trim(), "y" | "Y" | "yes")
}

fn print_json(terminal: Terminal, result: &RevertResult) -> Result<(), Failure> {
    terminal.line(&Json::from_serialize(result).0.to_string())?;
    Ok(())
}

async fn list(client: &Client, terminal: Terminal, session: &str, json: bool) -> Result<Exit, Failure> {
    let wanted = Wanted { kind: "change", session: Some(session.to_owned()), filter: None };
    let items = listing::read(client, &wanted).await?;
    let headings = ["CHANGE", "CHECKPOINT BEFORE IT", "TURN OR JOB", "WHEN", "FILES"];
    listing::print(terminal, &items, json, &headings, "the session changed no files", |item: ChangeItem| {
        let named = item.files.iter().take(LISTED_FILES_MAX).map(|file| safe_line(&file.path));
        let mut files = named.collect::<Vec<_>>().join(", ");
        if item.files.len() > LISTED_FILES_MAX {
            files = format!("{files} and {} more", item.files.len() - LISTED_FILES_MAX);
        }
        let job = item.job_id.map(|job| job.to_string());
        let turn = item.turn.map(|turn| turn.to_string()).or(job).unwrap_or_default();
        vec![item.id.to_string(), item.checkpoint_id.to_string(), turn, short_time(&item.at), files]
    })?;
    Ok(Exit::Done)
}
