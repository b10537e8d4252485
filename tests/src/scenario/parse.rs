//! From a scenario file to its scenarios: headings, and the fenced blocks beneath them in order. Not here: what blocks mean.
use std::fmt;
use std::ops::Range;

use crate::scenario::report::Rewrite;

/// One heading with its blocks.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// The heading.
    pub(crate) name: String,
    /// Its line, from 1.
    pub(crate) line: usize,
    /// The blocks, in order.
    pub(crate) blocks: Vec<Block>,
}

/// One fenced block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The first word after the fence.
    pub(crate) kind: String,
    /// The other words.
    pub(crate) arguments: String,
    /// What stands between the fences.
    pub(crate) body: String,
    /// Where that is in the file, in bytes.
    pub(crate) range: Range<usize>,
    /// The line of the body's first line, from 1.
    pub(crate) line: usize,
}

/// How a scenario is played: which wire, which carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// The wire of the provider `fake`.
    pub(crate) wire: String,
    /// The carrier of the first client.
    pub(crate) carrier: Carrier,
}

/// The carrier of the first client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The Unix socket, one message a line.
    Socket,
    /// The Unix socket, with headers.
    SocketHeaders,
    /// The standard streams of `serve --stdio`, one message a line.
    Stdio,
    /// The same, with headers.
    StdioHeaders,
    /// A WebSocket, one message a frame.
    WebSocket,
}

impl Carrier {
    const ALL: [(&'static str, Self); 5] = [
        ("socket", Self::Socket),
        ("socket-headers", Self::SocketHeaders),
        ("stdio", Self::Stdio),
        ("stdio-headers", Self::StdioHeaders),
        ("websocket", Self::WebSocket),
    ];

    /// Returns whether the first client is the daemon's standard streams.
    pub(crate) const fn is_stdio(self) -> bool {
        matches!(self, Self::Stdio | Self::StdioHeaders)
    }

    /// Returns whether messages have headers.
    pub(crate) const fn has_headers(self) -> bool {
        matches!(self, Self::SocketHeaders | Self::StdioHeaders)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            Carrier::ALL.iter().find(|(_, carrier)| *carrier == self.carrier).map_or("", |(name, _)| name);
        write!(f, "{} and {name}", self.wire)
    }
}

const KINDS: [&str; 14] = [
    "play", "file", "remove", "link", "config", "model", "client", "journal", "prompt", "stable", "tree",
    "crash", "nowhere", "told",
];

/// Reads a file.
pub(crate) fn scenarios(text: &str) -> Result<Vec<Scenario>, String> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut open: Option<Block> = None;
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_end();
        let start = at;
        at += line.len();
        if let Some(block) = &mut open {
            if bare == "```" {
                block.range.end = start;
                text[block.range.clone()].clone_into(&mut block.body);
                let scenario = scenarios.last_mut().ok_or("a block before the first heading")?;
                scenario.blocks.extend(open.take());
            }
        } else if let Some(info) = bare.strip_prefix("```") {
            let (kind, arguments) = info.split_once(' ').unwrap_or((info, ""));
            if !KINDS.contains(&kind) {
                return Err(format!("line {}: no block is called `{kind}`", index + 1));
            }
            let (kind, arguments) = (kind.to_owned(), arguments.trim().to_owned());
            open = Some(Block { kind, arguments, body: String::new(), range: at..at, line: index + 2 });
        } else if let Some(name) = bare.strip_prefix("## ") {
            scenarios.push(Scenario { name: name.to_owned(), line: index + 1, blocks: Vec::new() });
        }
    }
    match open {
        Some(block) => Err(format!("line {}: the block is not closed", block.line)),
        None => Ok(scenarios),
    }
}

impl Scenario {
    /// Returns the value of a line `NAME: value` in the scenario's `play` block.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings(name).next()
    }

    /// Returns the values of all such lines.
    pub(crate) fn settings<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let lines =
            self.blocks.iter().filter(|block| block.kind == "play").flat_map(|block| block.body.lines());
        let prefix = format!("{name}:");
        lines.filter_map(move |line| line.strip_prefix(prefix.as_str()).map(str::trim))
    }

    /// Returns every way the scenario is played.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let wires: Vec<&str> = self.setting("wires").unwrap_or("openai-chat").split_whitespace().collect();
        let names: Vec<&str> = self.setting("carriers").unwrap_or("socket").split_whitespace().collect();
        let named = Carrier::ALL.iter().filter(|(name, _)| names.contains(name)).map(|(_, carrier)| *carrier);
        let carriers: Vec<Carrier> = named.collect();
        let way = |wire: &&str| {
            let wire = (*wire).to_owned();
            carriers.iter().map(move |carrier| Way { wire: wire.clone(), carrier: *carrier })
        };
        wires.iter().flat_map(way).collect()
    }

    /// Returns a further way to play a scenario that does not care about carriers.
    pub(crate) fn way_over_websocket(&self) -> Option<Way> {
        let wire = self.ways().into_iter().next()?.wire;
        self.setting("carriers").is_none().then_some(Way { wire, carrier: Carrier::WebSocket })
    }

    /// Returns the scenario with the blocks as they will be once `rewrites` are applied.
    pub(crate) fn rewritten(&self, rewrites: &[Rewrite]) -> Self {
        let mut scenario = self.clone();
        for block in &mut scenario.blocks {
            if let Some(rewrite) = rewrites.iter().find(|rewrite| rewrite.range == block.range) {
                rewrite.text.clone_into(&mut block.body);
            }
        }
        scenario
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_place() {
        let text = "# Title\n\n## One\n\nProse.\n\n```file a b\nx\n```\n\n## Two\n\n```crash\n```\n";
        let found = scenarios(text).unwrap();
        assert_eq!((found.len(), found[0].name.as_str(), found[0].line), (2, "One", 3));
        let block = &found[0].blocks[0];
        assert_eq!(
            (block.kind.as_str(), block.arguments.as_str(), block.body.as_str()),
            ("file", "a b", "x\n")
        );
        assert_eq!(&text[block.range.clone()], "x\n");
        assert_eq!(found[1].blocks[0].body, "");
        assert!(scenarios("## A\n```flie a\n```\n").is_err() && scenarios("## A\n```file a\n").is_err());
    }
}
