//! Caches at level 3: commands write to copies that later commands of the workspace find, and never to the person's own. Not here:
//! which folders are caches (the agent's table), and how copies are kept small (unit tests).
use std::fs;

use serde_json::json;
use tenon_tests::conversation;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply};
use tenon_tests::running::{Finished, Running};
use tenon_tests::surroundings;

use super::matrix::{User, can_be_ordinary, command, give};

/// A home with caches, in which commands run at level 3 without questions.
fn prepare(user: User, server: &ModelServer, more: &str) -> Home {
    let home = Home::new().unwrap();
    let configuration = format!(
        "profile = \"auto\"\nmodel = \"fake/x\"\n[sandbox]\nlevel = 3\n{more}\n{}",
        provider("openai-chat", server)
    );
    home.configure(&configuration).unwrap();
    let own = home.root().join("home");
    fs::create_dir_all(own.join(".cargo/registry")).unwrap();
    for (name, text) in [
        (".cargo/registry/old", "own\n"),
        (".cargo/registry/gone", "own\n"),
        (".cargo/credentials.toml", "test-key\n"),
        (".cargo/config.toml", "# own\n"),
    ] {
        fs::write(own.join(name), text).unwrap();
    }
    fs::set_permissions(home.root(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    if user == User::Ordinary {
        fs::copy(surroundings::binary().unwrap(), home.root().join("tenon")).unwrap();
        give(home.root(), user);
    }
    home
}

/// Has the model call each of these commands; returns how the run ended and what the log says.
fn run(user: User, commands: &[&str], more: &str, between: impl Fn(&Home)) -> (Finished, String) {
    let own: Vec<String> = commands.iter().map(|command| (*command).to_owned()).collect();
    let server = ModelServer::start(conversation::by_exchanges(move |done| {
        own.get(done.len()).map_or_else(
            || Reply::text("Done."),
            |command| Reply::call("shell", &json!({"command": command})),
        )
    }))
    .unwrap();
    let home = prepare(user, &server, more);
    let tenon =
        |arguments: &[&str]| Running::start(command(&home, user, arguments)).unwrap().finish().unwrap();
    tenon(&["trust"]).expect(0).unwrap();
    let ended = tenon(&["run", "go"]);
    let log = tenon(&["log", "--json"]).expect(0).unwrap().stdout;
    between(&home);
    tenon(&["stop"]);
    (ended, log)
}

fn is_missing(log: &str) -> bool {
    let is_missing = log.contains("is demanded");
    if is_missing {
        eprintln!("skipped: level 3");
    }
    is_missing
}

fn check(user: User) {
    let commands = [
        "cd ~/.cargo; echo new > registry/new; echo changed > registry/old; rm registry/gone; cat credentials.toml 2>/dev/null | wc -c; \
         mkdir -p bin; echo x > bin/tool; echo x > config; echo x > config.toml || echo config is fixed; echo first done",
        "cd ~/.cargo; cat registry/new registry/old; ls registry; ls bin config 2>/dev/null; cat config.toml; echo second done",
        "mkdir -p ~/.cache/go-build; echo x > ~/.cache/other || echo no cache",
    ];
    let (ended, log) = run(user, &commands, "", |home| {
        let own = home.root().join("home/.cargo");
        assert_eq!(fs::read_to_string(own.join("registry/old")).unwrap(), "own\n");
        assert_eq!(fs::read_to_string(own.join("config.toml")).unwrap(), "# own\n");
        assert!(own.join("registry/gone").exists() && !own.join("registry/new").exists());
        assert!(!own.join("bin").exists() && !own.join("config").exists());
        let told = Running::start(command(home, user, &["doctor"])).unwrap().finish().unwrap();
        assert!(told.stdout.contains("copies for 1 workspaces"), "{told:#?}");
        let pruned = Running::start(command(home, user, &["sessions", "prune", "--caches", "--json"]));
        let pruned = pruned.unwrap().finish().unwrap().expect(0).unwrap();
        assert!(pruned.stdout.contains("cachesBytes"), "{pruned:#?}");
        assert_eq!(fs::read_dir(home.state_dir().join("caches")).unwrap().count(), 0);
    });
    if is_missing(&log) {
        return;
    }
    ended.expect(0).unwrap();
    for told in [
        "config is fixed\\nfirst done",
        "\"0\\n",
        // `gone` is not there, nor what was put beside the cache.
        "new\\nchanged\\nnew\\nold\\n# own\\nsecond done",
        "no cache",
    ] {
        assert!(log.contains(told), "{told:?} is not in {log}");
    }
}

#[test]
fn commands_write_to_copies_of_caches() {
    check(User::Own);
}

#[test]
fn commands_write_to_copies_of_caches_for_an_ordinary_user() {
    if can_be_ordinary() {
        check(User::Ordinary);
    }
}

#[test]
fn a_command_that_writes_a_cache_is_asked_about_only_where_it_gets_no_copy() {
    let commands = ["go test ./... ; ls -d ~/.cache/go-build"];
    let (ended, log) = run(User::Own, &commands, "", |_| {});
    if is_missing(&log) {
        return;
    }
    ended.expect(0).unwrap();
    assert!(!log.contains("request.opened") && log.contains("/.cache/go-build"), "{log}");
    let (ended, log) = run(User::Own, &commands, "caches_mib = 0", |_| {});
    ended.expect(5).unwrap();
    assert!(log.contains("write:~/.cache/go-build"), "{log}");
    // What goes to the person's own folder is asked about all the same.
    let (ended, log) = run(User::Own, &["cargo install x"], "", |_| {});
    ended.expect(5).unwrap();
    assert!(log.contains("write:~/.cargo"), "{log}");
}

#[test]
fn secrets_in_a_cache_stay_hidden_from_who_was_given_it() {
    let server = ModelServer::start(conversation::by_exchanges(|done| match done.len() {
        0 => Reply::call(
            "shell",
            &json!({"command": "cat ~/.cargo/credentials.toml 2>/dev/null | wc -c; echo x > ~/.cargo/registry/given; echo is written",
                "needs": {"write": ["~/.cargo"]}}),
        ),
        _ => Reply::text("Done."),
    }))
    .unwrap();
    let home = prepare(User::Own, &server, "");
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    home.tenon(&["run", "--profile", "full", "go"]).unwrap();
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().stdout;
    if is_missing(&log) {
        return;
    }
    assert!(log.contains("\"0\\nis written"), "{log}");
    assert!(home.root().join("home/.cargo/registry/given").exists());
}
