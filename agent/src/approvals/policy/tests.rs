//! Decisions: the table of profiles, the order of what speaks, and the laws.
use proptest::prelude::*;
use tenon_protocol::request::Scope;
use tenon_protocol::session::{TrustSetting, TrustState};

use super::*;
use crate::approvals::Programs;
use crate::approvals::grants::Grant;
use crate::base::clock::Timestamp;
use crate::base::ids::{self, SystemEntropy};
use crate::config::profile::built_in;

const TRUSTED: Trust = Trust { state: TrustState::Trusted, setting: None };
const UNTRUSTED: Trust = Trust { state: TrustState::Untrusted, setting: None };

fn rules(allow: &[&str], ask: &[&str], deny: &[&str]) -> Rules {
    let parse = |texts: &[&str]| texts.iter().map(|text| Rule::parse(text).unwrap()).collect();
    Rules { allow: parse(allow), allowed_in: None, ask: parse(ask), deny: parse(deny) }
}

fn policy(profile: &str, rules: &Rules, level: Level) -> Policy {
    let held = match level {
        Level::Bare | Level::Clean => Held::No,
        Level::Confined => Held::ToPort,
        Level::Isolated => Held::ToHosts,
    };
    Policy::new(&built_in()[profile], rules, TRUSTED, level).with_held(held)
}

fn grants(patterns: &[&str]) -> Grants {
    let grant =
        |pattern: &&str| Grant::new(ids::new(&SystemEntropy), pattern, Scope::Always, Timestamp(0)).unwrap();
    Grants::new(patterns.iter().map(grant))
}

fn command(text: &str) -> Action {
    needing(text, &[], &[])
}

fn needing(text: &str, write: &[&str], net: &[&str]) -> Action {
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let needs = crate::sandbox::Needs { write: set(write), net: set(net) };
    Action::Command { command: text.to_owned(), programs: Programs::default(), needs }
}

fn write(path: &str) -> Action {
    Action::Write { paths: vec![RelPath::parse(path).unwrap()] }
}

fn read(path: &str) -> Action {
    Action::Read { paths: vec![RelPath::parse(path).unwrap()] }
}

fn network(host: &str) -> Action {
    Action::Network { hosts: vec![host.to_owned()] }
}

fn verdict(policy: &Policy, action: &Action) -> Verdict {
    policy.decide(action).verdict
}

#[test]
fn without_a_sandbox_only_the_profile_full_runs_a_command_unasked_and_questions_say_so() {
    let allowing = rules(&["ls *"], &[], &[]);
    for profile in ["review", "edit", "auto"] {
        let decision =
            policy(profile, &allowing, Level::Bare).with_grants(grants(&["ls *"])).decide(&command("ls"));
        assert_eq!((decision.verdict, decision.offer), (Verdict::Ask, None), "{profile}");
        assert!(decision.reason.ends_with("as `sandbox.level` is 0"), "{}", decision.reason);
    }
    assert_eq!(verdict(&policy("full", &Rules::default(), Level::Bare), &command("ls")), Verdict::Allow);
}

#[test]
fn each_part_tells_what_decided_about_it() {
    let granting = grants(&["net:a.example"]);
    let id = granting.find(|_| true).unwrap().id.clone();
    let auto = policy("auto", &rules(&["write:~/.x"], &[], &[]), Level::Isolated).with_grants(granting);
    let decision = auto.decide(&needing("x", &["~/.x", ".git"], &["a.example", "b.example"]));
    let told: Vec<_> =
        decision.grounds.iter().map(|ground| (ground.what.as_str(), ground.verdict, ground.cause)).collect();
    assert_eq!(
        told,
        [
            ("command", Verdict::Allow, Cause::Profile),
            ("write:.git", Verdict::Ask, Cause::Need),
            ("write:~/.x", Verdict::Allow, Cause::Rule),
            ("net:a.example", Verdict::Allow, Cause::Grant),
            ("net:b.example", Verdict::Ask, Cause::Profile),
        ]
    );
    assert_eq!(decision.grounds[3].grant, Some(id));
}

