//! Ways around a rule that denies a program: none of them runs it, and without the rule each of them does.
use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};

/// Commands by class; `%` is the file whose being there proves that `touch` was run. A word in front of `:` is a program that
/// a machine may lack.
const FORMS: &[(&str, &[&str])] = &[
    (
        "separators",
        &[
            "touch %",
            "true; touch %",
            "true;touch %",
            "true && touch %",
            "false || touch %",
            "echo | touch %",
            "true |& touch %",
            "true & touch %; wait",
            "true\ntouch %",
        ],
    ),
    (
        "grammar",
        &[
            "(touch %)",
            "{ touch %; }",
            "! touch %",
            "if true; then touch %; fi",
            "for i in 1; do touch %; done",
            "while touch %; do break; done",
            "case a in a) touch %;; esac",
            "f() { touch %; }; f",
            "[[ -n a ]] && touch %",
            "coproc touch %; wait",
        ],
    ),
    (
        "substitution",
        &[
            "echo $(touch %)",
            "echo `touch %`",
            "echo \"$(touch %)\"",
            "cat <(touch %)",
            "true > >(touch %); sleep 0.2",
            ": ${x:=$(touch %)}",
            "let 'a[$(touch %)0]=1'",
            "test -v 'a[$(touch %)0]'",
            "printf -v 'a[$(touch %)0]' x",
            "declare 'a[$(touch %)0]=1'",
        ],
    ),
    (
        "quoting",
        &[
            "t\\ouch %",
            "'touch' %",
            "\"touch\" %",
            "to''uch %",
            "to\"u\"ch %",
            "tou\\\nch %",
            "$'touch' %",
            "$'\\x74ouch' %",
        ],
    ),
    (
        "expansion",
        &[
            "X=touch; $X %",
            "X=tou; ${X}ch %",
            "touch${IFS}%",
            "{touch,%}",
            "/bin/tou?? %",
            "/usr/bin/t[o]uch %",
            "set -- touch %; \"$@\"",
            "a=(touch %); \"${a[@]}\"",
            "$(printf '\\164ouch') %",
        ],
    ),
    (
        "redirection",
        &[
            ">/dev/null touch %",
            "2>&1 touch %",
            "bash <<< 'touch %'",
            "bash <<E\ntouch %\nE",
            "echo 'touch %' > s1.sh; bash s1.sh",
        ],
    ),
    (
        "environment",
        &[
            "A=1 touch %",
            "env touch %",
            "env A=1 touch %",
            "env -S 'touch %'",
            "echo 'touch %' > be; BASH_ENV=be bash -c :",
        ],
    ),
    (
        "wrappers",
        &[
            "command touch %",
            "exec touch %",
            "builtin command touch %",
            "nohup touch %",
            "timeout 20 touch %",
            "nice touch %",
            "stdbuf -o0 touch %",
            "time touch %",
            "echo % | xargs touch",
            "find . -maxdepth 0 -exec touch % \\;",
            "find a.txt -execdir touch % \\;",
            "flock: flock a.txt touch %",
            "setsid: setsid -w touch %",
            "taskset: taskset 1 touch %",
        ],
    ),
    (
        "interpreters",
        &[
            "sh -c 'touch %'",
            "bash -lc \"touch %\"",
            "sh -c \"sh -c 'touch %'\"",
            "eval touch %",
            "eval 'touch %'",
            "source /dev/stdin <<< 'touch %'",
            "printf '\\164ouch %' | sh",
            "echo 'touch %' | bash -s",
            "awk: awk 'BEGIN{system(\"touch %\")}'",
            "perl: perl -e 'system(\"to\".\"uch %\")'",
            "python3: python3 -c 'import os; os.system(\"to\"+\"uch %\")'",
        ],
    ),
    (
        "options",
        &[
            "sed '1e touch %' a.txt",
            "sed 's/.*/touch %/e' a.txt",
            "split --filter='touch %' a.txt",
            "tar: tar -cf /dev/null --checkpoint=1 --checkpoint-action=exec='touch %' a.txt",
            "git: git -c alias.x='!touch %' x",
            "git: git config --file cfg alias.x '!touch %'; GIT_CONFIG_GLOBAL=$PWD/cfg git x",
        ],
    ),
    (
        "builtins",
        &[
            "mapfile -C 'touch % #' -c 1 a < a.txt",
            "compgen -C 'touch % #' x",
            "trap 'touch %' EXIT",
            "shopt -s expand_aliases\nalias t=touch\nt %",
            "hash -p /bin/touch zz; zz %",
            "jobs -x touch %",
        ],
    ),
    (
        "names",
        &[
            "/bin/touch %",
            "../work/link %",
            "./link %",
            "ln -s /bin/touch l1; ./l1 %",
            "cp -L /bin/touch c1; ./c1 %",
            "cd /bin; ./touch \"$OLDPWD/%\"",
            "PATH=.:$PATH; link %",
        ],
    ),
];

