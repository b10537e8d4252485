//! HTML as text to read: headings, paragraphs, lists, links and code, without what a browser would not show. Not here: a parser
//! after the standard; broken pages come out a little broken, and none takes longer than it is long.
use std::fmt::Write as _;

/// Elements whose content nobody reads.
const UNREAD: [&str; 8] = ["script", "style", "noscript", "template", "svg", "iframe", "object", "head"];

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 33] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];

/// This is a table: the names of characters that pages use most; others stay as they are written.
const ENTITIES: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("hellip", "…"),
    ("mdash", "—"),
    ("ndash", "–"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("laquo", "«"),
    ("raquo", "»"),
    ("bull", "•"),
    ("middot", "·"),
    ("times", "×"),
    ("rarr", "→"),
    ("larr", "←"),
    ("para", "¶"),
    ("sect", "§"),
    ("deg", "°"),
    ("euro", "€"),
    ("auml", "ä"),
    ("ouml", "ö"),
    ("uuml", "ü"),
    ("Auml", "Ä"),
    ("Ouml", "Ö"),
    ("Uuml", "Ü"),
    ("szlig", "ß"),
    ("eacute", "é"),
    ("egrave", "è"),
    ("agrave", "à"),
    ("ccedil", "ç"),
];

/// The longest name of a character that is looked for.
const ENTITY_BYTES_MAX: usize = 12;

/// Returns the text of a page.
pub(super) fn text(page: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = page;
    // Behind the last `>` there is no tag: without this, each `<` would look for one to the end.
    let behind_tags = page.rfind('>').map_or(page.len(), |last| page.len() - last - 1);
    while let Some(at) = rest.find('<').filter(|at| rest.len() - at > behind_tags) {
        writer.text(&rest[..at]);
        rest = &rest[at..];
        rest = match Tag::read(rest) {
            Some((tag, behind)) => {
                let behind = if tag.is_open() { unread(&tag, behind, &mut writer) } else { behind };
                writer.tag(&tag);
                behind
            }
            None => comment(rest).unwrap_or_else(|| {
                writer.text("<");
                &rest[1..]
            }),
        };
    }
    writer.text(rest);
    writer.finish()
}

/// Passes over what nobody reads; the title of the page is read.
fn unread<'a>(tag: &Tag<'_>, behind: &'a str, writer: &mut Writer) -> &'a str {
    if !UNREAD.contains(&tag.name.as_str()) || tag.is_empty {
        return behind;
    }
    let mut end = find_end(behind, &tag.name).unwrap_or(behind.len());
    if tag.name == "head" {
        // Only the first, which need not be ended: a body ends it.
        if std::mem::replace(&mut writer.has_head, true) {
            return behind;
        }
        end = end.min(find_folded(behind, "<body").unwrap_or(behind.len()));
        let head = &behind[..end];
        let title = find_folded(head, "<title").and_then(|at| head[at..].find('>').map(|gt| at + gt + 1));
        if let Some(start) = title {
            let length = find_end(&head[start..], "title").unwrap_or(0);
            writer.line(&format!("# {}", collapsed(&entities(&head[start..start + length]))));
        }
    }
    &behind[end..]
}

/// Returns where the end tag of an element begins.
fn find_end(text: &str, name: &str) -> Option<usize> {
    find_folded(text, &format!("</{name}"))
}

/// Finds ASCII text in any case.
fn find_folded(text: &str, wanted: &str) -> Option<usize> {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let first = *wanted.first()?;
    memchr::memchr_iter(first, text)
        .find(|at| text.get(*at..at + wanted.len()).is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
}

/// Returns what stands behind a comment, a declaration or an instruction; one that does not end hides the rest, as in a browser.
fn comment(text: &str) -> Option<&str> {
    let (begin, end) = match text.as_bytes() {
        [b'<', b'!', b'-', b'-', ..] => (4, "-->"),
        [b'<', b'!' | b'?', ..] => (2, ">"),
        _ => return None,
    };
    Some(text[begin..].find(end).map_or("", |at| &text[begin + at + end.len()..]))
}

/// A tag, as far as it is looked at.
#[derive(Debug)]
struct Tag<'a> {
    name: String,
    is_end: bool,
    is_empty: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Reads a tag and returns what stands behind it; `None` where there is none.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let inside = text.strip_prefix('<')?;
        let (is_end, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let length = inside.find(|c: char| c.is_whitespace() || "/><".contains(c)).unwrap_or(inside.len());
        let end = tag_end(&inside[length..])?;
        let attributes = &inside[length..length + end];
        let is_empty = attributes.ends_with('/');
        let name = inside[..length].to_ascii_lowercase();
        Some((Self { name, is_end, is_empty, attributes }, &inside[length + end + 1..]))
    }

    const fn is_open(&self) -> bool {
        !self.is_end
    }

    /// Returns the value of an attribute.
    fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some(at) = find_folded(rest, name) {
            let is_whole = rest[..at].is_empty() || rest[..at].ends_with(char::is_whitespace);
            rest = &rest[at + name.len()..];
            let Some(value) = rest.trim_start().strip_prefix('=').filter(|_| is_whole) else { continue };
            let value = value.trim_start();
            let value = match value.as_bytes() {
                [quote @ (b'"' | b'\''), ..] => value[1..].split(char::from(*quote)).next(),
                _ => value.split(char::is_whitespace).next(),
            };
            return value.map(entities);
        }
        None
    }
}

