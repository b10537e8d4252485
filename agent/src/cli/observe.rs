//! `tenon observe`: events as they happen. Not here: those that have happened (`log`), though it can begin with them.
use clap::Args;
use tenon_client::{ClientError, Item, ObserveOptions};
use tenon_protocol::event::Envelope;
use tenon_protocol::json::Json;
use tenon_protocol::log::After;
use tenon_protocol::signal::Provisional;

use crate::cli::diff::mark;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::log::person;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};
use crate::cli::which::{Which, session_or_newest};

/// Files that are named in the line of a command that runs.
const NAMED_MAX: usize = 5;

/// The arguments of `tenon observe`.
#[derive(Args, Debug)]
pub(crate) struct ObserveArgs {
    #[command(flatten)]
    which: Which,
    /// Begins behind this place: a cursor such as 1.42, `start` or `now`
    #[arg(long, value_name = "CURSOR", default_value = "now", value_parser = after)]
    after: After,
    /// Shows the turns and requests of its forks too, and of theirs
    #[arg(long)]
    tree: bool,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

fn after(text: &str) -> Result<After, String> {
    match text {
        "start" => Ok(After::Start),
        "now" => Ok(After::Now),
        cursor => cursor
            .parse()
            .map(After::Cursor)
            .map_err(|error: tenon_protocol::cursor::NotACursor| error.to_string()),
    }
}

/// Returns an event as a line for people, which says whose it is where it is a descendant's.
fn line(event: &Envelope, session: &str) -> String {
    match event.session.as_deref().filter(|whose| *whose != session) {
        Some(descendant) => format!("{}  [in {}]", person(event), safe_line(descendant)),
        None => person(event),
    }
}

/// Returns what a command that runs has changed so far as a line for people.
fn so_far(files: &[Provisional], more: Option<u64>) -> String {
    if files.is_empty() {
        return "so far the running command changes nothing".to_owned();
    }
    let named = files.iter().take(NAMED_MAX);
    let named: Vec<String> =
        named.map(|file| format!("{} {}", mark(&file.op), safe_line(&file.path))).collect();
    let more = more.unwrap_or_default() + (files.len() - named.len()) as u64;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("so far the running command changes {}{more}", named.join(", "))
}

/// Runs the command; it ends when it is interrupted or the agent leaves.
pub(crate) fn run(args: &ObserveArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let session = session_or_newest(&client, &surroundings, args.which.name()).await?;
        // For people: what a command that runs has changed so far. Text that grows comes whole with its event.
        let options =
            ObserveOptions { delta: Some(!args.json), tree: args.tree, ..ObserveOptions::default() };
        let mut events = client.observe(&session, args.after, options).await?;
        let mut seen = false;
        loop {
            match events.next().await {
                Ok(Item::Event(event)) => {
                    seen = true;
                    let json = || Json::from_serialize(&event).0.to_string();
                    terminal.line(&if args.json { json() } else { line(&event, &session) })?;
                }
                Ok(Item::Reset(reset)) if seen => terminal.note(&format!(
                    "events were lost at the agent: what follows begins behind {}",
                    reset.cursor
                )),
                Ok(Item::Reset(reset)) => {
                    let failure = Failure::failed("the log does not have this place");
                    let ends = format!("it ends at {}; `--after start` shows all of it", reset.cursor);
                    return Err(failure.hint(ends));
                }
                Ok(Item::Delta(delta)) => {
                    if let Some(files) = &delta.files {
                        terminal.line(&terminal.faint(&so_far(files, delta.more)))?;
                    }
                }
                Ok(Item::Local(_)) => {}
                Err(ClientError::Ended | ClientError::Left) => return Ok(Exit::Done),
                Err(error) => return Err(error.into()),
            }
        }
    })
}
