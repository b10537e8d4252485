//! The manual of the configuration, spec/config.md, has the table of keys as it is. Not here: its prose.
use std::path::Path;

use crate::config::schema::{KEYS, Key};

/// What stands around the table.
const MARKS: [&str; 2] = ["<!-- keys: generated -->\n", "<!-- keys: end -->"];

fn table() -> String {
    let mut table = "| key | takes | a workspace may | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for Key { name, shape, narrowing, help } in KEYS {
        let workspace = narrowing.of_workspaces().unwrap_or("–");
        let name = name.replace(".*", ".NAME");
        let takes = shape.allowed();
        table.extend(["| `", &name, "` | ", &takes, " | ", workspace, " | ", help, " |\n"]);
    }
    table
}

#[test]
fn the_manual_has_every_key_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/config.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (found, after) = rest.split_once(MARKS[1]).unwrap();
    let expected = table();
    #[expect(clippy::disallowed_methods, reason = "the test's own switch, as the scenarios have it")]
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1");
    if is_update {
        std::fs::write(&path, format!("{before}{}{expected}{}{after}", MARKS[0], MARKS[1])).unwrap();
        return;
    }
    assert_eq!(found, expected, "UPDATE_EXPECT=1 writes the table into spec/config.md");
}
