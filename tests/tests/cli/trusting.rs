//! A repository full of files that make programs run something: nothing of it runs from what the agent itself does, trusted or
//! not, and one question names them all.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};

/// The table of the files, as the agent has it: one name a quoted text.
const TABLE: &str = include_str!("../../../agent/data/triggers.toml");

/// Returns every file of the table, with something in place of what may be anything.
fn names() -> Vec<String> {
    let lists = TABLE.lines().filter(|line| !line.starts_with(['#', 'n', '[']));
    let quoted = lists.flat_map(|line| line.split('"').skip(1).step_by(2));
    quoted.map(|name| if name.ends_with('/') { format!("{name}x") } else { name.replace('*', "x") }).collect()
}

/// Writes a program that leaves a marker, whoever runs or reads it.
fn trap(home: &Home, path: &str) {
    let marker = home.root().join("marker").display().to_string();
    let text = format!("#!/bin/sh\necho {path} >> {marker}\nexit 1\n");
    home.write(path, &text).unwrap();
    fs::set_permissions(home.workspace().join(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A repository whose configuration runs the trap wherever git runs anything.
fn hostile(home: &Home, folder: &str, trap: &Path) {
    let trap = trap.display();
    for name in ["objects", "refs/heads", "hooks"] {
        fs::create_dir_all(home.workspace().join(folder).join(name)).unwrap();
    }
    home.write(&format!("{folder}/HEAD"), "ref: refs/heads/main\n").unwrap();
    let config = format!(
        "[core]\nrepositoryformatversion = 0\nfsmonitor = {trap}\nhooksPath = {trap}\npager = {trap}\neditor = {trap}\n\
         sshCommand = {trap}\n[diff]\nexternal = {trap}\n[diff \"x\"]\ntextconv = {trap}\n[filter \"x\"]\nclean = {trap}\n\
         smudge = {trap}\nprocess = {trap}\nrequired = true\n[alias]\nstatus = !{trap}\n[credential]\nhelper = {trap}\n"
    );
    home.write(&format!("{folder}/config"), &config).unwrap();
}

fn repository() -> Home {
    let home = Home::new().unwrap();
    trap(&home, "trap.sh");
    let path = home.workspace().join("trap.sh");
    for name in names() {
        trap(&home, &name);
    }
    hostile(&home, ".git", &path);
    for hook in ["pre-commit", "post-checkout", "post-index-change"] {
        trap(&home, &format!(".git/hooks/{hook}"));
    }
    hostile(&home, "bare", &path);
    hostile(&home, "elsewhere", &path);
    home.write("linked/.git", "gitdir: ../elsewhere\n").unwrap();
    home.write(".gitattributes", "* diff=x filter=x\n").unwrap();
    home.write("a.txt", "one\n").unwrap();
    for folder in ["bare", "linked"] {
        home.write(&format!("{folder}/b.txt"), "one\n").unwrap();
    }
    home
}

/// Reads, searches, edits and shows, in all three repositories.
fn work(number: usize) -> Reply {
    match number {
        0 => Reply::call("read", &json!({"path": "a.txt"}))
            .and_call("read", &json!({"path": "bare/b.txt"}))
            .and_call("read", &json!({"path": "linked/b.txt"}))
            .and_call("list", &json!({"path": "."}))
            .and_call("glob", &json!({"pattern": "**/*"}))
            .and_call("grep", &json!({"pattern": "one"})),
        1 => Reply::call("edit", &json!({"path": "a.txt", "old": "one", "new": "two"}))
            .and_call("edit", &json!({"path": "bare/b.txt", "old": "one", "new": "two"}))
            .and_call("edit", &json!({"path": "linked/b.txt", "old": "one", "new": "two"})),
        _ => Reply::text("done"),
    }
}

/// Uses everything that looks at the workspace, and returns the session's log.
fn used(home: &Home, profile: &[&str]) -> Vec<Value> {
    let arguments = [&["run", "--quiet", "--model", "fake/x"], profile, &["go @a.txt"]].concat();
    home.tenon(&arguments).unwrap();
    for command in [
        &["diff"][..],
        &["log"],
        &["sessions"],
        &["doctor"],
        &["config", "get"],
        &["rpc", "agent/list", "{\"kind\": \"command\"}"],
        &["revert", "--dry-run"],
    ] {
        home.tenon(command).unwrap();
    }
    home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap()
}

fn configured(home: &Home) -> ModelServer {
    let server = ModelServer::start(Script::function(|number, _| work(number % 3))).unwrap();
    home.configure(&provider("openai-chat", &server)).unwrap();
    server
}

#[test]
fn nothing_of_a_hostile_repository_runs_and_one_question_names_it() {
    let home = repository();
    let _server = configured(&home);
    let events = used(&home, &[]);
    let asked: Vec<&Value> = events.iter().filter(|event| event["data"]["kind"] == "trust").collect();
    let [asked] = asked[..] else { panic!("not one question: {asked:#?}") };
    let enables = asked["data"]["subject"]["enables"].to_string();
    for name in names().iter().map(String::as_str).chain([".git/config", ".git/hooks/pre-commit"]) {
        assert!(enables.contains(name), "{name} is not named in {enables}");
    }
    assert_eq!(home.read("a.txt"), "one\n", "nobody trusts it");
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    used(&home, &["--profile", "edit"]);
    assert_eq!((home.read("a.txt"), home.read("linked/b.txt")), ("two\n".to_owned(), "two\n".to_owned()));
    assert!(!home.root().join("marker").exists(), "{:?}", fs::read_to_string(home.root().join("marker")));
}

/// The control: what somebody else runs there does leave its marker.
#[test]
fn the_traps_work() {
    let home = repository();
    let _server = configured(&home);
    let git = "git status >/dev/null 2>&1; git diff >/dev/null 2>&1; ./.husky/x; true";
    tenon_tests::running::Running::start(home.shell(git)).unwrap().finish().unwrap();
    let ran = fs::read_to_string(home.root().join("marker")).unwrap();
    assert!(ran.contains(".husky/x"), "{ran}");
    let has_git =
        ["/bin/git", "/usr/bin/git", "/usr/local/bin/git"].iter().any(|git| Path::new(git).exists());
    assert!(!has_git || ran.contains("trap.sh"), "{ran}");
}

#[test]
fn trusting_says_what_is_trusted_and_a_change_takes_it_back() {
    let home = repository();
    let _server = configured(&home);
    let told = home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    assert!(told.stderr.contains("  .git/config: git may run what it says of core.fsmonitor"), "{told:#?}");
    assert!(home.tenon(&["trust", "--list"]).unwrap().stdout.contains("/work"));
    home.write(".envrc", "other\n").unwrap();
    home.tenon(&["run", "--quiet", "--model", "fake/x", "go"]).unwrap();
    let log = home.tenon(&["log", "--json"]).unwrap().stdout;
    assert!(log.contains("changed since it was trusted: .envrc"), "{log}");
    assert_eq!(home.tenon(&["trust", "--list"]).unwrap().stdout, "");
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    home.tenon(&["trust", "--revoke"]).unwrap().expect(0).unwrap();
    assert_eq!(home.tenon(&["trust", "--list"]).unwrap().stdout, "");
}
