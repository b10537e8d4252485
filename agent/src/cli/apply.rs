//! `tenon apply`: writes a plan, or what is chosen of it. Not here: what stands in its way, which is the agent's to tell.
use std::ops::RangeInclusive;
use std::path::Path;

use clap::Args;
use serde_json::Value;
use tenon_client::ClientError;
use tenon_protocol::apply::{ApplyParams, ApplyResolve, ApplyResult, ApplyRun, Selected};
use tenon_protocol::change::{Conflict, FileChange, FileOp};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::json::Json;

use crate::cli::diff::mark;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::plan::{LAST, newest};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};
use crate::cli::testing;
use crate::cli::which::session_or_newest;

/// Hunks of one selection on the command line: more are chosen by file.
const HUNKS_MAX: usize = 10_000;

/// The arguments of `tenon apply`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line are independent")]
pub(crate) struct ApplyArgs {
    /// The plan; the newest of which something can be applied, if absent
    #[arg(value_name = "PLAN")]
    plan: Option<String>,
    /// The session; the newest of the workspace if absent
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only this file, or of it the hunks of these numbers, such as src/a.rs:1,3-5; can be repeated
    #[arg(long, value_name = "PATH[:HUNKS]", value_parser = choice)]
    select: Vec<Choice>,
    /// Only this step of the plan, by its id; can be repeated
    #[arg(long = "step", value_name = "ID")]
    steps: Vec<String>,
    /// Where files were edited since, keeps both sides as far as their lines are apart
    #[arg(long)]
    merge: bool,
    /// Applies what nothing stands in the way of, and leaves the rest staged
    #[arg(long)]
    partial: bool,
    /// Only this revision of the plan: if it is at another one, nothing happens
    #[arg(long, value_name = "N")]
    rev: Option<u64>,
    /// Runs the project's tests on what would be written first, and writes it only if they pass
    #[arg(long)]
    test: bool,
    /// Says what would be written, and writes nothing
    #[arg(long)]
    dry_run: bool,
    /// Throws the plan away instead
    #[arg(long, conflicts_with_all = ["select", "steps", "merge", "partial", "test", "dry_run"])]
    drop: bool,
    /// Prints the answer as one JSON object
    #[arg(long)]
    json: bool,
    /// Prints without colours
    #[arg(long)]
    pub(super) no_color: bool,
}

/// A file of `--select`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    path: String,
    hunks: Option<Vec<u32>>,
}

/// Reads `PATH` or `PATH:HUNKS`; what is behind the last colon is part of the name unless it is numbers.
fn choice(text: &str) -> Result<Choice, String> {
    let whole = || Choice { path: text.to_owned(), hunks: None };
    let Some((path, numbers)) = text.rsplit_once(':') else { return Ok(whole()) };
    let is_numbers = |byte: u8| byte.is_ascii_digit() || byte == b',' || byte == b'-';
    if numbers.is_empty() || path.is_empty() || !numbers.bytes().all(is_numbers) {
        return Ok(whole());
    }
    let mut hunks: Vec<u32> = Vec::new();
    for part in numbers.split(',') {
        let range = range(part).ok_or_else(|| format!("{numbers} is no list of hunks, such as 1,3-5"))?;
        if range.clone().count() > HUNKS_MAX {
            return Err(format!("{part} is more than {HUNKS_MAX} hunks"));
        }
        hunks.extend(range.filter(|hunk| !hunks.contains(hunk)).collect::<Vec<_>>());
    }
    Ok(Choice { path: path.to_owned(), hunks: Some(hunks) })
}

fn range(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

/// Runs the command.
pub(crate) fn run(args: &ApplyArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, args.no_color).all_on_output();
    let select = selection(&surroundings, &args.select)?;
    let result = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let session = session_or_newest(&client, &surroundings, args.session.as_deref()).await?;
        let plan = match args.plan.as_deref() {
            Some(plan) if plan != LAST => plan.into(),
            Some(_) | None => newest(&client, &session, false).await?.id,
        };
        let params = ApplyParams {
            session_id: session.into(),
            plan_id: Some(plan),
            change_id: None,
            rev: args.rev,
            steps: (!args.steps.is_empty()).then(|| args.steps.clone()),
            select,
            partial: args.partial.then_some(true),
            resolve: args.merge.then_some(ApplyResolve::Merge),
            run: args.test.then_some(ApplyRun::Tests),
            dry_run: args.dry_run.then_some(true),
            drop: args.drop.then_some(true),
        };
        testing::apply(&client, &params).await?.map_err(|error| explained(terminal, error))
    })?;
    print(terminal, args, &result)
}

/// Tells what stands in the way, one line each, before the failure itself.
fn explained(terminal: Terminal, error: ClientError) -> Failure {
    let ClientError::Rpc(error) = error else { return error.into() };
    if error.is(ErrorKind::Conflict) {
        for conflict in conflicts(&error) {
            tell(terminal, &conflict);
        }
        let failure = Failure::failed(error.message.clone());
        return failure.hint(
            "`--merge` keeps both sides where lines are apart, `--partial` applies the rest, and \
             `tenon plan --revise last` takes up the files as they are",
        );
    }
    let tests = error.data.as_ref().and_then(|data| data.more.get("tests")).cloned();
    if let Some(report) = tests.and_then(|tests| Json(tests).parse().ok()) {
        testing::show(terminal, &report);
        return Failure::failed("the plan does not pass its tests; nothing was written")
            .hint("`tenon plan --revise last GOAL` changes the plan, `tenon apply` writes it all the same");
    }
    error.into()
}

