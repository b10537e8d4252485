//! `tenon config`: what counts and why, changes and their races, wrong keys and values. Not here: what each key means.
use std::fs;

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::running::Finished;

const FILE: &str = "model = \"mine/small\" # the one\n\n[providers.mine]\nwire = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\nheaders = { x-token = \"test-key\" }\n";

fn home() -> Home {
    let home = Home::new().unwrap();
    home.configure(FILE).unwrap();
    home
}

/// Runs `tenon config` with these words, which ends with `code`.
fn config(home: &Home, words: &[&str], code: i32) -> Finished {
    let words: Vec<&str> = ["config"].iter().chain(words).copied().collect();
    home.tenon(&words).unwrap().expect(code).unwrap()
}

fn text(home: &Home) -> String {
    fs::read_to_string(home.config_file()).unwrap()
}

#[test]
fn what_is_set_is_told_with_what_goes_before_it() {
    let home = home();
    assert_eq!(config(&home, &["get", "limits.steps"], 0).stdout, "25\n");
    assert_eq!(config(&home, &["get", "model"], 0).stdout, "mine/small\n");
    let set = config(&home, &["set", "limits.steps", "7"], 0);
    assert!(set.stdout.is_empty() && set.stderr.contains("limits.steps is 7 now"), "{set:#?}");
    assert_eq!(config(&home, &["get", "limits.steps"], 0).stdout, "7\n");
    assert!(text(&home).starts_with("model = \"mine/small\" # the one\n"), "comments stay");
    let other = home.with("TENON_LIMITS_STEPS", "9");
    let set = config(&other, &["set", "limits.steps", "8"], 0);
    assert!(set.stderr.contains("TENON_LIMITS_STEPS") && set.stderr.contains("9 counts"), "{set:#?}");
    let explained = config(&other, &["explain", "limits.steps"], 0);
    let rows: Vec<&str> = explained.stdout.lines().skip(1).map(str::trim_end).collect();
    assert!(
        rows[0].contains("built in") && rows[1].contains("config.toml:") && rows[2].contains('*'),
        "{explained:#?}"
    );
    assert!(explained.stderr.contains("a whole number from 1 to 10000"), "{explained:#?}");
    assert!(explained.stderr.contains("without the environment's it would be 8 (user)"), "{explained:#?}");
    let rows = config(&other, &["explain", "limits.steps", "--json"], 0).json_lines().unwrap();
    let counts: Vec<&Value> = rows.iter().map(|row| &row["counts"]).collect();
    assert_eq!(counts, [&json!(false), &json!(false), &json!(true)]);
    let unset = config(&other, &["unset", "limits.steps", "providers.mine"], 0);
    assert!(unset.stderr.contains("providers.mine is not set any more"), "{unset:#?}");
    assert!(!text(&other).contains("mine]") && !text(&other).contains("steps"), "{}", text(&other));
    config(&other, &["get", "limits.cost_usd"], 1);
}

#[test]
fn secrets_are_shown_by_no_command() {
    let home = home();
    for words in [
        &[][..],
        &["get"],
        &["get", "providers.mine.headers.x-token"],
        &["get", "providers", "--json"],
        &["explain", "providers.mine"],
        &["explain", "--json"],
        &["set", "providers.mine.headers.other", "test-key"],
    ] {
        let told = config(&home, words, 0);
        assert!(!format!("{told:?}").contains("test-key"), "{words:?}: {told:#?}");
    }
    assert_eq!(config(&home, &["get", "providers.mine.headers.other"], 0).stdout, "[redacted]\n");
    assert!(text(&home).contains("other = \"test-key\""));
}

#[test]
fn what_is_wrong_is_refused_with_what_is_right() {
    let home = home();
    for (words, told) in [
        (&["set", "limits.step", "5"][..], "did you mean limits.steps?"),
        (&["get", "limit.steps"], "did you mean limits.steps?"),
        (&["unset", "modle"], "did you mean model?"),
        (&["explain", "zebra"], "zebra: unknown key"),
        (&["set", "limits", "5"], "limits is a table"),
        (&["set", "limits.steps", "many"], "a whole number from 1 to 10000"),
        (&["set", "limits.steps", "1", "2"], "takes one value"),
        (&["set", "profile", "nobody"], "nobody"),
        (&["set", "providers.other.base_url", "http://h/v1"], "wire"),
        (&["set", "rules.deny", "read:["], "unclosed"),
        (&["add", "model", "x"], "is no list"),
        (&["set", "--session", "s_none", "rules.deny", "ls"], "s_none"),
        (&["set", "--workspace", "limits.steps", "5"], "not trusted"),
        (&["set", "--workspace", "--session", "s_1", "model", "x"], "cannot be used with"),
        (&["set", "limits.steps"], "VALUE"),
    ] {
        let words: Vec<&str> = ["config"].iter().chain(words).copied().collect();
        let refused = home.tenon(&words).unwrap();
        assert!(refused.code != Some(0) && refused.stderr.contains(told), "{words:?}: {refused:#?}");
        assert_eq!(refused.stdout, "", "{words:?}");
    }
    assert_eq!(text(&home), FILE, "nothing was written");
}

