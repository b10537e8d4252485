//! What a command's words hint at, beyond the commands they name: programs, paths and hosts that a rule is about. Hints lead
//! to a question, never to a denial: a word need not be what it looks like. Not here: what follows from them (`policy`).
use std::collections::BTreeSet;

use crate::approvals::matching::{resembles, wildcard};
use crate::approvals::shell::{self, Analysis, WORDS_MAX, Words};
use crate::config::rule::{Pattern, Rule};

/// What separates the parts of a word that hands a command, a path or a host to somebody: `--to-command=a b`, `x::a`.
const WITHIN_WORDS: &[char] =
    &['=', '!', ':', ';', '|', '&', '(', ')', '{', '}', '<', '>', ',', '%', '\'', '"', '\\', '@', '`', '$'];

/// Programs that reach some host whatever their arguments are.
const NETWORK_PROGRAMS: &[&str] = &[
    "aria2c", "curl", "ftp", "gh", "glab", "http", "httpie", "lftp", "nc", "ncat", "netcat", "rclone",
    "rsync", "scp", "sftp", "socat", "ssh", "telnet", "wget",
];

/// Returns a rule that the words hint at, with what they hint at.
pub(crate) fn hinted<'a>(
    rules: impl Iterator<Item = &'a Rule>,
    analysis: &Analysis,
) -> Option<(&'a Rule, &'static str)> {
    let rules: Vec<&Rule> = rules.collect();
    if rules.is_empty() {
        return None;
    }
    let named = Named::of(analysis);
    let word = |hint: &dyn Fn(&str) -> bool| named.words.iter().any(|word| hint(word));
    rules.into_iter().find_map(|rule| {
        let found = match rule.pattern() {
            Pattern::Command(pattern) => named.has_command(pattern),
            Pattern::Read(glob) | Pattern::Write(glob) => word(&|word| {
                // `--file=a`, `<a`: what stands behind the sign is the path.
                let path = word.rsplit(['=', '<', '>', ':', '@']).next().unwrap_or(word);
                glob.matches_folded(path.trim_start_matches("./")) || may_expand_to(path, rule.text())
            }),
            Pattern::Network(host) => {
                word(&|word| names_host(host, word))
                    || (host == "*"
                        && named.programs.iter().any(|program| NETWORK_PROGRAMS.contains(program)))
            }
        };
        let what = match rule.pattern() {
            Pattern::Command(_) => "a command",
            Pattern::Read(_) | Pattern::Write(_) => "a path",
            Pattern::Network(_) => "a host",
        };
        found.then_some((rule, what))
    })
}

/// What the words of a text name, each once: a text may repeat them thousands of times, and every rule is compared with them.
struct Named<'a> {
    /// The words of every command and every reading.
    words: BTreeSet<&'a str>,
    /// The programs, without their folders.
    programs: BTreeSet<&'a str>,
    /// The commands.
    commands: &'a [Words],
    /// What words are made of that hand a command to somebody.
    divided: Vec<Words>,
}

impl<'a> Named<'a> {
    fn of(analysis: &'a Analysis) -> Self {
        let all = || analysis.commands.iter().chain(&analysis.suspected);
        let is_divider = |c: char| c.is_whitespace() || WITHIN_WORDS.contains(&c);
        let whole: BTreeSet<&str> = analysis.commands.iter().flatten().map(String::as_str).collect();
        let divided = whole.into_iter().filter(|word| word.contains(is_divider));
        let parts =
            |word: &str| word.split(is_divider).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self {
            words: all().flatten().map(String::as_str).collect(),
            programs: all().filter_map(|words| words.first()).map(|word| shell::program(word)).collect(),
            commands: &analysis.commands,
            divided: divided.map(parts).collect(),
        }
    }

    /// Whether the pattern's command stands anywhere behind the first word, or inside a word.
    fn has_command(&self, pattern: &[String]) -> bool {
        let stands = |words: &Words, first: usize| {
            (first..words.len())
                .any(|start| resembles(pattern, &words[start..words.len().min(start + WORDS_MAX)]))
        };
        self.commands.iter().any(|words| stands(words, 1))
            || self.divided.iter().any(|parts| stands(parts, 0))
    }
}

