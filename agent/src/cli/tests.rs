//! The command line as it is parsed. Not here: what the commands do.
use clap::{CommandFactory as _, Parser as _};

use super::*;

fn parse(words: &[&str]) -> Result<Command, clap::error::ErrorKind> {
    let arguments = Arguments::try_parse_from(std::iter::once("tenon").chain(words.iter().copied()));
    arguments.map(|arguments| arguments.command.expect("a subcommand")).map_err(|error| error.kind())
}

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn the_words_of_a_prompt_need_no_quotes() {
    let Ok(Command::Run(args)) = parse(&["run", "--json", "fix", "the", "test", "--timeout", "10m"]) else {
        panic!("no run");
    };
    assert_eq!(args.prompt, ["fix", "the", "test"]);
    assert_eq!(args.timeout, Some(std::time::Duration::from_mins(10)));
    assert!(args.json);
    let Ok(Command::Run(args)) = parse(&["run", "-"]) else { panic!("no run") };
    assert_eq!(args.prompt, ["-"]);
}

#[test]
fn a_log_is_named_in_either_of_two_ways() {
    for words in [["log", "s_1"].as_slice(), &["log", "--session", "s_1"]] {
        let Ok(Command::Log(args)) = parse(words) else { panic!("no log") };
        assert_eq!(args.which.name(), Some("s_1"));
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    use clap::error::ErrorKind::{
        ArgumentConflict, InvalidSubcommand, MissingRequiredArgument, ValueValidation,
    };
    let table: [(&[&str], clap::error::ErrorKind); 9] = [
        (&["run", "--session", "s_1", "--continue", "x"], ArgumentConflict),
        (&["run", "--max-steps", "0", "x"], ValueValidation),
        (&["run", "--max-cost", "0", "x"], ValueValidation),
        (&["observe", "--after", "5"], ValueValidation),
        (&["log", "s_1", "--session", "s_2"], ArgumentConflict),
        (&["serve", "--daemonised"], MissingRequiredArgument),
        (&["trust", "--list", "--revoke"], ArgumentConflict),
        (&["pending", "replace", "m_1"], MissingRequiredArgument),
        (&["fly"], InvalidSubcommand),
    ];
    for (words, expected) in table {
        assert_eq!(parse(words).map(drop), Err(expected), "{words:?}");
    }
}

/// Every visible command.
fn commands() -> Vec<clap::Command> {
    Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect()
}

#[test]
fn every_argument_is_explained_and_completed() {
    let mut script = Vec::new();
    clap_complete::generate(clap_complete::Shell::Bash, &mut Arguments::command(), "tenon", &mut script);
    let script = String::from_utf8(script).unwrap();
    let mut open = commands();
    while let Some(command) = open.pop() {
        assert!(command.get_about().is_some(), "{} is not explained", command.get_name());
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let name = format!("{} {}", command.get_name(), argument.get_id());
            assert!(argument.get_help().is_some(), "{name} is not explained");
            let long = argument.get_long().map(|long| format!("--{long}"));
            assert!(long.is_none_or(|long| script.contains(&long)), "{name} is not completed");
        }
        open.extend(command.get_subcommands().cloned());
    }
}

#[test]
fn the_help_names_every_exit_code_and_no_hidden_command() {
    let help = Arguments::command().render_help().to_string();
    for code in ["0  done", "3  a limit", "4  no such session", "5  an approval", "130  interrupted"] {
        assert!(help.contains(code), "{code} is missing in\n{help}");
    }
    assert!(!help.contains("__"), "{help}");
}