/// Every form of the table with a marker of its own, those left out whose program is not here; and the sixtieth command.
fn commands() -> Vec<(String, String)> {
    let here = |program: &str| {
        ["/bin", "/usr/bin", "/usr/local/bin"].iter().any(|folder| Path::new(folder).join(program).exists())
    };
    let mut all = Vec::new();
    for (class, forms) in FORMS {
        for form in *forms {
            let (program, form) = match form.split_once(": ") {
                Some((program, rest)) if program.chars().all(|c| c.is_ascii_alphanumeric()) => {
                    (program, rest)
                }
                _ => ("sh", *form),
            };
            if here(program) {
                let marker = format!("m-{class}-{}", all.len());
                all.push((form.replace('%', &marker), marker));
            }
        }
    }
    all.push((format!("{}touch m-last", "true; ".repeat(60)), "m-last".to_owned()));
    all
}

/// Lets the agent try every command under the rules, and returns the markers that are there, and how the calls ended.
fn try_all(rules: &str) -> (Vec<String>, Vec<String>) {
    const AT_ONCE: usize = 20;
    let commands = commands();
    let texts: Vec<String> = commands.iter().map(|(text, _)| text.clone()).collect();
    let script = Script::function(move |number, _| {
        let turn = texts.iter().skip(number * AT_ONCE).take(AT_ONCE);
        let call = |reply: Option<Reply>, text: &String| {
            let arguments = json!({"command": text});
            Some(match reply {
                None => Reply::call("shell", &arguments),
                Some(reply) => reply.and_call("shell", &arguments),
            })
        };
        turn.fold(None, call).unwrap_or_else(|| Reply::text("done"))
    });
    let server = ModelServer::start(script).unwrap();
    let home = Home::new().unwrap();
    home.configure(&format!("{}{rules}", provider("openai-chat", &server))).unwrap();
    home.write("a.txt", "one\n").unwrap();
    std::os::unix::fs::symlink("/bin/touch", home.workspace().join("link")).unwrap();
    let run = home.tenon(&["run", "--json", "--profile", "full", "--model", "fake/x", "go"]).unwrap();
    let events = run.json_lines().unwrap();
    let ends = events.iter().filter(|event| event["type"] == "tool.ended");
    let ends = ends.map(|event| event["data"]["status"].as_str().unwrap_or_default().to_owned()).collect();
    let there = |marker: &String| home.workspace().join(marker).exists();
    (commands.into_iter().map(|(_, marker)| marker).filter(there).collect(), ends)
}

#[test]
fn a_denied_program_is_not_run_in_any_of_these_ways() {
    let names: Vec<String> = commands().into_iter().map(|(_, marker)| marker).collect();
    let (ran, ends) = try_all("[rules]\ndeny = [\"touch *\"]\n");
    assert_eq!(ran, Vec::<String>::new());
    assert_eq!(ends.len(), names.len());
    let mut others = String::new();
    for (name, end) in names.iter().zip(&ends).filter(|(_, end)| *end != "denied") {
        let _ = write!(others, "{name} {end}; ");
    }
    // Links and copies come into being by a command that names what it copies, so the ones that use them find nothing.
    assert_eq!(others, "");
}

/// The control: it is the rule that keeps them from running.
#[test]
fn without_the_rule_every_one_of_these_ways_works() {
    let (ran, _) = try_all("");
    let missing: Vec<(String, String)> =
        commands().into_iter().filter(|(_, marker)| !ran.contains(marker)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(ran.len() >= 60, "{}", ran.len());
}
