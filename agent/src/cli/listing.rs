//! Lists of things, for `sessions`, `models`, `tools` and `requests`. Not here: what a thing's columns are.
use serde::de::DeserializeOwned;
use tenon_client::Client;
use tenon_protocol::json::Json;
use tenon_protocol::list::{ListFilter, ListParams};
use tenon_protocol::methods::List;

use crate::cli::failure::Failure;
use crate::cli::table;
use crate::cli::terminal::Terminal;

/// Pages that are read of one list: 1,000 items each.
const PAGES_MAX: usize = 100;

/// What to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The kind, as the protocol names it.
    pub(crate) kind: &'static str,
    /// Only things of this session.
    pub(crate) session: Option<String>,
    /// Only those that fit.
    pub(crate) filter: Option<ListFilter>,
}

/// Reads a whole list, page by page.
///
/// # Errors
/// The agent refuses, or is lost.
pub(crate) async fn read(client: &Client, wanted: &Wanted) -> Result<Vec<Json>, Failure> {
    let mut items = Vec::new();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let params = ListParams {
            kind: wanted.kind.to_owned(),
            session_id: wanted.session.as_deref().map(Into::into),
            filter: wanted.filter.clone(),
            after: after.take(),
            limit: Some(1_000),
        };
        let page = client.call::<List>(&params).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(items)
}

/// Prints a list: one JSON object a line as the agent sent it, or a table for people. An empty table is a sentence on
/// standard error, so that a pipe gets nothing.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn print<T: DeserializeOwned>(
    terminal: Terminal,
    items: &[Json],
    json: bool,
    headings: &[&str],
    nothing: &str,
    columns: impl Fn(T) -> Vec<String>,
) -> Result<(), Failure> {
    if json {
        for item in items {
            terminal.line(&item.0.to_string())?;
        }
        return Ok(());
    }
    // An item of a shape this build does not know has no columns; `--json` shows it.
    let rows: Vec<Vec<String>> = items.iter().filter_map(|item| item.parse().ok()).map(columns).collect();
    if rows.is_empty() {
        terminal.note(nothing);
        return Ok(());
    }
    terminal.print(&table::layout(terminal, headings, &rows))?;
    Ok(())
}