#[test]
fn the_five_profiles() {
    let actions = [read("a"), write("a"), write(".git/config"), command("ls"), network("a.example")];
    let row = |profile: &str, level: Level| {
        let policy = policy(profile, &Rules::default(), level);
        let words: Vec<&str> = actions.iter().map(|action| verdict(&policy, action).as_str()).collect();
        format!("{profile} {}: {}", level.number(), words.join(" "))
    };
    let rows = ["read", "review", "edit", "auto", "full"].map(|profile| row(profile, Level::Clean));
    let confined = ["edit", "auto"].map(|profile| row(profile, Level::Confined));
    insta::assert_snapshot!([rows.as_slice(), &confined].concat().join("\n"), @r"
    read 1: allow deny deny deny deny
    review 1: allow ask ask ask ask
    edit 1: allow allow ask ask ask
    auto 1: allow allow ask ask ask
    full 1: allow allow allow allow allow
    edit 2: allow allow ask ask ask
    auto 2: allow allow ask allow ask
    ");
}

#[test]
fn rules_and_grants_decide_about_hosts() {
    let ruled = rules(
        &["net:docs.example", "net:*.wide.example"],
        &["net:asks.wide.example"],
        &["net:*.bad.example", "net:10.0.0.7"],
    );
    let row = |policy: &Policy, host: &str| {
        let decision = policy.decide(&network(host));
        format!("{host}: {} {}", decision.verdict.as_str(), decision.offer.unwrap_or_default())
    };
    let review = policy("review", &ruled, Level::Clean).with_grants(grants(&["net:granted.example"]));
    let hosts = [
        "docs.example",
        "evil-docs.example",
        "docs.example.evil",
        "a.docs.example",
        "a.b.wide.example",
        "wide.example",
        "asks.wide.example",
        "bad.example",
        "a.bad.example",
        "notbad.example",
        "10.0.0.7",
        "granted.example",
    ];
    let rows: Vec<String> = hosts.iter().map(|host| row(&review, host)).collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
    docs.example: allow 
    evil-docs.example: ask net:evil-docs.example
    docs.example.evil: ask net:docs.example.evil
    a.docs.example: ask net:a.docs.example
    a.b.wide.example: allow 
    wide.example: ask net:wide.example
    asks.wide.example: ask 
    bad.example: deny 
    a.bad.example: deny 
    notbad.example: ask net:notbad.example
    10.0.0.7: deny 
    granted.example: allow 
    ");
    // No profile lifts a denial, and no grant does.
    let full = policy("full", &ruled, Level::Clean).with_grants(grants(&["net:*"]));
    assert_eq!(verdict(&full, &network("x.bad.example")), Verdict::Deny);
    assert_eq!(verdict(&full, &network("any.example")), Verdict::Allow);
    let read = policy("read", &ruled, Level::Clean).with_grants(grants(&["net:*"]));
    assert_eq!(verdict(&read, &network("docs.example")), Verdict::Deny);
}

#[test]
fn each_need_of_a_command_is_decided_for_itself() {
    let install = || needing("x add y", &["~/.x", ".git"], &["registry.example", "files.example"]);
    let row = |policy: &Policy, action: &Action| {
        let decision = policy.decide(action);
        let offer = decision.offer.unwrap_or_default().replace('\n', " + ");
        format!("{} {:?}: {} [{offer}]", decision.verdict.as_str(), decision.cause, decision.reason)
    };
    let auto =
        |granted: &[&str], rules: &Rules| policy("auto", rules, Level::Isolated).with_grants(grants(granted));
    let none = Rules::default();
    let denying = rules(&[], &[], &["net:files.example"]);
    let asking = rules(&[], &["write:.git/**"], &[]);
    let wide = rules(&["write:**", "net:*"], &[], &[]);
    insta::assert_snapshot!([
        row(&auto(&[], &none), &install()),
        row(&auto(&["net:registry.example", "write:~/.x"], &none), &install()),
        row(&auto(&["net:*.example", "write:~/.x/**", "write:.git"], &none), &install()),
        row(&auto(&["net:*"], &denying), &install()),
        row(&auto(&["net:*", "write:~/.x", "write:.git"], &asking), &install()),
        // What is allowed to be edited in the workspace opens nothing else.
        row(&auto(&[], &wide), &install()),
        row(&policy("auto", &none, Level::Clean), &needing("git commit", &[".git"], &[])),
        row(&policy("auto", &none, Level::Confined), &needing("curl a.example", &[], &["a.example"])),
        row(
            &policy("auto", &none, Level::Confined).with_held(Held::No),
            &needing("curl a.example", &[], &["a.example"]),
        ),
        row(&policy("full", &none, Level::Clean), &install()),
        row(&policy("read", &none, Level::Isolated), &install()),
    ].join("\n"), @r"
    ask Need: it needs write:.git, write:~/.x, net:files.example, net:registry.example [write:.git + write:~/.x + net:files.example + net:registry.example]
    ask Need: it needs write:.git, net:files.example [write:.git + net:files.example]
    allow Profile: the profile auto allows commands []
    deny Rule: it needs net:files.example, and the rule `net:files.example` denies it []
    ask Need: it needs write:.git []
    ask Need: it needs write:.git, write:~/.x [write:.git + write:~/.x]
    ask SandboxLevel: the profile auto allows commands, but the sandbox level is 1, and commands run without a question from level 2 on; it needs write:.git; at sandbox level 1 nothing confines it to that []
    ask Need: it needs net:a.example; at sandbox level 2 it could also reach others, at one port that is chosen at random [net:a.example]
    ask Need: it needs net:a.example; it then reaches every host, not only these [net:a.example]
    allow Profile: the profile full allows commands []
    deny Profile: the profile read does not allow commands []
    ");
}

#[test]
fn a_weak_sandbox_turns_allowances_of_commands_into_questions_that_say_why() {
    let allowing = rules(&["cargo test *"], &[], &[]);
    let ask = |policy: &Policy, grants: &Grants| {
        policy.clone().with_grants(grants.clone()).decide(&command("cargo test -p x"))
    };
    let decisions = [
        ask(&policy("auto", &Rules::default(), Level::Clean), &Grants::default()),
        ask(&policy("review", &allowing, Level::Clean), &Grants::default()),
        ask(&policy("review", &Rules::default(), Level::Clean), &grants(&["cargo test *"])),
    ];
    for decision in &decisions {
        assert_eq!((decision.verdict, decision.cause), (Verdict::Ask, Cause::SandboxLevel));
        assert_eq!(decision.offer, None);
    }
    let reasons: Vec<&str> = decisions.iter().map(|decision| decision.reason.as_str()).collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    the profile auto allows commands, but the sandbox level is 1, and commands run without a question from level 2 on
    the rule `cargo test *` allows it, but the sandbox level is 1, and commands run without a question from level 2 on
    granted: `cargo test *`, but the sandbox level is 1, and commands run without a question from level 2 on
    ");
    // The control: at level 2 each of them runs.
    for policy in
        [policy("auto", &Rules::default(), Level::Confined), policy("review", &allowing, Level::Confined)]
    {
        assert_eq!(verdict(&policy, &command("cargo test -p x")), Verdict::Allow);
    }
    let granted = ask(&policy("review", &Rules::default(), Level::Confined), &grants(&["cargo test *"]));
    assert_eq!((granted.verdict, granted.cause), (Verdict::Allow, Cause::Grant));
}

#[test]
fn an_untrusted_workspace_is_read_only() {
    let full = &built_in()["full"];
    let allowing = rules(&["cargo test *", "write:**"], &[], &[]);
    let untrusted = Policy::new(full, &allowing, UNTRUSTED, Level::Isolated);
    assert_eq!(untrusted.effective.name, "read");
    assert_eq!(verdict(&untrusted, &read("a")), Verdict::Allow);
    for action in [write("a"), command("cargo test")] {
        let decision = untrusted.clone().with_grants(grants(&["write:**", "cargo test *"])).decide(&action);
        assert_eq!((decision.verdict, decision.cause), (Verdict::Deny, Cause::Untrusted));
    }
    // Who chose `read` is not told about trust.
    let read_only = Policy::new(&built_in()["read"], &allowing, UNTRUSTED, Level::Isolated);
    assert_eq!(read_only.decide(&write("a")).cause, Cause::Profile);
    let lifted = Trust { setting: Some(TrustSetting::Session), ..UNTRUSTED };
    assert_eq!(verdict(&Policy::new(full, &allowing, lifted, Level::Clean), &write("a")), Verdict::Allow);
}

#[test]
fn protected_paths_are_asked_about_whatever_allows_them() {
    let allowing = rules(&["write:**"], &[], &[]);
    for path in [".git/hooks/x", "a/.GIT/x", ".tenon/config.toml", ".github/workflows/ci.yml"] {
        let decision = policy("edit", &allowing, Level::Isolated)
            .with_grants(grants(&["write:**"]))
            .decide(&write(path));
        assert_eq!((decision.verdict, decision.cause), (Verdict::Ask, Cause::Protected), "{path}");
        assert_eq!(decision.offer, None);
    }
    assert_eq!(verdict(&policy("full", &Rules::default(), Level::Clean), &write(".git/x")), Verdict::Allow);
    let denying = rules(&[], &[], &["write:.git/**"]);
    assert_eq!(verdict(&policy("full", &denying, Level::Clean), &write(".GIT/x")), Verdict::Deny);
}

#[test]
fn edits_can_be_allowed_for_good_and_commands_where_the_sandbox_holds() {
    let review = policy("review", &Rules::default(), Level::Clean);
    assert!(review.decide(&write("src/a.rs")).offer.is_some());
    assert!(review.decide(&command("cargo test")).offer.is_none());
    let confined = policy("review", &Rules::default(), Level::Confined);
    assert!(confined.decide(&command("cargo test")).offer.is_some());
    assert_eq!(confined.decide(&command("cargo test; rm x")).offer, None);
    let decision = review.clone().with_grants(grants(&["write:src/a.rs"])).decide(&write("src/a.rs"));
    assert_eq!(
        (decision.verdict, decision.cause, decision.rule.as_deref()),
        (Verdict::Allow, Cause::Grant, Some("write:src/a.rs"))
    );
}

#[test]
fn doubt_never_allows_where_a_rule_might_forbid() {
    let denying = rules(&["cargo test *"], &[], &["rm -rf *"]);
    let auto = policy("auto", &denying, Level::Confined);
    assert_eq!(verdict(&auto, &command("cargo test -p x")), Verdict::Allow);
    for text in ["$X", "echo $HOME", "sh script", "sh -c x", "cat a > b", "curl x | sh"] {
        let decision = auto.decide(&command(text));
        let clear = text == "sh script";
        assert_eq!(decision.verdict, if clear { Verdict::Allow } else { Verdict::Ask }, "{text}");
        assert!(clear || decision.cause == Cause::Unclear, "{text}");
    }
    // Of paths the words tell, as long as they are what the text shows.
    let plain = policy("auto", &rules(&[], &[], &["read:**/.env", "net:*.example.org"]), Level::Confined);
    for text in ["cargo test > log", "ls *.rs", "if true; then ls; fi", "sudo ls", "curl https://example.net"]
    {
        assert_eq!(verdict(&plain, &command(text)), Verdict::Allow, "{text}");
    }
    for text in [
        "cat ./a/.env",
        "cat < .env",
        "cat .e*",
        "cat $X",
        "cat `x`",
        "python3 -c x",
        "echo x | xargs cat",
        "curl https://a.example.org/x",
    ] {
        assert_eq!(verdict(&plain, &command(text)), Verdict::Ask, "{text}");
    }
    // The control: without a rule there is nothing to be in doubt about.
    let free = policy("auto", &rules(&[], &[], &[]), Level::Confined);
    assert_eq!(verdict(&free, &command("cat $X")), Verdict::Allow);
    assert!(!plain.may_read(&RelPath::parse("a/.env").unwrap()));
    assert!(plain.may_read(&RelPath::parse("a/env").unwrap()));
}

#[test]
fn a_link_and_a_copy_are_the_program_that_a_rule_denies() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("rm"), "").unwrap();
    std::os::unix::fs::symlink("rm", temp.path().join("tool")).unwrap();
    let full = policy("full", &rules(&[], &[], &["rm *"]), Level::Isolated);
    let decide = |text: &str| {
        let programs = Programs::find(text, temp.path(), "");
        full.decide(&Action::Command {
            command: text.to_owned(),
            programs,
            needs: crate::sandbox::Needs::default(),
        })
        .verdict
    };
    assert_eq!(decide("./tool x"), Verdict::Deny);
    assert_eq!(decide("ls; sudo ./tool x"), Verdict::Deny);
    assert_eq!(decide("cp /bin/rm x"), Verdict::Ask);
    assert_eq!(decide("./other x"), Verdict::Allow);
}

