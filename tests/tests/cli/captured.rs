//! What commands change, as a person meets it: shown, taken back to the byte, and never over what somebody saves meanwhile. Not
//! here: what events say of it (the scenarios), and what a layer cannot hold (unit tests).
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::layers;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::waiting;

/// How long something may take that takes some milliseconds on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Creates, modifies in place and by rename, changes modes and deletes: twenty files, of which some are binary, some have CRLF,
/// and one is a link.
const TWENTY: &str = "for n in 1 2 3 4; do sed -i s/one/1/ text$n.txt; done; echo more >> place1.txt; printf x > place2.txt; \
    printf 'b\\0b\\0' > binary1; printf 'c\\0c' > tmp && mv tmp binary2; printf 'a\\r\\nx\\r\\n' > crlf1.txt; \
    printf 'b\\r\\n' > tmp && mv tmp crlf2.txt; chmod 755 mode1.txt; chmod 600 mode2.txt; rm gone1.txt gone2.txt; rm -r folder; \
    ln -sfn text2.txt link; ln -s nowhere new-link; mkdir -p new/deep; echo n > new/deep/new1.txt; echo n > new2.txt; mv moved.txt there.txt";

fn prepare(home: &Home) {
    let workspace = home.workspace();
    for name in [
        "text1.txt",
        "text2.txt",
        "text3.txt",
        "text4.txt",
        "place1.txt",
        "place2.txt",
        "mode1.txt",
        "mode2.txt",
    ] {
        home.write(name, "one\ntwo\n").unwrap();
    }
    for name in ["gone1.txt", "gone2.txt", "folder/inner/gone3.txt", "moved.txt", "untouched.txt"] {
        home.write(name, "here\n").unwrap();
    }
    for (name, text) in
        [("binary1", "a\0a"), ("binary2", "c\0"), ("crlf1.txt", "a\r\nb\r\n"), ("crlf2.txt", "a\r\n")]
    {
        home.write(name, text).unwrap();
    }
    symlink("text1.txt", workspace.join("link")).unwrap();
}

/// Everything beneath a folder: kind and mode, contents or target.
fn digest(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stat = fs::symlink_metadata(&path).unwrap();
        let bytes = if stat.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else if stat.is_dir() {
            found.extend(digest(&path));
            Vec::new()
        } else {
            fs::read(&path).unwrap()
        };
        found.insert(path.display().to_string(), (stat.mode(), bytes));
    }
    found
}

fn ran(command: &str, configuration: &str) -> (Home, ModelServer) {
    let replies = vec![Reply::call("shell", &json!({ "command": command })), Reply::text("Done.")];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    if !configuration.is_empty() {
        let own = fs::read_to_string(home.config_file()).unwrap();
        home.configure(&format!("{configuration}\n{own}")).unwrap();
    }
    prepare(&home);
    (home, server)
}

fn twenty_files_there_and_back(configuration: &str, level: u8, revert: &[&str]) {
    let (home, _server) = ran(TWENTY, configuration);
    if !layers::has_level(&home, level).unwrap() {
        return println!("skipped: no level {level}");
    }
    let before = digest(&home.workspace());
    home.tenon(&["run", "--profile", "full", "--model", "fake/x", "go"]).unwrap().expect(0).unwrap();
    let after = digest(&home.workspace());
    assert_ne!(after, before);
    let diff = home.tenon(&["diff"]).unwrap().expect(0).unwrap().stdout;
    let names = [
        "text1.txt",
        "text4.txt",
        "place1.txt",
        "place2.txt",
        "binary1",
        "binary2",
        "crlf1.txt",
        "crlf2.txt",
        "mode1.txt",
        "mode2.txt",
        "gone1.txt",
        "gone2.txt",
        "folder/inner/gone3.txt",
        "link",
        "new-link",
        "new/deep/new1.txt",
        "new2.txt",
        "moved.txt",
        "there.txt",
    ];
    for name in names {
        assert!(diff.contains(name), "no {name}: {diff}");
    }
    assert!(!diff.contains("untouched"), "{diff}");
    let undone = home.tenon(revert).unwrap().expect(0).unwrap();
    assert_eq!(digest(&home.workspace()), before, "{undone:#?}");
    let undo = undone.stdout.lines().find_map(|line| line.split("to have it again: tenon ").nth(1)).unwrap();
    home.tenon(&undo.split(' ').collect::<Vec<_>>()).unwrap().expect(0).unwrap();
    assert_eq!(digest(&home.workspace()), after, "and there again");
}

#[test]
fn twenty_files_are_shown_and_taken_back_to_the_byte_at_every_level() {
    match layers::available() {
        Ok(()) => (1..=3).for_each(|level| {
            twenty_files_there_and_back(&format!("sandbox.level = {level}"), level, &["revert"]);
        }),
        Err(reason) => println!("skipped: {reason}"),
    }
}

#[test]
fn twenty_files_are_shown_and_taken_back_where_nothing_can_be_laid_over_the_workspace() {
    // Whose each of them is nobody can tell there: it has to be said.
    twenty_files_there_and_back("sandbox.capture = \"compared\"", 1, &["revert", "--overwrite", "."]);
}

