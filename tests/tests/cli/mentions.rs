//! `@path` in a prompt for a session of another workspace: it names what it names where the person stands. Not here: how mentions
//! are written (unit tests), and what the model is shown of a file (scenarios).
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::Running;

#[test]
fn a_file_is_the_one_where_the_person_stands_or_none() {
    let server = ModelServer::start(Script::always(Reply::text("Seen."))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.write("a.txt", "of the session\n").unwrap();
    home.write("deep/b.txt", "beneath it\n").unwrap();
    home.tenon(&["run", "--model", "fake/x", "begin"]).unwrap().expect(0).unwrap();
    let listed = home.tenon(&["sessions", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let session = listed[0]["id"].as_str().unwrap().to_owned();
    let elsewhere = home.root().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("a.txt"), "of another place\n").unwrap();
    let go_on = |directory: &std::path::Path, prompt: &str| {
        let mut command = home.command(&["run", "--session", &session, prompt]);
        command.current_dir(directory);
        Running::start(command).unwrap().finish().unwrap()
    };
    let asked = server.requests().len();
    let refused = go_on(&elsewhere, "look at @a.txt");
    assert!(refused.code != Some(0) && refused.stderr.contains("a.txt"), "{refused:#?}");
    assert_eq!(server.requests().len(), asked, "nothing was sent: {refused:#?}");
    // From beneath the session's workspace, and from outside of it by the whole way.
    go_on(&home.workspace().join("deep"), "look at @b.txt and @../a.txt").expect(0).unwrap();
    let shown = server.requests().last().unwrap().body.to_string();
    assert!(shown.contains("beneath it") && shown.contains("of the session"), "{shown}");
    let whole = home.workspace().canonicalize().unwrap().join("a.txt");
    go_on(&elsewhere, &format!("once more @{}", whole.display())).expect(0).unwrap();
    let shown = server.requests().last().unwrap().body.to_string();
    assert!(shown.matches("of the session").count() >= 1 && !shown.contains("of another place"), "{shown}");
}
