//! The lines of a `client` block. Not here: doing what they say (`play`).
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// The client that a line without a name speaks of.
pub(crate) const FIRST: &str = "a";

/// One line, or several that were continued.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// Which client.
    pub(crate) client: String,
    /// What it does.
    pub(crate) act: Act,
    /// The index of its first line in the block, and how many there are.
    pub(crate) place: (usize, usize),
}

/// What a client does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// Connects, introducing itself with these members.
    Connect(Value),
    /// Connects without a word.
    Dial,
    /// Leaves.
    Leave,
    /// Opens a session in the workspace with these parameters, and observes it from its start.
    Session(Value),
    /// Sends a message that starts a turn.
    Say(String),
    /// The same, and waits until the session rests after a turn that was done.
    Turn(String),
    /// Sends a request.
    Request(String, Value),
    /// Sends a notification.
    Notify(String, Value),
    /// Takes the answer to the oldest open request.
    Result(Value),
    /// The same, which must be an error.
    Error(i64, Value),
    /// Waits for an event of a type, whose data match.
    Event(String, Value),
    /// Says that no event of the type came before those that were waited for.
    Never(String),
    /// Opens a gate of the model.
    Open(String),
    /// Waits until the model was asked so often.
    Asked(usize),
    /// Waits until there is such a file, in the workspace or at an absolute path.
    Exists(String),
}

/// Reads a block.
pub(crate) fn lines(body: &str) -> Result<Vec<Line>> {
    let mut joined: Vec<(usize, usize, String)> = Vec::new();
    for (index, line) in body.lines().enumerate() {
        match joined.last_mut() {
            Some((_, count, text)) if line.starts_with(' ') => {
                *count += 1;
                text.push(' ');
                text.push_str(line.trim());
            }
            _ if line.trim().is_empty() || line.starts_with('#') => {}
            _ => joined.push((index, 1, line.trim().to_owned())),
        }
    }
    let read = |(index, count, text): (usize, usize, String)| {
        let (client, act) = match text.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((client, act)) => (client.to_owned(), act),
            None => (FIRST.to_owned(), text.as_str()),
        };
        let act = act_of(act).with_context(|| format!("in `{text}`"))?;
        Ok(Line { client, act, place: (index, count) })
    };
    joined.into_iter().map(read).collect()
}

fn act_of(text: &str) -> Result<Act> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    let (name, data) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(match word {
        "connect" => Act::Connect(json_or_empty(rest)?),
        "dial" => Act::Dial,
        "leave" => Act::Leave,
        "session" => Act::Session(json_or_empty(rest)?),
        "say" => Act::Say(rest.to_owned()),
        "turn" => Act::Turn(rest.to_owned()),
        "->" => Act::Request(name.to_owned(), json_or_empty(data)?),
        "=>" => Act::Notify(name.to_owned(), json_or_empty(data)?),
        "<-" if name == "error" => {
            let (code, data) = data.split_once(' ').unwrap_or((data, ""));
            Act::Error(code.parse()?, json_or_empty(data)?)
        }
        "<-" => Act::Result(json_or_empty(rest)?),
        "~" => Act::Event(name.to_owned(), json_or_empty(data)?),
        "never" => Act::Never(rest.to_owned()),
        "open" => Act::Open(rest.to_owned()),
        "exists" => Act::Exists(rest.to_owned()),
        "asked" => Act::Asked(rest.parse()?),
        _ => bail!("no line begins with `{word}`"),
    })
}

fn json_or_empty(text: &str) -> Result<Value> {
    if text.is_empty() { Ok(json!({})) } else { Ok(serde_json::from_str(text)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_client_and_place() {
        let read =
            lines("say hello there\n\n@b -> agent/list\n  {\"kind\": \"session\"}\n<- error 1106\n").unwrap();
        assert_eq!(read[0].act, Act::Say("hello there".to_owned()));
        assert_eq!((read[1].client.as_str(), read[1].place), ("b", (2, 2)));
        assert_eq!(read[1].act, Act::Request("agent/list".to_owned(), json!({"kind": "session"})));
        assert_eq!((read[2].client.as_str(), &read[2].act), ("a", &Act::Error(1106, json!({}))));
        assert!(lines("shout x").is_err() && lines("<- {").is_err());
    }
}