#[test]
fn every_part_of_a_command_needs_to_be_allowed() {
    let allowing = rules(&["cargo test *", "tail *"], &[], &["git push *"]);
    let review = policy("review", &allowing, Level::Confined);
    for (text, expected) in [
        ("cargo test -p x", Verdict::Allow),
        ("cargo test && cargo test -p x", Verdict::Allow),
        ("cargo test 2>&1 | tail -5", Verdict::Allow),
        ("cargo test >/dev/null 2>&1; tail x", Verdict::Allow),
        ("cargo test; make", Verdict::Ask),
        ("cargo test > log", Verdict::Ask),
        ("cargo test 2>&1x", Verdict::Ask),
        ("cargo test &>/dev/null tail x", Verdict::Ask),
        ("cargo test | tail -5 $X", Verdict::Ask),
        ("cargo test; git push", Verdict::Deny),
    ] {
        assert_eq!(verdict(&review, &command(text)), expected, "{text}");
    }
}

#[test]
fn sixty_harmless_commands_do_not_hide_one_that_is_denied() {
    let full = policy("full", &rules(&[], &[], &["rm *"]), Level::Isolated);
    for count in [60, 5_000] {
        let text = format!("{}rm x", "true; ".repeat(count));
        assert_eq!(verdict(&full, &command(&text)), Verdict::Deny, "{count}");
    }
    // What is beyond every bound is asked about.
    assert_eq!(verdict(&full, &command(&format!("{}x", "true; ".repeat(50_000)))), Verdict::Ask);
}

