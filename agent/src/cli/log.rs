//! `tenon log`: the events of a session that have happened, and the check of its chain. Not here: those to come.
mod audit;

use clap::Args;
use tenon_client::Client;
use tenon_protocol::admin::{AdminOp, AdminParams};
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::Envelope;
use tenon_protocol::json::{Json, Value};
use tenon_protocol::log::LogParams;
use tenon_protocol::methods::{Admin, Log};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};
use crate::cli::which::{Which, session_or_newest};

/// The arguments of `tenon log`.
#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(super) which: Which,
    /// Only events behind this place, such as 1.42
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
    /// Follows the hash chain instead, from the first event to the last; of every log if no session is named
    #[arg(long, conflicts_with = "after")]
    verify: bool,
    /// Prints who allowed and denied what instead, when, on which digest and at which sandbox level, one JSON object a line;
    /// of every log, in the order of time, if no session is named
    #[arg(long, conflicts_with_all = ["after", "verify"])]
    audit: bool,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &LogArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        if args.verify {
            return verify(&client, terminal, args).await;
        }
        if args.audit {
            audit::print(&client, terminal, args.which.name()).await?;
            return Ok(Exit::Done);
        }
        let session = session_or_newest(&client, &surroundings, args.which.name()).await?;
        print(&client, terminal, session, args).await
    })
}

async fn print(
    client: &Client,
    terminal: Terminal,
    session: String,
    args: &LogArgs,
) -> Result<Exit, Failure> {
    let mut params =
        LogParams { session_id: session, after: args.after, before: None, limit: Some(1_000), types: None };
    if params.after.is_none() {
        // The first page tells where the log begins; asking for `after` makes it the oldest one.
        params.limit = Some(1);
        let page = client.call::<Log>(&params).await?;
        params.after = Some(Cursor { epoch: page.first.epoch, seq: page.first.seq.saturating_sub(1) });
        params.limit = Some(1_000);
    }
    loop {
        let page = client.call::<Log>(&params).await?;
        for event in &page.events {
            terminal.line(&line(event, args.json))?;
        }
        match page.next {
            // A place that does not move would be read for ever.
            Some(next) if Some(next) != params.after => params.after = Some(next),
            Some(_) | None => return Ok(Exit::Done),
        }
    }
}

fn line(event: &Json, json: bool) -> String {
    match event.parse::<Envelope>() {
        Ok(event) if !json => person(&event),
        Ok(_) | Err(_) => event.0.to_string(),
    }
}

/// Returns an event as a line for people: seq, time, type, text, and how to get the whole of what the event has a part of.
pub(crate) fn person(event: &Envelope) -> String {
    let seq = event.seq.map(|seq| seq.to_string()).unwrap_or_default();
    let at = event.at.as_deref().unwrap_or_default();
    let time = at.get(..19).unwrap_or(at).replacen('T', " ", 1);
    let whole = whole(event).unwrap_or_default();
    format!("{seq:>6}  {time:<19}  {:<18}  {}{whole}", safe_line(&event.kind), safe_line(&event.text))
}

/// Returns the command that prints what the event refers to.
fn whole(event: &Envelope) -> Option<String> {
    let data = &event.data.0;
    let content = ["content", "input"].iter().filter_map(|name| data.get(name)?.as_array()).flatten();
    let large = |piece: &&Value| piece["whole"] == true || piece["type"] == "image";
    let mut named = std::iter::once(data).chain(content.filter(large));
    let reference = named.find_map(|named| named.get("ref")?.as_str())?;
    Some(format!("  [all of it: tenon fetch {}]", safe_line(reference)))
}

async fn verify(client: &Client, terminal: Terminal, args: &LogArgs) -> Result<Exit, Failure> {
    let params =
        AdminParams { session_id: args.which.name().map(Into::into), ..AdminParams::of(AdminOp::Verify) };
    let result = client.call::<Admin>(&params).await?;
    let Some(verified) = result.verified else {
        return Err(Failure::failed("the agent does not say what it verified"));
    };
    if args.json {
        terminal.line(&Json::from_serialize(&verified).0.to_string())?;
    } else {
        for broken in &verified.broken {
            terminal.line(&safe_line(broken))?;
        }
        let figures =
            format!("{} logs, {} events, {} commits", verified.logs, verified.events, verified.commits);
        terminal.note(&format!("verified: {figures}"));
    }
    if verified.broken.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(format!("{} places do not fit the chain", verified.broken.len())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_line_for_people_and_untouched_for_programs() {
        let event = json!({
            "seq": 7, "epoch": 1, "at": "2026-01-02T03:04:05.678Z", "session": "s_1", "type": "notice", "data": {},
            "text": "two\nlines\u{1b}[2J", "later": {"field": 1},
        });
        let event = Json(event);
        let expected = "     7  2026-01-02 03:04:05  notice              two lines\\u{1b}[2J";
        assert_eq!(line(&event, false), expected);
        assert!(line(&event, true).contains(r#""later":{"field":1}"#));
    }

    #[test]
    fn an_event_that_refers_to_more_says_how_to_get_it() {
        let shown = |data: serde_json::Value| {
            let event = json!({"seq": 7, "type": "tool.ended", "data": data, "text": "ok"});
            line(&Json(event), false)
        };
        assert!(shown(json!({"ref": "b3:0"})).ends_with("  ok  [all of it: tenon fetch b3:0]"));
        let long = json!([{"type": "text", "text": "a"}, {"type": "ref", "ref": "b3:1", "whole": true}]);
        assert!(shown(json!({"content": long})).ends_with("  ok  [all of it: tenon fetch b3:1]"));
        let named = json!([{"type": "ref", "ref": "b3:1"}, {"type": "image", "data": "AAAA"}]);
        assert!(shown(json!({"input": named})).ends_with("  ok"));
        assert!(shown(json!({"ref": 3})).ends_with("  ok"));
        assert!(shown(json!({})).ends_with("  ok"));
    }
}
