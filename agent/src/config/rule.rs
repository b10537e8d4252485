//! One standing rule, parsed: `cargo test *`, `read:GLOB`, `write:GLOB`, `shell:PATTERN`, `net:HOST`.
//! Not here: what a command comes to and whether a rule matches it (`approvals`).
use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

/// Longest pattern, in bytes: a rule is read by people.
const PATTERN_BYTES_MAX: usize = 1024;

/// A rule with the text it was written as.
#[derive(Clone)]
pub(crate) struct Rule {
    text: String,
    pattern: Pattern,
}

/// What a rule is about.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// A command: words separated by white space, `*` and `?` inside a word; a last word `*` is any rest, none included.
    Command(Vec<String>),
    /// Reading paths relative to the workspace root.
    Read(PathGlob),
    /// Writing paths relative to the workspace root.
    Write(PathGlob),
    /// A host, in lower case; `*.example.org` is every host beneath it, `*` is every host.
    Network(String),
}

/// A glob over a path; `*` stays within a component, `**` does not.
#[derive(Clone, Debug)]
pub(crate) struct PathGlob {
    exact: GlobMatcher,
    folded: GlobMatcher,
}

impl PathGlob {
    /// Returns whether the relative path, with `/` between components, matches letter by letter: for what allows.
    pub(crate) fn matches(&self, path: &str) -> bool {
        self.exact.is_match(path)
    }

    /// Returns whether it matches with letter case aside: for what asks or denies, which must hold on file systems that
    /// fold it.
    pub(crate) fn matches_folded(&self, path: &str) -> bool {
        self.folded.is_match(path)
    }
}

/// A rule that cannot be understood: it is an error of the file it stands in, never ignored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleError {
    /// Nothing but white space, or nothing after the colon.
    #[error("the rule is empty")]
    Empty,
    /// Over the limit.
    #[error("the rule is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    /// The glob does not compile.
    #[error("the glob is not valid: {0}")]
    Glob(String),
    /// A host with other characters than a name or an address has.
    #[error("{0:?} is not a host: a name or an address, without a port")]
    Host(String),
}

impl Rule {
    /// Parses a rule.
    ///
    /// # Errors
    /// The rule is empty, too long, or its glob or host is not valid.
    pub(crate) fn parse(text: &str) -> Result<Self, RuleError> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(RuleError::TooLong);
        }
        let trimmed = text.trim();
        let pattern = match trimmed.split_once(':') {
            Some(("read", glob)) => Pattern::Read(path_glob(glob)?),
            Some(("write", glob)) => Pattern::Write(path_glob(glob)?),
            Some(("net", host)) => Pattern::Network(checked_host(host)?),
            Some(("shell", command)) => Pattern::Command(words(command)?),
            Some(_) | None => Pattern::Command(words(trimmed)?),
        };
        Ok(Self { text: trimmed.to_owned(), pattern })
    }

    /// Returns the rule as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns what the rule is about.
    pub(crate) const fn pattern(&self) -> &Pattern {
        &self.pattern
    }
}

fn words(command: &str) -> Result<Vec<String>, RuleError> {
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() { Err(RuleError::Empty) } else { Ok(words) }
}

fn path_glob(glob: &str) -> Result<PathGlob, RuleError> {
    let glob = glob.trim();
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    if glob.is_empty() {
        return Err(RuleError::Empty);
    }
    let build = |folded| {
        let mut builder = GlobBuilder::new(glob);
        let glob = builder.literal_separator(true).backslash_escape(true).case_insensitive(folded).build();
        glob.map(|glob| glob.compile_matcher()).map_err(|error| RuleError::Glob(error.kind().to_string()))
    };
    Ok(PathGlob { exact: build(false)?, folded: build(true)? })
}

fn checked_host(host: &str) -> Result<String, RuleError> {
    let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
    let unbracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    if let Ok(address) = unbracketed.parse::<std::net::Ipv6Addr>() {
        return Ok(format!("[{address}]"));
    }
    let bare = host.strip_prefix("*.").unwrap_or(&host);
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if bare.is_empty() {
        Err(RuleError::Empty)
    } else if bare != "*" && !bare.chars().all(valid) {
        // A port would never match: rules are about hosts, and a denial must not be ignored.
        Err(RuleError::Host(host))
    } else {
        Ok(host)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({:?})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_parsed_by_their_prefix() {
        let pattern = |text: &str| Rule::parse(text).unwrap().pattern().clone();
        assert!(
            matches!(pattern("cargo test *"), Pattern::Command(words) if words == ["cargo", "test", "*"])
        );
        assert!(matches!(pattern("shell:git status"), Pattern::Command(words) if words.len() == 2));
        assert!(
            matches!(pattern("net:API.example.org"), Pattern::Network(host) if host == "api.example.org")
        );
        assert!(matches!(pattern("net:::1"), Pattern::Network(host) if host == "[::1]"));
        assert!(matches!(pattern("net:[2001:DB8::1]"), Pattern::Network(host) if host == "[2001:db8::1]"));
        assert!(matches!(pattern("read:**/.env"), Pattern::Read(glob)
            if glob.matches(".env") && glob.matches_folded("a/b/.ENV") && !glob.matches_folded("a/.environment")));
        assert!(matches!(pattern("write:./src/*"), Pattern::Write(glob)
            if glob.matches("src/a.rs") && !glob.matches("src/a/b.rs") && !glob.matches("SRC/a.rs")));
    }

    #[test]
    fn broken_rules_are_errors() {
        assert_eq!(Rule::parse("  "), Err(RuleError::Empty));
        assert_eq!(Rule::parse("read:"), Err(RuleError::Empty));
        assert_eq!(Rule::parse("shell: "), Err(RuleError::Empty));
        assert!(matches!(Rule::parse("write:[a"), Err(RuleError::Glob(_))));
        assert!(matches!(Rule::parse("net:a b"), Err(RuleError::Host(_))));
        assert!(matches!(Rule::parse("net:localhost:8080"), Err(RuleError::Host(_))));
        assert_eq!(Rule::parse(&"x".repeat(2000)), Err(RuleError::TooLong));
    }
}