/// Returns where a tag ends: at the first `>` that stands in no quotes, or just the first one where quotes do not seem to end.
fn tag_end(text: &str) -> Option<usize> {
    /// How far quotes are followed, in bytes: the longest addresses, and a bound to what a hostile page costs.
    const QUOTED_BYTES_MAX: usize = 4_096;
    let mut quote = None;
    let end = text.bytes().take(QUOTED_BYTES_MAX).position(|byte| match (quote, byte) {
        (None, b'>') => true,
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (Some(open), byte) if open == byte => {
            quote = None;
            false
        }
        _ => false,
    });
    end.or_else(|| memchr::memchr(b'>', text.as_bytes()))
}

/// Writes text as it comes, white space collapsed but where it matters.
#[derive(Debug, Default)]
struct Writer {
    out: String,
    /// How many `pre` are open: white space stays.
    preformatted: usize,
    /// How many `li` deep.
    lists: usize,
    /// Where a link's text begins, and where it leads.
    link: Option<(usize, String)>,
    /// The head of the page was seen.
    has_head: bool,
    /// White space was read and not written.
    space: bool,
}

impl Writer {
    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let text = entities(text);
        if self.preformatted > 0 {
            self.out.push_str(&text);
            return;
        }
        for (index, word) in text.split(char::is_whitespace).enumerate() {
            self.space |= index > 0;
            if word.is_empty() {
                continue;
            }
            if self.space && !self.out.is_empty() && !self.out.ends_with(['\n', ' ']) {
                self.out.push(' ');
            }
            self.space = false;
            self.out.push_str(word);
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        let name = tag.name.as_str();
        match (name, tag.is_open()) {
            ("br", _) => self.end_line(),
            ("a", true) => {
                self.link = None;
                let href = tag.attribute("href").filter(|href| is_worth_showing(href));
                if self.space && !self.out.ends_with(['\n', ' ']) && !self.out.is_empty() {
                    self.out.push(' ');
                }
                self.link = href.map(|href| (self.out.len(), href));
            }
            ("a", false) => {
                if let Some((start, href)) = self.link.take()
                    && let Some(shown) = self.out.get(start..).map(str::trim)
                    && !shown.is_empty()
                    && shown != href
                {
                    // Writing to a String cannot fail.
                    let _ = write!(self.out, " <{href}>");
                }
            }
            ("img", true) => {
                if let Some(alt) = tag.attribute("alt").filter(|alt| !alt.trim().is_empty()) {
                    self.text(&format!(" [{}] ", alt.trim()));
                }
            }
            ("td" | "th", true) => self.text(" | "),
            ("tr", _) => self.end_line(),
            (_, _) if BLOCKS.contains(&name) => self.block(name, tag.is_open()),
            _ => {}
        }
    }

    fn block(&mut self, name: &str, is_open: bool) {
        self.end_line();
        match (name, is_open) {
            ("ul" | "ol", true) => self.lists += 1,
            ("ul" | "ol", false) => {
                self.lists = self.lists.saturating_sub(1);
                self.blank_line();
            }
            ("li", true) => {
                let indent = "  ".repeat(self.lists.saturating_sub(1).min(8));
                let _ = write!(self.out, "{indent}- ");
            }
            ("li" | "dd" | "dt", _) => {}
            ("pre", true) => {
                self.blank_line();
                self.out.push_str("```\n");
                self.preformatted += 1;
            }
            ("pre", false) if self.preformatted > 0 => {
                self.preformatted -= 1;
                self.end_line();
                self.out.push_str("```\n\n");
            }
            (heading, true) if is_heading(heading) => {
                self.blank_line();
                let level = heading.bytes().last().map_or(1, |digit| usize::from(digit - b'0'));
                let _ = write!(self.out, "{} ", "#".repeat(level));
            }
            ("div" | "section" | "form" | "body" | "main", _) => {}
            _ => self.blank_line(),
        }
    }

