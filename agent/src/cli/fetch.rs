//! `tenon fetch`: a content by its reference, page after page. Not here: what refers to it (`log`).
use std::num::ParseIntError;
use std::str::FromStr;

use clap::Args;
use tenon_client::Client;
use tenon_protocol::content::Content;
use tenon_protocol::fetch::{FetchParams, FetchRange, FetchResult};
use tenon_protocol::methods::Fetch;

use crate::base::base64;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe};

/// The arguments of `tenon fetch`.
#[derive(Args, Debug)]
pub(crate) struct FetchArgs {
    /// The reference, as `tenon log` shows it: b3: and 64 hex digits
    #[arg(value_name = "REF")]
    reference: String,
    /// Only these bytes: START..END, START.. or ..END, counted from 0, END not among them
    #[arg(long, value_name = "RANGE")]
    range: Option<Range>,
}

/// Bytes as a person names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range(FetchRange);

/// The text was no range.
#[derive(Debug, thiserror::Error)]
enum NotARange {
    #[error("two dots are missing: write 0..1000, 1000.. or ..1000")]
    Dots,
    #[error("{0}: bytes are counted in whole numbers")]
    Number(#[from] ParseIntError),
}

impl FromStr for Range {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (start, end) = text.split_once("..").ok_or(NotARange::Dots)?;
        let start = if start.is_empty() { 0 } else { start.parse()? };
        let end = if end.is_empty() { None } else { Some(end.parse()?) };
        Ok(Self(FetchRange { start, end }))
    }
}

/// Runs the command.
pub(crate) fn run(args: &FetchArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, true);
    let range = args.range.map_or(FetchRange { start: 0, end: None }, |range| range.0);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let mut pages = Pages::new(&client, &args.reference, range);
        while let Some(page) = pages.next_page().await? {
            match page {
                page if !terminal.output => terminal.bytes(&bytes_of(page))?,
                page if page.mime.starts_with("text/") => {
                    terminal.print(&safe(&String::from_utf8_lossy(&bytes_of(page))))?;
                }
                FetchResult { mime, bytes, .. } => {
                    let what = format!("{mime} of {bytes} bytes is nothing for a terminal");
                    return Err(Failure::failed(what).hint("write it to a file: tenon fetch REF > FILE"));
                }
            }
        }
        Ok(Exit::Done)
    })
}

/// Puts the texts of a content that stand in it by reference in their places.
///
/// # Errors
/// The agent refuses or is gone.
pub(super) async fn bring(client: &Client, content: &mut [Content]) -> Result<(), Failure> {
    for piece in content {
        if let Some(reference) = piece.long_text() {
            let bytes = match whole(client, reference).await {
                // The agent may have been replaced in this moment: the content is still there.
                Err(_) => whole(client, reference).await?,
                Ok(bytes) => bytes,
            };
            *piece = Content::text(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(())
}

async fn whole(client: &Client, reference: &str) -> Result<Vec<u8>, Failure> {
    let mut pages = Pages::new(client, reference, FetchRange { start: 0, end: None });
    let mut all = Vec::new();
    while let Some(bytes) = pages.next().await? {
        all.extend(bytes);
    }
    Ok(all)
}

/// A content that is read page after page.
pub(super) struct Pages<'a> {
    client: &'a Client,
    reference: &'a str,
    /// What is left.
    range: Option<FetchRange>,
}

impl<'a> Pages<'a> {
    /// Returns these bytes of a content.
    pub(super) const fn new(client: &'a Client, reference: &'a str, range: FetchRange) -> Self {
        Self { client, reference, range: Some(range) }
    }

    /// Returns the last bytes of a content, but none before `first`.
    ///
    /// # Errors
    /// As `next`.
    pub(super) async fn of_the_end(
        client: &'a Client,
        reference: &'a str,
        length: u64,
        first: u64,
    ) -> Result<Self, Failure> {
        let mut pages = Self::new(client, reference, FetchRange { start: 0, end: Some(0) });
        let total = pages.next_page().await?.map_or(0, |page| page.bytes);
        let start = total.saturating_sub(length).max(first);
        Ok(Self::new(client, reference, FetchRange { start, end: None }))
    }

    /// Returns the next bytes; `None` at the end.
    ///
    /// # Errors
    /// The agent refuses or is gone.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.next_page().await?.map(bytes_of))
    }

    async fn next_page(&mut self) -> Result<Option<FetchResult>, Failure> {
        let Some(range) = self.range.take() else { return Ok(None) };
        let params = FetchParams { reference: self.reference.to_owned(), range: Some(range) };
        let mut page = self.client.call::<Fetch>(&params).await?;
        self.range = page.next.map(|start| FetchRange { start, ..range });
        // A place within a character: what is before it was not asked for.
        if let Some(text) = page.text.take_if(|_| page.start < range.start) {
            let before = usize::try_from(range.start - page.start).unwrap_or(usize::MAX);
            page.base64 = Some(base64::encode(text.as_bytes().get(before..).unwrap_or_default()));
        }
        Ok(Some(page))
    }
}

fn bytes_of(page: FetchResult) -> Vec<u8> {
    let decoded = page.base64.and_then(|data| base64::decode(&data));
    page.text.map(String::into_bytes).or(decoded).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_written_with_two_dots() {
        let check = |text: &str, start: u64, end: Option<u64>| {
            assert_eq!(text.parse::<Range>().unwrap(), Range(FetchRange { start, end }));
        };
        check("3..10", 3, Some(10));
        check("3..", 3, None);
        check("..10", 0, Some(10));
        check("..", 0, None);
        for wrong in ["3", "a..", "..b", "-1..", "1..2..3"] {
            assert!(wrong.parse::<Range>().is_err(), "{wrong}");
        }
    }
}
