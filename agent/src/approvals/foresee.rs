//! What well-known commands need beyond their confinement, told from their words, so that the question about them names it.
//! Not here: the commands, which are data (`agent/data/needs.toml`), and whether they may have it (`policy`).
//!
//! It only fills in a question. A command of which nothing is foreseen may still need something, and says so itself.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::approvals::shell::{self, Words};
use crate::sandbox::Foreseen;

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    known: Vec<Known>,
    moved: Vec<Moved>,
}

/// Commands of some programs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    programs: Vec<String>,
    words: Vec<String>,
    #[serde(default)]
    write: Vec<String>,
    /// Caches that it writes: needs where it gets no copies of them.
    #[serde(default)]
    caches: Vec<String>,
    #[serde(default)]
    net: Vec<String>,
}

/// A folder that a variable puts elsewhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    path: String,
    variable: String,
    /// What of the folder follows the variable's value.
    #[serde(default)]
    inner: String,
}

/// Empty for a table that does not parse: nothing is foreseen then, and nothing granted. A test reads it.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/needs.toml")).unwrap_or_default());

/// Options whose next word belongs to them.
const WITH_VALUE: [&str; 8] =
    ["-C", "-c", "--cwd", "--dir", "--git-dir", "--manifest-path", "--prefix", "--work-tree"];

/// Returns what a command needs, as far as its words tell, and the caches that it writes, as needs name paths. `environment` is the
/// session's.
pub(crate) fn foresee(command: &str, environment: &BTreeMap<String, String>) -> Foreseen {
    let analysis = shell::analyse(command);
    let mut needs = Foreseen::default();
    for words in analysis.commands.iter().chain(&analysis.suspected) {
        of_words(words, environment, &mut needs);
    }
    needs
}

fn of_words(words: &Words, environment: &BTreeMap<String, String>, foreseen: &mut Foreseen) {
    let Some(program) = words.first().map(|word| shell::program(word)) else { return };
    let plain = plain_words(&words[1..]);
    let is_it = |known: &&Known| {
        known.programs.iter().any(|name| name == program)
            && known.words.iter().any(|wanted| begins(&plain, wanted))
    };
    for known in TABLE.known.iter().filter(is_it) {
        let Foreseen { needs, caches } = &mut *foreseen;
        needs.write.extend(known.write.iter().map(|path| placed(path, environment)));
        caches.extend(known.caches.iter().map(|path| placed(path, environment)));
        needs.net.extend(known.net.iter().cloned());
        if program == "git" {
            needs.net.extend(words.iter().filter_map(|word| remote_host(word)));
        }
    }
}

/// Returns the words that are no options, and not what belongs to one.
fn plain_words(words: &[String]) -> Vec<&str> {
    let mut plain = Vec::new();
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        if WITH_VALUE.contains(&word) {
            rest.next();
        } else if !word.starts_with(['-', '+']) {
            plain.push(word);
        }
    }
    plain
}

fn begins(words: &[&str], wanted: &str) -> bool {
    match wanted {
        "*" => true,
        "" => words.is_empty(),
        wanted => {
            let mut words = words.iter();
            wanted.split(' ').all(|one| words.next() == Some(&one))
        }
    }
}

/// Returns where a folder really is.
fn placed(path: &str, environment: &BTreeMap<String, String>) -> String {
    let moved = TABLE.moved.iter().find(|moved| moved.path == path);
    let place = moved.and_then(|moved| {
        let value = environment.get(&moved.variable).filter(|value| value.starts_with('/'))?;
        let inner = if moved.inner.is_empty() { String::new() } else { format!("/{}", moved.inner) };
        Some(format!("{value}{inner}"))
    });
    let home = environment.get("HOME").map(Path::new);
    match (place, home) {
        (Some(place), Some(home)) => match Path::new(&place).strip_prefix(home).ok().and_then(Path::to_str) {
            Some(inner) => format!("~/{inner}"),
            None => place,
        },
        (Some(place), None) => place,
        (None, _) => path.to_owned(),
    }
}

