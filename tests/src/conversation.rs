//! What a model server was sent, read in the same words for both formats; and whether it is a history that a real server
//! takes. Not here: answering it (`model_server`).
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::model_server::script::text_of;
use crate::model_server::{RecordedRequest, Script};

/// A tool call of a conversation and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its result; `None` where there is none yet.
    pub result: Option<String>,
}

/// A piece of a conversation, whatever the format.
enum Piece {
    Call {
        id: String,
        name: String,
    },
    Result {
        id: String,
        text: String,
    },
    /// Anything of a person or the model: between a call and its result it must not stand.
    Text,
}

/// Returns the calls of a request's conversation, in order, each with its result.
///
/// # Errors
/// The history is not valid: see `check`.
pub fn exchanges(request: &RecordedRequest) -> Result<Vec<Exchange>> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for message in request.messages() {
        let role = message["role"].as_str().context("a message without a role")?;
        // In one format results are messages of their own; in the other they stand in the person's next message.
        ensure!(role != "assistant" || all_settled(&exchanges), "the model goes on without {exchanges:?}");
        for piece in pieces(message)? {
            take(&mut exchanges, piece)?;
        }
        ensure!(role != "user" || all_settled(&exchanges), "a person goes on without {exchanges:?}");
    }
    ensure!(all_settled(&exchanges), "calls without results: {exchanges:?}");
    Ok(exchanges)
}

/// Checks every request: each call has exactly one result, before anything else is said, and no result is without a call.
///
/// # Errors
/// A request's history is not valid.
pub fn check<'a>(requests: impl IntoIterator<Item = &'a RecordedRequest>) -> Result<()> {
    for (number, request) in requests.into_iter().enumerate() {
        exchanges(request).with_context(|| format!("request {}: {}", number + 1, request.raw))?;
    }
    Ok(())
}

/// Returns the texts of the persons' messages, in order.
pub fn prompts(request: &RecordedRequest) -> Vec<String> {
    let users = request.messages().iter().filter(|message| message["role"] == "user");
    let is_result = |message: &&Value| {
        message["content"].as_array().is_some_and(|blocks| {
            !blocks.is_empty() && blocks.iter().all(|block| block["type"] == "tool_result")
        })
    };
    users.filter(|message| !is_result(message)).map(|message| text_of(&message["content"])).collect()
}

/// Returns a script that decides by the calls of the conversation and their results, not by counting requests: what a
/// restart asks again is answered the same.
pub fn by_exchanges(
    answer: impl Fn(&[Exchange]) -> crate::model_server::Reply + Send + Sync + 'static,
) -> Script {
    Script::function(move |_, request| match exchanges(request) {
        Ok(exchanges) => answer(&exchanges),
        Err(error) => crate::model_server::Reply::status(400, &format!("{error:#}")),
    })
}

fn all_settled(exchanges: &[Exchange]) -> bool {
    exchanges.iter().all(|exchange| exchange.result.is_some())
}

fn take(exchanges: &mut Vec<Exchange>, piece: Piece) -> Result<()> {
    match piece {
        Piece::Call { id, name } => {
            ensure!(exchanges.iter().all(|known| known.id != id), "the call id {id} is there twice");
            exchanges.push(Exchange { id, name, result: None });
        }
        Piece::Result { id, text } => {
            let Some(call) = exchanges.iter_mut().find(|known| known.id == id) else {
                bail!("a result for {id}, which nobody called");
            };
            ensure!(call.result.is_none(), "two results for {id}");
            call.result = Some(text);
        }
        Piece::Text => {}
    }
    Ok(())
}

fn pieces(message: &Value) -> Result<Vec<Piece>> {
    let role = message["role"].as_str().context("a message without a role")?;
    if role == "tool" {
        let id = message["tool_call_id"].as_str().context("a result without an id")?;
        return Ok(vec![Piece::Result { id: id.to_owned(), text: text_of(&message["content"]) }]);
    }
    let mut pieces = Vec::new();
    for block in message["content"].as_array().into_iter().flatten() {
        pieces.push(match block["type"].as_str() {
            Some("tool_use") => Piece::Call { id: text(&block["id"])?, name: text(&block["name"])? },
            Some("tool_result") => {
                Piece::Result { id: text(&block["tool_use_id"])?, text: text_of(&block["content"]) }
            }
            _ => Piece::Text,
        });
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        pieces.push(Piece::Call { id: text(&call["id"])?, name: text(&call["function"]["name"])? });
    }
    Ok(pieces)
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("a call without an id or a name")?.to_owned())
}
