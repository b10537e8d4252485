//! `tenon pending`: messages that wait for their turn, and changing one. Not here: sending one (`run`).
use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use tenon_client::{Client, ClientOptions};
use tenon_protocol::content::plain_text;
use tenon_protocol::json::Json;
use tenon_protocol::methods::{Open, Pending};
use tenon_protocol::open::OpenParams;
use tenon_protocol::prompt::{Delivery, PendingChange, PendingParams, PendingResult};
use tenon_protocol::session::QueuedMessage;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing;
use crate::cli::run::prompt::{self, Whose};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on, hello};
use crate::cli::terminal::{Terminal, safe};
use crate::cli::which::session_or_newest;

/// The arguments of `tenon pending`.
#[derive(Args, Debug)]
pub(crate) struct PendingArgs {
    #[command(subcommand)]
    command: Option<PendingCommand>,
    /// The session; the newest of the workspace if absent
    #[arg(long, value_name = "ID", global = true)]
    session: Option<String>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum PendingCommand {
    /// Takes a message back and prints what it said
    Withdraw {
        /// The message
        id: String,
    },
    /// Gives a message another text, in its place
    Replace {
        /// The message
        id: String,
        /// The new text; `@path` shows a file or folder, `-` reads it from standard input
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Lets a message join the running turn at its next safe point
    Promote {
        /// The message
        id: String,
        /// Only to the front of the queue: it gets the next turn
        #[arg(long)]
        next: bool,
    },
}

/// Runs the command.
pub(crate) fn run(args: &PendingArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    block_on(async {
        // Without variables: whoever looks at a queue changes nothing of the session's environment.
        let options =
            ClientOptions { hello: hello(Presence::Watching), environment: BTreeMap::new(), waiting: None };
        let client = Client::connect(surroundings.endpoint(Starting::OnDemand)?, options).await?;
        let session = session_or_newest(&client, &surroundings, args.session.as_deref()).await?;
        match &args.command {
            None => print(terminal, &queue(&client, &session).await?, args.json)?,
            Some(PendingCommand::Withdraw { id }) => {
                let waiting = queue(&client, &session).await?;
                change(&client, params(&session, id, PendingChange::Withdraw)).await?;
                if let Some(message) = waiting.iter().find(|message| message.message_id.as_str() == id) {
                    terminal.line(&safe(&plain_text(&message.input)))?;
                }
            }
            Some(PendingCommand::Replace { id, text }) => {
                let whose = if args.session.is_some() { Whose::Named } else { Whose::Own };
                let input = Some(prompt::read(text, false, &surroundings, whose)?);
                let params = PendingParams { input, ..params(&session, id, PendingChange::Replace) };
                change(&client, params).await?;
            }
            Some(PendingCommand::Promote { id, next }) => {
                let delivery = next.then_some(Delivery::Queue);
                let params = PendingParams { delivery, ..params(&session, id, PendingChange::Promote) };
                let place = match change(&client, params).await?.turn_id {
                    Some(_) => "it joins the running turn",
                    None => "it gets the next turn",
                };
                terminal.note(place);
            }
        }
        Ok(Exit::Done)
    })
}

async fn queue(client: &Client, session: &str) -> Result<Vec<QueuedMessage>, Failure> {
    let params = OpenParams { session_id: Some(session.into()), ..OpenParams::default() };
    Ok(client.call::<Open>(&params).await?.snapshot.queue)
}

async fn change(client: &Client, params: PendingParams) -> Result<PendingResult, Failure> {
    Ok(client.call::<Pending>(&params).await?)
}

fn params(session: &str, id: &str, op: PendingChange) -> PendingParams {
    PendingParams { session_id: session.into(), message_id: id.into(), op, input: None, delivery: None }
}

fn print(terminal: Terminal, waiting: &[QueuedMessage], json: bool) -> Result<(), Failure> {
    let items: Vec<Json> = waiting.iter().map(Json::from_serialize).collect();
    let headings = ["MESSAGE", "WAITS FOR", "BY", "TEXT"];
    listing::print(terminal, &items, json, &headings, "no message waits", |message: QueuedMessage| {
        let goal = if message.steer { "the running turn" } else { "its own turn" };
        let by = message.by.map(|by| by.kind).unwrap_or_default();
        vec![message.message_id.to_string(), goal.to_owned(), by, plain_text(&message.input)]
    })
}