fn conflicts(error: &RpcError) -> Vec<Conflict> {
    let list = error.data.as_ref().and_then(|data| data.more.get("conflicts")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|item| Json(item.clone()).parse().ok()).collect()
}

fn tell(terminal: Terminal, conflict: &Conflict) {
    let mark = if conflict.mergeable { "can be merged:" } else { "conflict:" };
    terminal.note(&format!("{} {}", terminal.red(mark), safe_line(&conflict.text)));
}

/// A path is meant from where the person stands; the agent takes it as events name it, from the workspace.
fn selection(surroundings: &Surroundings, choices: &[Choice]) -> Result<Option<Vec<Selected>>, Failure> {
    if choices.is_empty() {
        return Ok(None);
    }
    let root = surroundings.workspace()?;
    let mut selected: Vec<Selected> = Vec::new();
    for Choice { path, hunks } in choices {
        let path = within(&root, &surroundings.directory, path)?;
        match selected.iter_mut().find(|before| before.path == path) {
            // Named twice: both are meant, and a file without numbers is all of it.
            Some(before) => match (&mut before.hunks, hunks) {
                (Some(before), Some(hunks)) => {
                    let more: Vec<u32> =
                        hunks.iter().filter(|hunk| !before.contains(hunk)).copied().collect();
                    before.extend(more);
                }
                (all, _) => *all = None,
            },
            None => selected.push(Selected { path, hunks: hunks.clone(), path_encoded: None }),
        }
    }
    Ok(Some(selected))
}

fn within(root: &Path, directory: &Path, named: &str) -> Result<String, Failure> {
    let mut names: Vec<&str> = Vec::new();
    let joined = directory.join(named);
    let outside = || Failure::usage(format!("{named} lies outside the workspace {}", root.display()));
    let below = joined.strip_prefix(root).map_err(|_| outside())?;
    let text = below.to_str().ok_or_else(|| Failure::usage(format!("{named} is not UTF-8")))?;
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop().ok_or_else(outside)?),
            name => names.push(name),
        }
    }
    Ok(names.join("/"))
}

fn print(terminal: Terminal, args: &ApplyArgs, result: &ApplyResult) -> Result<Exit, Failure> {
    if args.json {
        terminal.line(&Json::from_serialize(result).0.to_string())?;
    } else if args.drop {
        terminal.note("the plan is thrown away; nothing was written");
    } else {
        if let Some(report) = &result.tests {
            testing::show(terminal, report);
        }
        for file in &result.applied {
            terminal.line(&line(terminal, file))?;
        }
        if args.dry_run && !result.applied.is_empty() {
            terminal.note("nothing was written: this is what would be");
        }
        if result.applied.is_empty() && result.conflicts.is_empty() {
            terminal.note("nothing had to be written: the files are so already");
        }
        for conflict in &result.conflicts {
            tell(terminal, conflict);
        }
    }
    if result.conflicts.is_empty() {
        return Ok(Exit::Done);
    }
    let left = Failure::failed("the rest stays staged: something stands in its way");
    Err(left.hint("`tenon diff --plan` shows it, `--merge` keeps both sides where lines are apart"))
}

fn line(terminal: Terminal, file: &FileChange) -> String {
    let mark = mark(&file.op);
    let numbers: Vec<String> = file.hunks.iter().map(|hunk| hunk.n.to_string()).collect();
    let hunks =
        if file.op == FileOp::Modify { format!("  hunks {}", numbers.join(", ")) } else { String::new() };
    format!("{} {}{}", terminal.green(mark), safe_line(&file.path), terminal.faint(&hunks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_are_named_behind_the_path() {
        let check = |text: &str| choice(text).map(|choice| (choice.path, choice.hunks));
        let path = |path: &str| path.to_owned();
        assert_eq!(check("src/a.rs"), Ok((path("src/a.rs"), None)));
        assert_eq!(check("src/a.rs:1,3-5,4"), Ok((path("src/a.rs"), Some(vec![1, 3, 4, 5]))));
        assert_eq!(check("a:b"), Ok((path("a:b"), None)));
        assert_eq!(check("a:b:0"), Ok((path("a:b"), Some(vec![0]))));
        assert!(check("a:3-1").is_err() && check("a:1,,2").is_err() && check("a:1-99999999").is_err());
    }

    #[test]
    fn a_path_is_meant_from_where_the_person_stands() {
        let check = |directory: &str, named: &str| within(Path::new("/w"), Path::new(directory), named).ok();
        assert_eq!(check("/w/src", "a.rs").as_deref(), Some("src/a.rs"));
        assert_eq!(check("/w/src", "../b/./c").as_deref(), Some("b/c"));
        assert_eq!(check("/w", "/w/d").as_deref(), Some("d"));
        assert_eq!((check("/w", "/x"), check("/w", "../x")), (None, None));
    }
}
