//! Level 0, for who asked for no sandbox: what still holds, and who cannot lower anybody to it.
use serde_json::json;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};

fn server() -> ModelServer {
    ModelServer::start(Script::function(|number, _| match number % 2 {
        0 => Reply::call("shell", &json!({"command": "echo it runs; env | grep -c LD_PRELOAD"})),
        _ => Reply::text("done"),
    }))
    .unwrap()
}

fn home(server: &ModelServer, sandbox: &str) -> Home {
    let home = Home::new().unwrap();
    let own = format!("model = \"fake/x\"\n[sandbox]\n{sandbox}\n[rules]\nallow = [\"echo *\"]\n");
    home.configure(&format!("{own}{}", provider("openai-chat", server))).unwrap();
    home
}

fn run(home: &Home, profile: &str, exit: i32) -> String {
    home.tenon(&["run", "--profile", profile, "go"]).unwrap().expect(exit).unwrap();
    home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().stdout
}

#[test]
fn whoever_asks_for_no_sandbox_is_asked_about_every_command_and_told_why() {
    let server = server();
    let home = home(&server, "level = 0").with("LD_PRELOAD", "");
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    let asked = run(&home, "auto", 5);
    assert!(asked.contains("nothing confines it, as `sandbox.level` is 0"), "{asked}");
    assert!(asked.contains("\"sandbox\":0") && !asked.contains("it runs\\n"), "{asked}");
    let ran = run(&home, "full", 0);
    assert!(ran.contains("it runs\\n0\\n"), "{ran}");
    let doctor = home.tenon(&["doctor"]).unwrap();
    assert!(doctor.stdout.contains("commands run in no sandbox"), "{doctor:#?}");
}

#[test]
fn a_workspace_lowers_nobody_to_it_and_a_floor_holds() {
    let server = server();
    let home = home(&server, "level = 1");
    home.write(".tenon/config.toml", "[sandbox]\nlevel = 0\n").unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    let ran = run(&home, "full", 0);
    assert!(ran.contains("\"sandbox\":1") && !ran.contains("\"sandbox\":0"), "{ran}");
    let policy = home.root().join("policy.toml");
    std::fs::write(&policy, "[sandbox]\nlevel_min = 1\n").unwrap();
    let home = home.with("TENON_POLICY_FILE", &policy.display().to_string());
    home.configure(&format!(
        "model = \"fake/x\"\n[sandbox]\nlevel = 0\n{}",
        provider("openai-chat", &server)
    ))
    .unwrap();
    home.tenon(&["stop"]).unwrap();
    let ran = run(&home, "full", 0);
    assert!(ran.contains("\"sandbox\":1") && !ran.contains("\"sandbox\":0"), "{ran}");
}
