//! `tenon requests`: questions that wait, and answering one from anywhere. Not here: asking in place (`run`).
use clap::{Args, Subcommand};
use tenon_client::Client;
use tenon_protocol::answer::AnswerParams;
use tenon_protocol::methods::Answer;
use tenon_protocol::request::{RequestItem, RequestOption};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon requests`.
#[derive(Args, Debug)]
pub(crate) struct RequestsArgs {
    #[command(subcommand)]
    command: Option<RequestsCommand>,
    /// Those of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum RequestsCommand {
    /// Answers a request
    Answer(AnswerArgs),
}

#[derive(Args, Debug)]
struct AnswerArgs {
    /// The request
    id: String,
    /// allow, deny, or one of its options
    decision: String,
    /// A reason, for the model and the log
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &RequestsArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    let wanted = Wanted { kind: "request", session: args.session.clone(), filter: None };
    let items = block_on(async {
        let presence = if args.command.is_some() { Presence::Asking } else { Presence::Watching };
        let client = surroundings.client(Starting::OnDemand, presence).await?;
        match &args.command {
            Some(RequestsCommand::Answer(answer)) => {
                self::answer(&client, answer).await?;
                Ok(None)
            }
            None => listing::read(&client, &wanted).await.map(Some),
        }
    })?;
    let Some(items) = items else { return Ok(Exit::Done) };
    let headings = ["REQUEST", "KIND", "ANSWERS", "QUESTION"];
    listing::print(
        terminal,
        &items,
        args.json,
        &headings,
        "nothing waits for an answer",
        |item: RequestItem| {
            let options: Vec<&str> = item.options.iter().map(|option| option.id.as_str()).collect();
            vec![item.request_id.to_string(), item.kind.to_string(), options.join(" "), item.title]
        },
    )?;
    Ok(Exit::Done)
}

async fn answer(client: &Client, args: &AnswerArgs) -> Result<(), Failure> {
    let wanted = Wanted { kind: "request", session: None, filter: None };
    let open = listing::read(client, &wanted).await?;
    let items = open.iter().filter_map(|item| item.parse::<RequestItem>().ok());
    let item = items.into_iter().find(|item| item.request_id.as_str() == args.id);
    // One that is not listed is for the agent to explain: it knows who answered it.
    let option = item.and_then(|item| item.options.into_iter().find(|option| option.id == args.decision));
    client.call::<Answer>(&params(args, option)).await?;
    Ok(())
}

/// An option brings its reach and its pattern along, so that `always` means what was shown.
fn params(args: &AnswerArgs, option: Option<RequestOption>) -> AnswerParams {
    let (scope, pattern) = option.map_or((None, None), |option| (option.scope, option.pattern));
    AnswerParams {
        request_id: args.id.as_str().into(),
        decision: args.decision.clone(),
        scope,
        pattern,
        form: None,
        note: args.note.clone(),
        select: None,
    }
}