    fn line(&mut self, text: &str) {
        self.end_line();
        self.out.push_str(text);
        self.blank_line();
    }

    fn end_line(&mut self) {
        self.space = false;
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn blank_line(&mut self) {
        self.end_line();
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// Lines that hold nothing but a mark, and blank lines in a row, say nothing.
    fn finish(self) -> String {
        let mut out = String::with_capacity(self.out.len());
        let (mut is_code, mut was_blank) = (false, true);
        for line in self.out.lines() {
            is_code ^= line == "```";
            let is_blank = !is_code && matches!(line.trim(), "" | "-" | "#" | "##" | "###" | "####" | "|");
            if !(is_blank && was_blank) {
                out.push_str(if is_blank { "" } else { line.trim_end() });
                out.push('\n');
            }
            was_blank = is_blank;
        }
        out.truncate(out.trim_end().len());
        out
    }
}

fn is_heading(name: &str) -> bool {
    matches!(name.as_bytes(), [b'h', b'1'..=b'6'])
}

/// Places within the page, and what runs something, are no places to go.
fn is_worth_showing(href: &str) -> bool {
    let href = href.trim();
    !href.is_empty()
        && !href.starts_with('#')
        && !["javascript:", "data:"].iter().any(|scheme| href.to_ascii_lowercase().starts_with(scheme))
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Replaces the names and numbers of characters.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';');
        match end.and_then(|end| character(&rest[..end]).map(|character| (character, end))) {
            Some((character, end)) => {
                out.push_str(&character);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else {
        return ENTITIES.iter().find(|row| row.0 == name).map(|row| row.1.to_owned());
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|character| !character.is_control()).map(String::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_reads_as_text() {
        let page = r##"<!DOCTYPE html><html><head><title>A &amp; B</title><style>p { x: "<p>" }</style></head>
            <body><nav><ul><li><a href="/home">Home</a></li><li></li></ul></nav>
            <h1>Install</h1><p>Run   this
            <b>first</b>, see <a href="https://a.example/x?y=1&amp;z">the
            manual</a> &mdash; or <a href="#top">go up</a>.<br>Then:</p>
            <pre><code>cargo build
  --release &lt;x&gt;</code></pre><script>alert("<p>no</p>")</script>
            <table><tr><th>key</th><th>value</th></tr><tr><td>a</td><td>1</td></tr></table>
            <!-- <p>hidden</p> --><img src="x" alt="A diagram"> 1 < 2 &unknown; &#233;&#x41;</body></html>"##;
        insta::assert_snapshot!(text(page), @r"
        # A & B

        - Home </home>

        # Install

        Run this first, see the manual <https://a.example/x?y=1&z> — or go up.
        Then:

        ```
        cargo build
          --release <x>
        ```

        | key | value
        | a | 1

        [A diagram] 1 < 2 &unknown; éA
        ");
    }

    #[test]
    fn what_is_broken_comes_out_a_little_broken() {
        assert_eq!(text("plain"), "plain");
        assert_eq!(text("a <b"), "a <b");
        assert_eq!(text("a<script>never ends"), "a");
        assert_eq!(text("a<!-- <p>never ends"), "a");
        assert_eq!(text("</p></ul></pre>a"), "a");
        assert_eq!(text("<a href=x>one<a href=y>two</a>"), "onetwo <y>");
        assert_eq!(text("&&&&#xffffffff;&#0;&#27;"), "&&&&#xffffffff;&#0;&#27;");
        assert_eq!(text("<head><title>t</title><body>a"), "# t\n\na");
        assert_eq!(text("<p title='>'>a</p>"), "a");
        assert_eq!(text("<a href='javascript:x'>a</a>"), "a");
    }

    proptest! {
        #[test]
        fn no_page_breaks_it_and_none_grows_much(page in "(<|>|/|!|--|&|;|#|a|p|li|pre|script|head|\"|'|=| |\n|é){0,60}") {
            let shown = text(&page);
            prop_assert!(shown.len() <= page.len() * 24 + 64, "{}", shown.len());
        }
    }
}