/// Waits for a name; a command makes it, and tells by it how far it is.
fn appears(path: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_person_who_saves_what_a_command_rewrites_loses_nothing_and_finds_three_texts() {
    if let Err(reason) = layers::available() {
        return println!("skipped: {reason}");
    }
    // The FIFO is outside of the workspace: beneath a layer each would be one of its own.
    let command = "mkfifo ~/signs/go; echo the command > shared.txt; echo other > other.txt; touch ~/signs/up; read line < ~/signs/go; mkdir half; mkdir -p .VSCODE";
    let replies = vec![
        Reply::call("read", &json!({"path": "shared.txt"})),
        Reply::call("shell", &json!({"command": command, "needs": {"write": ["~/signs"]}})),
        Reply::text("Done."),
    ];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.write("shared.txt", "both began here\n").unwrap();
    fs::create_dir_all(home.root().join("home/signs")).unwrap();
    let running = home.start(&["run", "--profile", "full", "--model", "fake/x", "go"]).unwrap();
    let outside = home.root().join("home/signs");
    appears(&outside.join("up"));
    assert_eq!(
        home.read("shared.txt"),
        "both began here\n",
        "nothing of a running command is in the workspace"
    );
    assert!(!home.workspace().join("other.txt").exists());
    home.write("shared.txt", "a person\n").unwrap();
    fs::write(outside.join("go"), "go\n").unwrap();
    running.finish().unwrap().expect(0).unwrap();
    assert_eq!(
        (home.read("shared.txt"), home.read("other.txt")),
        ("a person\n".to_owned(), "other\n".to_owned())
    );
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let applied: Vec<&Value> = log.iter().filter(|event| event["type"] == "change.applied").collect();
    let [applied] = applied[..] else { panic!("{log:#?}") };
    let conflict = &applied["data"]["conflicts"][0];
    assert_eq!((&conflict["path"], &conflict["kind"]), (&json!("shared.txt"), &json!("edited")));
    let text = |name: &str| {
        home.tenon(&["fetch", conflict[name].as_str().unwrap()]).unwrap().expect(0).unwrap().stdout
    };
    assert_eq!(["base", "ours", "theirs"].map(text), ["both began here\n", "the command\n", "a person\n"]);
}

#[test]
fn protected_files_that_a_command_makes_are_never_seen_before_they_are_allowed() {
    if let Err(reason) = layers::available() {
        return println!("skipped: {reason}");
    }
    (1..=3).for_each(protected_files_are_withheld);
}

fn protected_files_are_withheld(level: u8) {
    let command = "mkfifo ~/signs/go; mkdir .vscode sub .VSCODE; echo '{}' > .vscode/settings.json; echo r > sub/.npmrc; echo x > .VSCODE/x; \
        touch ~/signs/up; read line < ~/signs/go";
    let replies = vec![
        Reply::call("shell", &json!({"command": command, "needs": {"write": ["~/signs"]}})),
        Reply::text("Done."),
    ];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let own = fs::read_to_string(home.config_file()).unwrap();
    home.configure(&format!("sandbox.level = {level}\n{own}")).unwrap();
    home.write("there.txt", "there\n").unwrap();
    let signs = home.root().join("home/signs");
    fs::create_dir_all(&signs).unwrap();
    if !layers::has_level(&home, level).unwrap() {
        return println!("skipped: no level {level}");
    }
    let before = digest(&home.workspace());
    let session = waiting::session(&home).unwrap();
    let answer = |decision: &str| {
        let approval = waiting::approval(&home).unwrap();
        let params = json!({"requestId": approval["requestId"], "decision": decision});
        waiting::rpc(&home, "agent/answer", &params).unwrap();
        approval
    };
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let mut next_approval =
        || while observed.event_of("request.opened").unwrap()["data"]["kind"] != "approval" {};
    next_approval();
    answer("allow");
    appears(&signs.join("up"));
    assert_eq!(digest(&home.workspace()), before, "while it runs");
    fs::write(signs.join("go"), "go\n").unwrap();
    next_approval();
    assert_eq!(digest(&home.workspace()), before, "while it is asked");
    let asked = answer("deny");
    let files = asked["subject"]["files"].as_array().unwrap();
    let paths: Vec<&str> = files.iter().filter_map(|file| file["path"].as_str()).collect();
    assert_eq!(paths, [".VSCODE/x", ".vscode/settings.json", "sub/.npmrc"]);
    observed.event_of("turn.ended").unwrap();
    assert_eq!(digest(&home.workspace()), before, "neither a file nor a folder of it");
}

#[test]
fn who_watches_sees_what_a_running_command_has_changed_so_far() {
    if let Err(reason) = layers::available() {
        return println!("skipped: {reason}");
    }
    let command = "mkfifo ~/signs/go; echo 2 > there.txt; rm gone.txt; touch ~/signs/up; read line < ~/signs/go; \
        echo new > new.txt; touch ~/signs/further; read line < ~/signs/go";
    let replies = vec![
        Reply::call("shell", &json!({"command": command, "needs": {"write": ["~/signs"]}})),
        Reply::text("Done."),
    ];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    for name in ["there.txt", "gone.txt"] {
        home.write(name, "1\n").unwrap();
    }
    let signs = home.root().join("home/signs");
    fs::create_dir_all(&signs).unwrap();
    let running = home.start(&["run", "--profile", "full", "--model", "fake/x", "go"]).unwrap();
    appears(&signs.join("up"));
    let mut observed = home.start(&["observe"]).unwrap();
    let mut shows = |wanted: &str| loop {
        let line = observed.line().unwrap().unwrap();
        if line.contains(wanted) {
            break;
        }
    };
    shows("so far the running command changes D gone.txt, M there.txt");
    assert_eq!((home.read("there.txt"), home.read("gone.txt")), ("1\n".to_owned(), "1\n".to_owned()));
    fs::write(signs.join("go"), "go\n").unwrap();
    shows("so far the running command changes D gone.txt, A new.txt, M there.txt");
    appears(&signs.join("further"));
    fs::write(signs.join("go"), "go\n").unwrap();
    shows("changed gone.txt, new.txt, there.txt");
    running.finish().unwrap().expect(0).unwrap();
    let log = home.tenon(&["log"]).unwrap().expect(0).unwrap().stdout;
    assert!(!log.contains("so far"), "nothing of it is kept: {log}");
}
