//! Asking for a page: redirects, the body up to a bound, what it is. Not here: which addresses may be connected to
//! (`network`), and turning HTML into text (`html`).
use std::fmt::Write as _;

use reqwest::Response;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION};

use crate::base::causes;
use crate::network::{Egress, Target};
use crate::tools::fetch::html;
use crate::tools::limits::{FETCH_BYTES_MAX, REDIRECTS_MAX};
use crate::tools::prepared::ToolFailure;
use crate::workspace::text::is_binary;

/// What is asked for, in this order.
const WANTED: &str =
    "text/html, text/markdown, text/plain, application/json;q=0.9, application/xml;q=0.8, text/*;q=0.8";

/// The longest part of a server's header that is repeated, in characters.
const HEADER_CHARS_MAX: usize = 100;

/// What a body is, as far as it can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Text,
}

/// A page that came.
#[derive(Debug)]
pub(super) struct Answer {
    url: String,
    status: StatusCode,
    kind: String,
    form: Form,
    body: Vec<u8>,
    is_cut: bool,
}

impl Answer {
    /// Returns whether the server said that this is what was asked for.
    pub(super) fn is_good(&self) -> bool {
        self.status.is_success()
    }

    /// Returns it as the model reads it: a line that says what it is, and the text. Takes as long as the page is large.
    pub(super) fn into_text(self) -> String {
        let Self { url, status, kind, form, body, is_cut } = self;
        let text = decoded(&body, &kind);
        let text = match form {
            Form::Html => html::text(&text),
            Form::Text => text,
        };
        let kind = kind.split(';').next().unwrap_or_default();
        let mut out = format!("[{url}: {status}, {kind}, {} bytes", body.len());
        if is_cut {
            // Writing to a String cannot fail.
            let _ = write!(out, ", and more that was not read");
        }
        out.push_str("]\n\n");
        out.push_str(if text.trim().is_empty() { "(no text)" } else { &text });
        out
    }
}

/// Asks for a page, and follows redirects that stay on its host: each is held to what the first was. One that leads to
/// another host is told, since that host has to be allowed too.
pub(super) async fn ask(egress: &Egress, target: Target) -> Result<Answer, ToolFailure> {
    let mut target = target;
    for _ in 0..=REDIRECTS_MAX {
        let response = send(egress, &target).await?;
        let status = response.status();
        let location = response.headers().get(LOCATION).filter(|_| status.is_redirection());
        let Some(location) = location else { return read(&target, response).await };
        let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
        let next = target.redirected(&location);
        let next = next.map_err(|error| {
            let shown: String = location.chars().take(HEADER_CHARS_MAX).collect();
            ToolFailure::new(format!("{target} leads on to {shown:?}, which is not fetched: {error}"))
        })?;
        if next.host() != target.host() {
            return Err(ToolFailure::new(format!(
                "{target} leads on to another host, which has to be allowed for itself. Fetch {next} if you want that"
            )));
        }
        if target.scheme() == crate::network::Scheme::Https && next.scheme() == crate::network::Scheme::Http {
            return Err(ToolFailure::new(format!(
                "{target} leads on from https to {next}, which is not protected. Fetch that itself if you want it"
            )));
        }
        target = next;
    }
    Err(ToolFailure::new(format!("{target}: more than {REDIRECTS_MAX} redirects")))
}

async fn send(egress: &Egress, target: &Target) -> Result<Response, ToolFailure> {
    let client = egress.client(target).await.map_err(|error| ToolFailure::new(causes::told(&error)))?;
    let request = client.get(target.url().clone()).header(ACCEPT, WANTED).header(ACCEPT_ENCODING, "identity");
    request.send().await.map_err(|error| unreachable(target, &error))
}

fn unreachable(target: &Target, error: &reqwest::Error) -> ToolFailure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    ToolFailure::new(format!("{} cannot be reached: {cause}", target.host()))
}

/// Reads a body up to the bound, if it is something to read.
async fn read(target: &Target, mut response: Response) -> Result<Answer, ToolFailure> {
    let refused = |what: &str| ToolFailure::new(format!("{target} {what}"));
    let status = response.status();
    let encoding = header(&response, &CONTENT_ENCODING);
    // Nothing was offered, so no honest server compresses; and what is not unpacked cannot grow.
    if !matches!(encoding.as_str(), "" | "identity") {
        return Err(refused(&format!("came compressed ({encoding}) although that was not asked for")));
    }
    let kind = header(&response, &CONTENT_TYPE).to_ascii_lowercase();
    let known = form(&kind);
    if known.is_none() && !kind.is_empty() {
        let bytes = response.content_length().map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        return Err(refused(&format!(
            "is {kind}{bytes}: only HTML, text and JSON are read. A command can download it"
        )));
    }
    let (mut body, mut is_cut) = (Vec::new(), false);
    loop {
        let chunk = response.chunk().await.map_err(|error| unreachable(target, &error))?;
        let Some(chunk) = chunk else { break };
        let room = FETCH_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            is_cut = true;
            break;
        }
    }
    if is_binary(&body) {
        return Err(refused(&format!("is {} bytes of no text", body.len())));
    }
    let kind = if kind.is_empty() { "of no told type".to_owned() } else { kind };
    Ok(Answer { url: target.to_string(), status, form: known.unwrap_or(Form::Text), kind, body, is_cut })
}

fn header(response: &Response, name: &HeaderName) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.trim().chars().take(HEADER_CHARS_MAX).collect()
}

/// Returns how a media type is read; `None` if it is none that can be.
fn form(kind: &str) -> Option<Form> {
    /// Text that does not say `text/`.
    const TEXTS: [&str; 10] = [
        "application/json",
        "application/xml",
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/x-ndjson",
        "application/x-sh",
    ];
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind {
        "text/html" | "application/xhtml+xml" => Some(Form::Html),
        kind if kind.starts_with("text/") || TEXTS.contains(&kind) => Some(Form::Text),
        kind if kind.ends_with("+json") || kind.ends_with("+xml") || kind.ends_with("+yaml") => {
            Some(Form::Text)
        }
        _ => None,
    }
}

/// Returns the text of a body: UTF-8, or Latin-1 where the server says so; bytes that are neither are replaced.
fn decoded(body: &[u8], kind: &str) -> String {
    let latin = ["charset=iso-8859-1", "charset=windows-1252", "charset=latin1", "charset=us-ascii"];
    let kind = kind.replace(['"', ' '], "");
    match std::str::from_utf8(body) {
        Err(_) if latin.iter().any(|name| kind.contains(name)) => {
            body.iter().map(|byte| char::from(*byte)).collect()
        }
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_read_or_not() {
        for kind in ["text/plain", "text/markdown; charset=utf-8", "application/json", "application/ld+json"]
        {
            assert_eq!(form(kind), Some(Form::Text), "{kind}");
        }
        assert_eq!(form("text/html; charset=utf-8"), Some(Form::Html));
        for kind in ["image/png", "application/octet-stream", "application/zip", "video/mp4", ""] {
            assert_eq!(form(kind), None, "{kind}");
        }
    }

    #[test]
    fn text_is_decoded_as_the_server_says() {
        assert_eq!(decoded("é".as_bytes(), "text/plain"), "é");
        assert_eq!(decoded(b"\xe9", "text/html; charset=ISO-8859-1".to_lowercase().as_str()), "é");
        assert_eq!(decoded(b"a\xff", "text/plain"), "a\u{fffd}");
    }
}