/// Texts that are made to be hard: deciding about each is a bounded amount of work, and none of them is allowed.
#[test]
fn hostile_texts_are_bounded() {
    let many: Vec<String> = (0..50).map(|number| format!("rm{number} -rf * {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let full = policy(
        "full",
        &rules(&[], &many, &["rm -rf *", "read:**/.env", "net:*.example.org"]),
        Level::Isolated,
    );
    for (piece, count) in [
        ("(", 60_000),
        ("$(", 30_000),
        ("`", 60_000),
        ("{ ", 30_000),
        ("if ", 20_000),
        ("${a:-", 12_000),
        ("\"$(", 20_000),
        ("sh -c '", 9_000),
        ("sudo ", 12_000),
        ("env 'a b' ", 6_000),
        ("rm -rf ", 9_000),
        ("a=rm;", 12_000),
        ("\\", 60_000),
        ("<<E ", 15_000),
        ("*?[", 20_000),
    ] {
        let text = piece.repeat(count);
        assert_ne!(verdict(&full, &command(&text)), Verdict::Allow, "{piece:?}");
    }
}

#[test]
fn a_configured_question_is_asked_of_everybody() {
    let asking = rules(&["git push *"], &["git push *", "write:docs/**"], &[]);
    let full = policy("full", &asking, Level::Isolated);
    let decision = full.clone().with_grants(grants(&["git push *"])).decide(&command("git push origin"));
    assert_eq!((decision.verdict, decision.cause, decision.offer), (Verdict::Ask, Cause::Rule, None));
    assert_eq!(verdict(&full, &write("docs/a.md")), Verdict::Ask);
    // It does not lift what the profile denies.
    assert_eq!(verdict(&policy("read", &asking, Level::Isolated), &write("docs/a.md")), Verdict::Deny);
}

fn any_rules() -> impl Strategy<Value = Vec<&'static str>> {
    let all =
        vec!["rm *", "rm -rf *", "cargo test *", "git status", "write:**", "write:src/**", "read:**/.env"];
    prop::sample::subsequence(all, 0..=4)
}

fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(vec![
        command("rm -rf x"),
        command("sudo rm x"),
        command("cargo test -p a"),
        command("git status"),
        command("ls; rm x"),
        command("echo $(rm x)"),
        write("src/a"),
        write(".git/x"),
        write("b"),
        read(".env"),
        read("a"),
    ])
}

fn any_profile() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["read", "review", "edit", "auto", "full"])
}

fn any_level() -> impl Strategy<Value = Level> {
    prop::sample::select(vec![Level::Clean, Level::Confined, Level::Isolated])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A configured denial holds whatever else is configured, granted, trusted or sandboxed.
    #[test]
    fn deny_beats_everything(
        allow in any_rules(), ask in any_rules(), deny in any_rules(), granted in any_rules(), action in any_action(),
        profile in any_profile(), level in any_level(),
    ) {
        let alone = policy("full", &rules(&[], &[], &deny), Level::Isolated);
        let all = policy(profile, &rules(&allow, &ask, &deny), level);
        if verdict(&alone, &action) == Verdict::Deny {
            prop_assert_eq!(all.clone().with_grants(grants(&granted)).decide(&action).verdict, Verdict::Deny);
        }
    }

    /// More rules that ask or deny, and less trust, never make anything freer; neither does a narrower profile.
    #[test]
    fn restricting_only_restricts(
        allow in any_rules(), ask in any_rules(), deny in any_rules(), more in any_rules(), granted in any_rules(),
        action in any_action(), profile in any_profile(), other in any_profile(), level in any_level(),
    ) {
        let grants = grants(&granted);
        let base = policy(profile, &rules(&allow, &ask, &deny), level);
        let before = base.clone().with_grants(grants.clone()).decide(&action).verdict;
        let asks = [ask.clone(), more.clone()].concat();
        let denies = [deny.clone(), more].concat();
        prop_assert!(policy(profile, &rules(&allow, &asks, &deny), level).with_grants(grants.clone()).decide(&action).verdict >= before);
        prop_assert!(policy(profile, &rules(&allow, &ask, &denies), level).with_grants(grants.clone()).decide(&action).verdict >= before);
        let untrusted = Policy::new(&built_in()[profile], &rules(&allow, &ask, &deny), UNTRUSTED, level);
        prop_assert!(untrusted.clone().with_grants(grants.clone()).decide(&action).verdict >= before);
        if built_in()[other].is_within(&built_in()[profile]) {
            let narrower = policy(other, &rules(&allow, &ask, &deny), level).with_grants(grants.clone()).decide(&action).verdict;
            prop_assert!(narrower >= before);
        }
    }

    /// No command runs without a question below level 2, but under the profile whose name says so.
    #[test]
    fn nothing_runs_by_itself_in_a_weak_sandbox(
        allow in any_rules(), granted in any_rules(), action in any_action(), profile in any_profile(),
    ) {
        let decision = policy(profile, &rules(&allow, &[], &[]), Level::Clean).with_grants(grants(&granted)).decide(&action);
        let runs = matches!(action, Action::Command { .. }) && decision.verdict == Verdict::Allow;
        prop_assert!(!runs || profile == "full");
    }
}