#[test]
fn a_workspace_may_only_narrow_and_counts_where_it_is_trusted() {
    let home = home();
    home.write(".tenon/config.toml", "[limits]\nsteps = 3\n").unwrap();
    let untrusted = config(&home, &["get", "limits.steps"], 0);
    assert!(untrusted.stdout == "25\n" && untrusted.stderr.contains("not trusted"), "{untrusted:#?}");
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    assert_eq!(config(&home, &["get", "limits.steps"], 0).stdout, "3\n");
    let set = config(&home, &["set", "limits.steps", "5"], 0);
    assert!(set.stderr.contains(".tenon/config.toml:2) goes before it: 3 counts"), "{set:#?}");
    config(&home, &["set", "--workspace", "limits.steps", "4"], 0);
    assert_eq!(home.read(".tenon/config.toml"), "[limits]\nsteps = 4\n");
    let wider = config(&home, &["set", "--workspace", "limits.steps", "50"], 2);
    assert!(wider.stderr.contains("only lower"), "{wider:#?}");
    config(&home, &["add", "--workspace", "rules.deny", "rm -rf *", "sudo *"], 0);
    let denied = config(&home, &["get", "rules.deny"], 0);
    assert_eq!(denied.stdout, "[\"rm -rf *\", \"sudo *\"]\n");
    config(&home, &["remove", "--workspace", "rules.deny", "sudo *"], 0);
    assert_eq!(config(&home, &["get", "rules.deny"], 0).stdout, "[\"rm -rf *\"]\n");
    let absent = config(&home, &["remove", "rules.deny", "rm -rf *"], 1);
    assert!(
        absent.stderr.contains("has no entry") && absent.stderr.contains("config explain"),
        "{absent:#?}"
    );
}

#[test]
fn a_lost_race_says_so_and_a_list_is_never_lost() {
    let home = home();
    let rev = config(&home, &["rev"], 0).stdout.trim().to_owned();
    let set = config(&home, &["set", "limits.steps", "5", "--if-rev", &rev, "--json"], 0);
    let told = &set.json_lines().unwrap()[0];
    assert_eq!((&told["value"], &told["layer"]), (&json!(5), &json!("user")));
    assert_eq!(told["rev"], config(&home, &["rev"], 0).stdout.trim());
    let lost = config(&home, &["set", "limits.steps", "6", "--if-rev", &rev], 1);
    assert!(lost.stderr.contains("not ") && lost.stderr.contains(&rev), "{lost:#?}");
    assert_eq!(config(&home, &["get", "limits.steps"], 0).stdout, "5\n");
    let entries: Vec<String> = (0..6).map(|number| format!("tool-{number} *")).collect();
    let started = entries.iter().map(|entry| home.start(&["config", "add", "rules.allow", entry]).unwrap());
    for running in started.collect::<Vec<_>>() {
        running.finish().unwrap().expect(0).unwrap();
    }
    let list = config(&home, &["get", "rules.allow"], 0).stdout;
    assert!(entries.iter().all(|entry| list.contains(entry)), "{list}");
}

#[test]
fn a_sessions_settings_are_its_own() {
    let home = home();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    let workspace = json!({"workspace": home.workspace()}).to_string();
    let opened = home.tenon(&["rpc", "agent/open", &workspace]).unwrap().expect(0).unwrap();
    let opened: Value = serde_json::from_str(&opened.stdout).unwrap();
    let session = opened["session"]["id"].as_str().unwrap();
    let set = config(&home, &["set", "--session", session, "limits.steps", "4"], 0);
    assert!(set.stderr.contains("limits.steps is 4 now"), "{set:#?}");
    assert_eq!(config(&home, &["get", "limits.steps", "--session", session], 0).stdout, "4\n");
    assert_eq!(config(&home, &["get", "limits.steps"], 0).stdout, "25\n");
}

#[test]
fn a_file_that_is_wrong_can_be_mended_by_a_command() {
    let home = Home::new().unwrap();
    home.configure("profile = 7\n").unwrap();
    let wrong = config(&home, &["get", "profile"], 2);
    assert!(wrong.stderr.contains("config.toml:1: profile"), "{wrong:#?}");
    config(&home, &["set", "profile", "edit"], 0);
    assert_eq!(config(&home, &["get", "profile"], 0).stdout, "edit\n");
    home.configure("profile = 7\n").unwrap();
    let kept = config(&home, &["get", "profile"], 0);
    assert!(kept.stdout == "edit\n" && kept.stderr.contains("the last good one is in force"), "{kept:#?}");
}

#[test]
fn keys_are_listed_and_completed() {
    let home = Home::new().unwrap();
    let keys = config(&home, &["keys", "--json"], 0).json_lines().unwrap();
    assert!(keys.iter().any(|key| key["key"] == "providers.NAME.wire" && key["workspace"].is_null()));
    assert!(config(&home, &["keys"], 0).stdout.contains("limits.steps"));
    assert!(home.daemon().unwrap().is_none(), "the table of keys needs no agent");
    for shell in ["bash", "zsh", "fish"] {
        let script = home.tenon(&["completions", shell]).unwrap().expect(0).unwrap().stdout;
        assert!(script.contains("daemon.linger_s") && script.contains("retry_budget_s"), "{shell}");
    }
}