/// Returns the host of a repository's address.
fn remote_host(word: &str) -> Option<String> {
    let authority = match word.split_once("://") {
        Some((_, behind)) => behind.split('/').next()?,
        // `git@host:path`
        None => word.split_once('@')?.1.split_once(':')?.0,
    };
    let host = authority.rsplit('@').next()?.split(':').next()?.trim_end_matches('.').to_ascii_lowercase();
    let is_host =
        host.contains('.') && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    is_host.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str) -> String {
        let environment = BTreeMap::from([
            ("HOME".to_owned(), "/users/u".to_owned()),
            ("GOPATH".to_owned(), "/opt/go".to_owned()),
            ("UV_CACHE_DIR".to_owned(), "/users/u/uv".to_owned()),
        ]);
        let Foreseen { mut needs, caches } = foresee(command, &environment);
        needs.write.extend(caches);
        needs.texts().join(" ")
    }

    #[test]
    fn the_table_parses() {
        let table: Table = toml::from_str(include_str!("../../data/needs.toml")).unwrap();
        assert!(!table.known.is_empty() && !table.moved.is_empty());
        for known in &table.known {
            let names = known.write.len() + known.caches.len() + known.net.len();
            assert!(names > 0, "{:?}", known.programs);
        }
    }

    #[test]
    fn well_known_commands_say_what_they_need() {
        assert_eq!(check("git commit -m 'one thing'"), "write:.git");
        assert_eq!(check("git -C sub -c a.b=c add ."), "write:.git");
        assert_eq!(check("cd x && git add -A && git commit -m y | cat"), "write:.git");
        assert_eq!(check("git clone https://git.example.org/a/b.git"), "write:.git net:git.example.org");
        assert_eq!(check("git fetch git@git.example.org:a/b"), "write:.git net:git.example.org");
        let cargo = "write:~/.cargo net:crates.io net:index.crates.io net:static.crates.io";
        assert_eq!(check("cargo +nightly add serde --features derive"), cargo);
        assert_eq!(check("npm i"), "write:~/.npm net:registry.npmjs.org");
        assert_eq!(
            check("yarn"),
            "write:~/.cache/yarn write:~/.yarn/berry net:registry.npmjs.org net:registry.yarnpkg.com"
        );
        let pip = "write:~/.cache/pip net:files.pythonhosted.org net:pypi.org";
        assert_eq!(check("python3 -m pip install -r requirements.txt"), pip);
        assert_eq!(check("sudo env A=b pip3 install x"), pip);
        assert!(check("go mod download").contains("write:/opt/go/pkg"), "{}", check("go mod download"));
        assert_eq!(check("go test ./..."), "write:~/.cache/go-build");
        assert!(check("uv sync").starts_with("write:~/uv "), "{}", check("uv sync"));
    }

    #[test]
    fn what_is_installed_for_the_person_is_no_cache() {
        let check = |command: &str| {
            let Foreseen { needs, caches } = foresee(command, &BTreeMap::new());
            (needs.write.into_iter().collect::<Vec<_>>(), caches.into_iter().collect::<Vec<_>>())
        };
        let one = |path: &str| vec![path.to_owned()];
        assert_eq!(check("cargo fetch"), (vec![], one("~/.cargo")));
        assert_eq!(check("cargo install x"), (one("~/.cargo"), vec![]));
        assert_eq!(check("pip install x"), (vec![], one("~/.cache/pip")));
        assert_eq!(check("go install ./..."), (one("~/go"), one("~/.cache/go-build")));
    }

    #[test]
    fn what_only_looks_or_builds_needs_nothing() {
        for command in [
            "git status",
            "git log --oneline",
            "git diff",
            "cargo test",
            "cargo build",
            "npm test",
            "npm run build",
            "python -m pytest",
            "echo git commit-ish",
            "ls",
            "",
        ] {
            assert_eq!(check(command), "", "{command}");
        }
    }
}
