//! The code of a module names only the modules of its `Imports:` line.
//!
//! Not here: foreign crates (`foreign`).
//! What counts is `crate::NAME`, also in braces; `tenon_protocol` counts as `protocol`.
//! `super::` is refused because it names a neighbour without the word `crate`.

use super::Finding;
use super::layers::Layer;
use super::source::{SourceFile, find_word, has_word, line_number};

/// Finds uses of modules that the table does not allow. Tests may use anything.
pub(crate) fn check(layers: &[Layer], sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources {
        let Some(layer) = layers.iter().find(|layer| file.module() == Some(&layer.module)) else { continue };
        for (number, name) in named(file) {
            let is_module = name == "protocol" || layers.iter().any(|other| other.module == name);
            if is_module && name != layer.module && !layer.imports.contains(&name) {
                let message = format!("`{}` may not import `{name}` (ARCHITECTURE.md)", layer.module);
                findings.push(Finding::new(&file.path, number, message));
            }
        }
        let outward =
            file.code_lines().filter(|(_, line)| has_word(line, "super") && !line.contains("pub(super)"));
        let message = "names a neighbour with `super::`; write `crate::…`";
        findings.extend(outward.map(|(number, _)| Finding::new(&file.path, number, message)));
    }
    findings
}

/// Returns what follows `crate::` anywhere in the code, with its line.
fn named(file: &SourceFile) -> Vec<(usize, String)> {
    let code = file.code_text();
    let mut found = Vec::new();
    for at in find_word(&code, "crate") {
        if let Some(path) = code[at + "crate".len()..].strip_prefix("::") {
            found.extend(heads(path).into_iter().map(|name| (line_number(&code, at), name)));
        }
    }
    found
        .extend(find_word(&code, "tenon_protocol").map(|at| (line_number(&code, at), "protocol".to_owned())));
    found
}

/// Returns the first names of a path: one of `a::b`, two of `{a::b, c}`.
fn heads(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let mut depth = 0_usize;
    let mut names = vec![word(group.trim_start())];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn word(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::layers;

    const TABLE: &str = "| module | holds | may import |\n|-|-|-|\n| `wire` | x | router, base |\n\
        | `router` | x | protocol, base |\n| `journal` | x | base |\n| `base` | x | – |\n";

    #[track_caller]
    fn finds(path: &str, code: &str, expected: &[&str]) {
        let layers = layers::parse(TABLE).unwrap();
        let found = check(&layers, &[SourceFile::new(path, code)]);
        let messages: Vec<_> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages, expected);
    }

    #[test]
    fn what_the_table_allows_passes() {
        finds(
            "agent/src/wire/codec.rs",
            "use crate::router::Router;\nuse crate::{base::Clock, wire::Frame};\n",
            &[],
        );
        finds("agent/src/router.rs", "use tenon_protocol::ids::SessionId;\n", &[]);
    }

    #[test]
    fn a_use_is_found() {
        finds(
            "agent/src/wire.rs",
            "use crate::journal;\n",
            &["`wire` may not import `journal` (ARCHITECTURE.md)"],
        );
    }

    #[test]
    fn a_use_in_braces_over_lines_is_found() {
        let code = "use crate::{\n    base::{a, b},\n    journal::Journal,\n};\n";
        finds("agent/src/wire.rs", code, &["`wire` may not import `journal` (ARCHITECTURE.md)"]);
    }

    #[test]
    fn a_path_in_code_is_found() {
        let code = "fn open() { crate::router::open() }\n";
        finds("agent/src/journal/x.rs", code, &["`journal` may not import `router` (ARCHITECTURE.md)"]);
    }

    #[test]
    fn the_wire_types_are_found() {
        let code = "use tenon_protocol::ids::SessionId;\n";
        finds("agent/src/journal.rs", code, &["`journal` may not import `protocol` (ARCHITECTURE.md)"]);
    }

    #[test]
    fn comments_strings_and_tests_are_free() {
        let code = "// crate::journal\nconst A: &str = \"crate::journal\";\n#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::journal;\n}\n";
        finds("agent/src/wire.rs", code, &[]);
    }

    #[test]
    fn a_neighbour_is_found() {
        finds(
            "agent/src/wire.rs",
            "use super::journal;\n",
            &["names a neighbour with `super::`; write `crate::…`"],
        );
    }
}
