//! Asks the agent something about the directory it is run in: prints what happens, and asks on the terminal what the agent
//! asks. Not here: anything a real client would do with more than lines of text.
//!
//! `cargo run --example ask -- "what does this project do?"`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example that prints")]
use std::error::Error;
use std::io::stdin;

use tenon_client::protocol::answer::AnswerParams;
use tenon_client::protocol::content::Content;
use tenon_client::protocol::event::EventBody;
use tenon_client::protocol::event::message::{MessageEnded, MessageRole};
use tenon_client::protocol::log::After;
use tenon_client::protocol::methods::{Answer, Open};
use tenon_client::protocol::open::{OpenParams, OpenResult};
use tenon_client::protocol::prompt::PromptParams;
use tenon_client::protocol::request::{RequestItem, RequestKind};
use tenon_client::{Client, ClientError, ClientOptions, Endpoint, Item, ObserveOptions, Waiting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let question = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    if question.is_empty() {
        return Err("give me a question".into());
    }
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let (variables, directory) = (std::env::vars().collect(), std::env::current_dir()?);
    let endpoint = Endpoint::of(&variables)?;
    let mut options = ClientOptions::new("ask").answering().environment(variables);
    options.waiting = Some(show_waiting);
    let client = Client::connect(endpoint, options).await?;
    let agent = client.agent().await?.instance;
    eprintln!("connected to version {}, process {}", agent.version, agent.pid);

    let workspace = Some(directory.display().to_string());
    let opened = client.call::<Open>(&OpenParams { workspace, ..OpenParams::default() }).await?;
    ask(&client, opened, &question).await?;
    Ok(())
}

/// Sends the question and shows its turn to the end.
async fn ask(client: &Client, opened: OpenResult, question: &str) -> Result<(), ClientError> {
    let session = opened.session.id;
    let options = ObserveOptions { attach: true, ..ObserveOptions::default() };
    let mut events = client.observe(session.as_str(), After::Cursor(opened.cursor), options).await?;
    let own = client.prompt(PromptParams::new(session, vec![Content::text(question)])).await?.turn_id;
    loop {
        let event = match events.next().await? {
            Item::Event(event) => event,
            Item::Reset(reset) => {
                eprintln!("the agent lost events; going on behind {}", reset.cursor);
                continue;
            }
            Item::Delta(_) | Item::Local(_) => continue,
        };
        match event.body() {
            Some(EventBody::MessageEnded(message)) => show(&message),
            Some(EventBody::RequestOpened(request)) if request.kind != RequestKind::Trust => {
                answer(client, &request).await?;
            }
            Some(EventBody::TurnEnded(_)) if event.turn == own => return Ok(()),
            // Something in it is of a later version than this program.
            None if event.kind == "message.ended" => println!("{}", event.text),
            // Everything has a line of text, whether this program knows it or not.
            _ => eprintln!("  {}", event.text),
        }
    }
}

/// Prints what the model said; what was withdrawn was never said.
fn show(message: &MessageEnded) {
    if message.role != MessageRole::Assistant || message.superseded == Some(true) {
        return;
    }
    for content in &message.content {
        if let Content::Text { text } = content {
            println!("{text}");
        }
    }
}

/// Asks the person. Somebody else may have answered meanwhile: then theirs stands.
async fn answer(client: &Client, request: &RequestItem) -> Result<(), ClientError> {
    eprintln!("? {}", request.title);
    for option in &request.options {
        eprintln!("  {}: {}", option.id, option.label);
    }
    // The answer of a person at a terminal: while it is waited for, nothing else has to happen here.
    let mut line = String::new();
    let decision = match stdin().read_line(&mut line) {
        Ok(count) if count > 0 => line.trim().to_owned(),
        // There is nobody to ask.
        Ok(_) | Err(_) => "deny".to_owned(),
    };
    let params = AnswerParams {
        request_id: request.request_id.clone(),
        decision,
        scope: None,
        pattern: None,
        form: None,
        note: None,
        select: None,
    };
    match client.call::<Answer>(&params).await {
        Err(ClientError::Rpc(error)) => {
            eprintln!("not taken: {error}");
            Ok(())
        }
        outcome => outcome.map(|_| ()),
    }
}

fn show_waiting(waiting: &Waiting) {
    match waiting {
        Waiting::HandOver { running, .. } => {
            eprintln!("an older agent hands over; {running} of its turns run");
        }
        Waiting::Kept { by } => eprintln!("going on with the older agent, process {}", by.pid),
    }
}