/// Whether a word is a pattern of the shell's that may come to a path the rule is about: their last components could be
/// the same name.
fn may_expand_to(word: &str, rule: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    if !name.contains(['*', '?', '[', '{']) {
        return false;
    }
    let glob = rule.rsplit(['/', ':']).next().unwrap_or(rule);
    // The name that the rule is about, with something in place of what may be anything.
    let example: String = glob.chars().map(|c| if matches!(c, '*' | '?') { 'x' } else { c }).collect();
    if example.chars().all(|c| c == 'x') {
        return true;
    }
    // A leading `*` of the shell's leaves hidden files out.
    if example.starts_with('.') && name.starts_with(['*', '?']) {
        return false;
    }
    wildcard(&broad(name).to_lowercase(), &example.to_lowercase())
}

/// Returns the pattern with `*` for each set and choice in brackets, which may be anything.
fn broad(name: &str) -> String {
    let mut depth = 0_u32;
    name.chars().fold(String::new(), |mut broad, c| {
        match c {
            '[' | '{' => {
                depth += 1;
                broad.push('*');
            }
            ']' | '}' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            c => broad.push(c),
        }
        broad
    })
}

/// Whether a word names a host, alone or in an address.
fn names_host(pattern: &str, word: &str) -> bool {
    let behind_scheme = word.split_once("://").map(|(_, behind)| behind);
    let authority = behind_scheme.unwrap_or(word).split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split_once(':').map_or(host, |(host, _)| host).trim_end_matches('.').to_lowercase();
    if pattern == "*" {
        return behind_scheme.is_some();
    }
    !host.is_empty()
        && (wildcard(pattern, &host) || pattern.strip_prefix("*.").is_some_and(|top| host == top))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(rule: &str, command: &str) -> bool {
        let rule = Rule::parse(rule).unwrap();
        hinted(std::iter::once(&rule), &shell::analyse(command)).is_some()
    }

    #[test]
    fn a_command_is_hinted_at_wherever_it_stands() {
        for command in [
            "chrt 0 touch m",
            "cp /bin/touch t",
            "tar --checkpoint-action=exec=touch m",
            "git clone 'ext::touch% m'",
            "x 'touch m'",
            "x a=b,touch",
            "man touch",
        ] {
            assert!(hint("touch *", command), "{command}");
        }
        for command in ["cat touchy", "ls touch.txt", "git status", "cat xtouch"] {
            assert!(!hint("touch *", command), "{command}");
        }
        assert!(!hint("git push *", "grep -rn git docs"));
    }

    #[test]
    fn paths_are_hinted_at_by_words_and_by_what_they_may_expand_to() {
        for command in
            ["cat .env", "cat ./a/.env", "x --f=.env", "cat < .env", "cat .e*", "cat a/.en?", "cat .{env,x}"]
        {
            assert!(hint("read:**/.env", command), "{command}");
        }
        for command in ["cat *.rs", "cat *", "ls env", "cat .envrc"] {
            assert!(!hint("read:**/.env", command), "{command}");
        }
        assert!(hint("write:**/*.pem", "rm certs/*"));
        assert!(!hint("write:**/*.pem", "rm *.rs"));
    }

    #[test]
    fn hosts_are_hinted_at_by_addresses() {
        for command in [
            "curl https://evil.example.org/x?y",
            "git clone git@evil.example.org:a/b",
            "ssh evil.example.org",
            "nc EVIL.example.org. 80",
            "x --url=https://me:pw@evil.example.org:8443",
        ] {
            assert!(hint("net:evil.example.org", command), "{command}");
            assert!(hint("net:*.example.org", command), "{command}");
        }
        assert!(!hint("net:evil.example.org", "curl https://good.example.org"));
        assert!(hint("net:*", "wget x") && hint("net:*", "x http://a") && !hint("net:*", "ls a"));
    }
}
