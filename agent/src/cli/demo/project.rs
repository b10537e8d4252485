//! The sample project, its scripted model, and the agent's configuration for it. Not here: playing it.
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::demo::TEST_COMMAND;
use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;

/// What the person in the demonstration asks for.
pub(crate) const PROMPT: &str =
    "The test in shop.test fails. Find out why, fix it, and show me that it passes.";

/// What they want planned then.
pub(crate) const GOAL: &str =
    "Plan two changes: say in the comment how the price is made, and raise shipping to 6.";

/// The file that is planned for.
pub(crate) const RULES_FILE: &str = "shop.rules";

/// What tests it.
pub(crate) const TEST_FILE: &str = "shop.test";

/// The model's name, as settings name it.
pub(crate) const MODEL: &str = "demo/script";

const RULES: &str = "\
# What an order costs, in whole units.
subtotal = apples * 2 + pears * 3
discount = subtotal * 10 / 100
shipping = 5
total = subtotal + discount + shipping
";

const TESTS: &str = "\
# Ten of each: 50 before the discount of 5, and 5 for shipping.
given apples = 10, pears = 10
expect subtotal = 50
expect discount = 5
expect total = 50
";

/// The line with the mistake, and what it should be.
const WRONG: &str = "total = subtotal + discount + shipping";
const RIGHT: &str = "total = subtotal - discount + shipping";

/// The comment, and what is planned for it.
const COMMENT: &str = "# What an order costs, in whole units.";
const LONGER: &str = "# What an order costs, in whole units: the goods, less the discount, and shipping.";

/// The pause between two deltas: a person can watch the text come, and the whole takes about a second.
const PAUSE_MS: u64 = 6;

#[derive(Serialize)]
struct Scenario {
    pause_ms: u64,
    step: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    #[serde(skip_serializing_if = "Option::is_none")]
    expect: Option<&'static str>,
    text: &'static str,
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    name: &'static str,
    arguments: Value,
}

/// Writes the project, the scenario and the configuration beneath `directory`.
pub(crate) fn write(directory: &Path, program: &Path) -> Result<(), Failure> {
    let scenario = toml::to_string(&scenario(program))
        .map_err(|error| Failure::failed(format!("the scenario cannot be written: {error}")))?;
    let script = directory.join("model.toml");
    let configuration = format!(
        "model = \"{MODEL}\"\nprofile = \"review\"\n\n[providers.demo]\nwire = \"script\"\nfile = {}\n",
        toml::Value::String(script.display().to_string()),
    );
    let files = [
        (directory.join("project/shop.rules"), RULES),
        (directory.join("project/shop.test"), TESTS),
        (script, &scenario),
        (directory.join("config/tenon/config.toml"), &configuration),
    ];
    let write = |(file, text): &(std::path::PathBuf, &str)| -> io::Result<()> {
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, text)
    };
    fs::create_dir_all(directory.join("home"))
        .and_then(|()| files.iter().try_for_each(write))
        .map_err(|error| Failure::failed(format!("the sample project cannot be written: {error}")))
}

fn scenario(program: &Path) -> Scenario {
    let test = format!("{} {TEST_COMMAND} shop.test", quoted(&program.display().to_string()));
    let call = |name, arguments| Call { name, arguments };
    let step = |expect, text, calls| Step { expect, text, calls };
    Scenario {
        pause_ms: PAUSE_MS,
        step: vec![
            step(
                Some("shop.test fails"),
                "I look at the rules and where the discount is used.",
                vec![
                    call("read", json!({"path": "shop.rules"})),
                    call("grep", json!({"pattern": "discount"})),
                ],
            ),
            step(
                Some("discount"),
                "Now the test, to see how it fails.",
                vec![call("shell", json!({"command": test}))],
            ),
            step(
                Some("total is 60, expected 50"),
                "The discount is added to the total instead of taken off.",
                vec![call("edit", json!({"path": "shop.rules", "old": WRONG, "new": RIGHT}))],
            ),
            step(None, "And the test again.", vec![call("shell", json!({"command": test}))]),
            step(
                Some("3 expectations passed"),
                "Fixed: `total` in shop.rules added the discount; now it takes it off, and the test passes.",
                vec![],
            ),
            step(
                Some("Plan two changes"),
                "Two edits of one file, a step each.",
                vec![
                    call(
                        "edit",
                        json!({"path": RULES_FILE, "old": COMMENT, "new": LONGER, "step": "comment"}),
                    ),
                    call(
                        "edit",
                        json!({"path": RULES_FILE, "old": "shipping = 5", "new": "shipping = 6", "step": "price"}),
                    ),
                ],
            ),
            step(Some("staged shop.rules"), "Both are staged. Nothing on disk has changed.", vec![]),
        ],
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./+".contains(&byte);
    if word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Returns what to try next.
pub(crate) fn farewell(terminal: Terminal) -> String {
    let rows = [
        ("tenon doctor", "what is set up here, and what a key is missing for"),
        ("tenon run \"explain this project\"", "a question to a real model, in any directory"),
        ("tenon run --profile edit \"fix the test\"", "edits without asking, commands still ask"),
        ("tenon log", "what happened, event by event"),
        ("tenon revert", "take back what the last turn did to files"),
    ];
    let mut text = format!("\n{}\n", terminal.bold("Try next"));
    for (command, what) in rows {
        let command = format!("{command:<42}");
        // Writing to a string does not fail.
        writeln!(text, "  {}{what}", terminal.cyan(&command)).ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::rules;

    #[test]
    fn the_project_fails_its_test_until_the_model_has_fixed_it() {
        let temp = tempfile::tempdir().unwrap();
        write(temp.path(), Path::new("/opt/with space/tenon")).unwrap();
        let project = temp.path().join("project");
        let before = rules::test(&project.join("shop.test")).unwrap();
        assert!(before.text.contains("total is 60, expected 50"), "{}", before.text);
        let fixed = RULES.replacen(WRONG, RIGHT, 1);
        assert_ne!(fixed, RULES);
        fs::write(project.join("shop.rules"), fixed).unwrap();
        let after = rules::test(&project.join("shop.test")).unwrap();
        assert!(after.text.contains("3 expectations passed"), "{}", after.text);
    }

    #[test]
    fn the_prompt_and_the_command_fit_the_scenario() {
        let scenario = scenario(Path::new("/opt/with space/tenon"));
        assert!(PROMPT.contains(scenario.step[0].expect.unwrap()));
        let command = scenario.step[1].calls[0].arguments["command"].as_str().unwrap();
        assert_eq!(command, "'/opt/with space/tenon' __demo-test shop.test");
    }
}
