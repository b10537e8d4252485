//! `tenon rules`: what stands here, and taking a grant back.
use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::waiting;

#[test]
fn a_grant_is_listed_beside_the_rules_holds_and_is_taken_back() {
    let script = Script::function(|number, _| match number % 2 {
        0 => Reply::call("write", &json!({"path": format!("new/{number}.txt"), "content": "new"})),
        _ => Reply::text("Done."),
    });
    let server = ModelServer::start(script).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let none = home.tenon(&["rules"]).unwrap().expect(0).unwrap();
    assert!(none.stdout.is_empty() && none.stderr.contains("no rule stands here"), "{none:#?}");
    home.tenon(&["config", "add", "rules.allow", "write:new/**"]).unwrap().expect(0).unwrap();
    home.tenon(&["config", "add", "rules.deny", "write:**/2.txt"]).unwrap().expect(0).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    home.tenon(&["run", "--model", "fake/x", "go"]).unwrap().expect(0).unwrap();
    assert_eq!(home.read("new/0.txt"), "new");
    home.tenon(&["run", "--model", "fake/x", "go"]).unwrap().expect(0).unwrap();
    assert!(!home.workspace().join("new/2.txt").exists(), "what is denied goes first");
    home.tenon(&["config", "remove", "rules.allow", "write:new/**"]).unwrap().expect(0).unwrap();

    let session = waiting::session(&home).unwrap();
    let request = waiting::approval(&home).unwrap();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let id = request["requestId"].as_str().unwrap();
    home.tenon(&["requests", "answer", id, "always"]).unwrap().expect(0).unwrap();
    assert_eq!(observed.event_of("turn.ended").unwrap()["data"]["stop"], "done");
    let lines = home.tenon(&["rules", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let listed: Vec<_> = lines.iter().map(|line| (line["verdict"].as_str(), line["rule"].as_str())).collect();
    assert_eq!(listed, [(Some("deny"), Some("write:**/2.txt")), (Some("allow"), Some("write:new/4.txt"))]);
    let shown = home.tenon(&["rules"]).unwrap().expect(0).unwrap().stdout;
    assert!(shown.contains("RULE") && shown.contains("write:new/4.txt"), "{shown}");

    let grant = lines[1]["grant"].as_str().unwrap();
    home.tenon(&["rules", "revoke", grant]).unwrap().expect(0).unwrap();
    let left = home.tenon(&["rules", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    let again = home.tenon(&["rules", "revoke", grant]).unwrap().expect(1).unwrap();
    assert!(again.stderr.contains("`tenon rules`"), "{again:#?}");
}
