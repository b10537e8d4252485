//! An administrator's policy, through the variable that puts a further one on top of the machine's: no file, flag, variable or
//! session gets around it; and the audit tells what was allowed.
use serde_json::{Value, json};
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::waiting;

/// Tries a command and a write, then says so.
fn script() -> Script {
    Script::function(|number, _| match number % 2 {
        0 => Reply::call("shell", &json!({"command": "touch marker"}))
            .and_call("write", &json!({"path": "a.txt", "content": "A\n"}))
            .and_call("write", &json!({"path": "b.txt", "content": "B\n"})),
        _ => Reply::text("done"),
    })
}

const RUN: &[&str] = &["run", "--quiet", "--profile", "full", "--model", "fake/x", "go"];

fn home(server: &ModelServer, policy: Option<&str>) -> Home {
    let home = Home::new().unwrap();
    let file = home.root().join("policy.toml");
    let home = match policy {
        Some(text) => {
            std::fs::write(&file, text).unwrap();
            home.with("TENON_POLICY_FILE", &file.display().to_string())
        }
        None => home,
    };
    let wide = "profile = \"full\"\nsandbox.level = 1\n[profiles.own]\nextends = \"full\"\n[rules]\nallow = [\"touch *\", \"write:**\"]\n";
    home.configure(&format!("{wide}{}", provider("openai-chat", server))).unwrap();
    home
}

#[test]
fn nothing_gets_around_a_policy() {
    let server = ModelServer::start(script()).unwrap();
    let policy = "profile = \"edit\"\n[rules]\ndeny = [\"write:a.txt\"]\n[limits]\nsteps = 7\n";
    let home = home(&server, Some(policy)).with("TENON_PROFILE", "full").with("TENON_LIMITS_STEPS", "99");
    for profile in ["full", "own"] {
        let run = ["run", "--quiet", "--profile", profile, "--max-steps", "50", "--model", "fake/x", "go"];
        // The command is asked about, and there is nobody to ask.
        home.tenon(&run).unwrap().expect(5).unwrap();
        assert!(
            !home.workspace().join("marker").exists() && !home.workspace().join("a.txt").exists(),
            "{profile}"
        );
        assert_eq!(home.read("b.txt"), "B\n");
        std::fs::remove_file(home.workspace().join("b.txt")).unwrap();
    }
    let explained = home.tenon(&["config", "explain", "rules"]).unwrap().expect(0).unwrap();
    assert!(
        explained.stdout.contains("policy") && explained.stdout.contains("write:a.txt"),
        "{explained:#?}"
    );
    let settings =
        r#"{"workspace": "/", "settings": {"profile": "full", "trust": "session", "limits": {"steps": 50}}}"#;
    let opened = home.tenon(&["rpc", "agent/open", settings]).unwrap().expect(0).unwrap();
    let opened: Value = serde_json::from_str(&opened.stdout).unwrap();
    assert_eq!(opened["snapshot"]["settings"]["limits"]["steps"], 7, "{opened}");
    assert_eq!(home.tenon(&["config", "get", "limits.steps"]).unwrap().stdout, "7\n");
    home.tenon(&["rules"]).unwrap().expect(0).unwrap();
}

/// The control.
#[test]
fn without_a_policy_full_is_full() {
    let server = ModelServer::start(script()).unwrap();
    let home = home(&server, None);
    home.tenon(RUN).unwrap().expect(0).unwrap();
    assert!(home.workspace().join("marker").exists() && home.read("a.txt") == "A\n");
}

#[test]
fn a_policy_that_does_not_count_permits_nothing() {
    let server = ModelServer::start(script()).unwrap();
    for policy in ["[rules]\ndney = [\"x\"]\n", "not toml", "[rules]\nallow = [\"x\"]\n"] {
        let home = home(&server, Some(policy));
        let run = home.tenon(RUN).unwrap();
        assert!(run.code != Some(0) && run.stderr.contains("policy.toml"), "{run:#?}");
        assert!(!home.workspace().join("marker").exists() && !home.workspace().join("b.txt").exists());
    }
}

#[test]
fn the_audit_tells_who_allowed_what_on_which_digest() {
    let server = ModelServer::start(script()).unwrap();
    let home = home(&server, None);
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    home.tenon(RUN).unwrap().expect(0).unwrap();
    home.tenon(&["run", "--quiet", "--profile", "review", "--model", "fake/x", "go"]).unwrap();
    let lines = home.tenon(&["log", "--audit"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    let ran = of("tool.started").into_iter().find(|line| line["tool"] == "shell").unwrap();
    assert_eq!((&ran["allowedBy"], &ran["sandbox"]), (&json!("the profile full allows commands"), &json!(1)));
    assert!(
        ran["digest"].as_str().is_some_and(|digest| digest.len() == 64) && ran["at"].is_string(),
        "{ran}"
    );
    assert_eq!(ran["allowed"], json!([{"what": "command", "by": "profile", "name": "full"}]), "{ran}");
    // In the second run somebody was asked, and nobody could answer.
    let answered = of("request.resolved");
    assert!(
        answered
            .iter()
            .any(|line| line["decision"] == "deny" && line["digest"].is_string() && line["by"].is_object())
    );
    assert!(!of("workspace.added").is_empty());
    let times: Vec<&str> = lines.iter().filter_map(|line| line["at"].as_str()).collect();
    assert!(times.is_sorted());
    home.tenon(&["log", "--audit", "--verify"]).unwrap().expect(2).unwrap();
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}

#[test]
fn the_audit_tells_what_opened_each_need() {
    let server = ModelServer::start(Script::function(|number, _| match number % 2 {
        0 => Reply::call("shell", &json!({"command": "true", "needs": {"write": ["~/.ruled", "~/.asked"]}})),
        _ => Reply::text("done"),
    }))
    .unwrap();
    let home = Home::new().unwrap();
    let configuration = format!(
        "profile = \"auto\"\nmodel = \"fake/x\"\n[rules]\nallow = [\"write:~/.ruled\", \"true\"]\n{}",
        provider("openai-chat", &server)
    );
    home.configure(&configuration).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    // A profile that asks about the command too; the level decides which of its parts are asked about.
    let session = waiting::session(&home).unwrap();
    let request = waiting::approval(&home).unwrap()["requestId"].as_str().unwrap().to_owned();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    home.tenon(&["requests", "answer", &request, "allow"]).unwrap().expect(0).unwrap();
    observed.event_of("turn.ended").unwrap();
    let lines = home.tenon(&["log", "--audit"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let started = lines.into_iter().find(|line| line["type"] == "tool.started").unwrap();
    let part = |what: &str| {
        let parts = started["allowed"].as_array().unwrap();
        parts.iter().find(|part| part["what"] == what).unwrap_or_else(|| panic!("{started}")).clone()
    };
    assert_eq!(part("write:~/.asked")["requestId"], request.as_str());
    let ruled = part("write:~/.ruled");
    assert_eq!((&ruled["by"], &ruled["name"]), (&json!("rule"), &json!("write:~/.ruled")));
    assert!(ruled["from"].as_str().is_some_and(|from| from.contains("config.toml")), "{ruled}");
}
