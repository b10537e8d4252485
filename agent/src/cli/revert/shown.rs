//! What a revert would do and did, for a person: every line that comes and goes, what stays and why, what the choices are. Not
//! here: asking the agent.
use std::fmt::Write as _;

use tenon_client::Client;
use tenon_protocol::apply::{RevertResult, RevertScope};
use tenon_protocol::change::{Conflict, FileChange, FileOp, Hunk};
use tenon_protocol::fetch::FetchRange;
use tenon_protocol::ids::ChangeId;

use crate::cli::failure::Failure;
use crate::cli::fetch::Pages;
use crate::cli::run::patch;
use crate::cli::terminal::{Terminal, safe_line};

/// Bytes of a file whose lines are shown.
const SHOWN_BYTES_MAX: usize = 1024 * 1024;

/// Shows, to one person.
pub(super) struct Shown<'a> {
    pub(super) client: &'a Client,
    pub(super) terminal: Terminal,
    /// The target as it was written.
    pub(super) target: String,
}

impl Shown<'_> {
    /// Shows what would happen.
    pub(super) async fn foreseen(
        &self,
        result: &RevertResult,
        scope: Option<RevertScope>,
    ) -> Result<(), Failure> {
        for file in &result.restored {
            self.file(file).await?;
        }
        for skipped in &result.skipped {
            let (path, reason) = (safe_line(&skipped.path), safe_line(&skipped.reason));
            self.terminal.line(&format!("{} {path}: {reason}", self.terminal.bold("not taken back:")))?;
        }
        for conflict in &result.conflicts {
            self.conflict(conflict)?;
        }
        if matches!(scope, Some(RevertScope::Conversation | RevertScope::Both)) {
            self.terminal.line("the conversation goes on from before; later messages stay in the log")?;
        } else if result.restored.is_empty() && result.conflicts.is_empty() {
            self.terminal.line("nothing to take back: the files are as they were before")?;
            self.terminal.line(&self.terminal.faint("tenon revert --list shows what there is"))?;
        }
        Ok(())
    }

    /// Shows what happened.
    pub(super) fn done(&self, result: &RevertResult) -> Result<(), Failure> {
        for backup in result.backups.iter().flatten() {
            let path = safe_line(&backup.path);
            self.terminal.line(&format!("{path} as it was just now: tenon fetch {}", backup.reference))?;
        }
        let what = match result.restored.len() {
            0 => "went back".to_owned(),
            1 => "took back 1 file".to_owned(),
            files => format!("took back {files} files"),
        };
        let left = match result.conflicts.len() {
            0 => String::new(),
            left => format!(", left {left}"),
        };
        let undo = format!("tenon revert {}", result.checkpoint_id);
        self.terminal.line(&format!("{what}{left}; to have it again: {}", self.terminal.bold(&undo)))?;
        Ok(())
    }

    /// Returns the failure that says what a person can do about what is in the way.
    pub(super) fn refusal(&self, result: &RevertResult) -> Failure {
        let target = &self.target;
        let in_the_way = result.conflicts.len();
        let files = if in_the_way == 1 { "1 file" } else { &format!("{in_the_way} files") };
        let mut failure = Failure::failed(format!("nothing was changed: something is in the way of {files}"));
        if let [first, ..] = result.conflicts.as_slice() {
            failure = failure
                .hint(format!("leave a file as it is: tenon revert {target} --keep {}", first.path))
                .hint(format!(
                    "bring it back all the same, and keep what is there now as a copy: tenon revert {target} --overwrite {}",
                    first.path
                ));
        }
        if in_the_way > 1 {
            failure = failure.hint("a folder stands for all that is in the way beneath it, such as .");
        }
        if !result.restored.is_empty() {
            failure = failure.hint(format!("take back only the rest: tenon revert {target} --partial"));
        }
        failure
    }

    fn conflict(&self, conflict: &Conflict) -> Result<(), Failure> {
        self.terminal.line(&format!("{} {}", self.terminal.red("in the way:"), safe_line(&conflict.text)))?;
        let texts = [
            ("as the agent left it", &conflict.base),
            ("as it would be", &conflict.ours),
            ("as it is now", &conflict.theirs),
        ];
        for (what, reference) in texts {
            if let Some(reference) = reference {
                let line = format!("    {what}: tenon fetch {reference}");
                self.terminal.line(&self.terminal.faint(&line))?;
            }
        }
        if let Some(changes) = &conflict.changes {
            let ids: Vec<&str> = changes.iter().map(ChangeId::as_str).collect();
            let line = format!("    changed again by: {} (tenon revert --list)", ids.join(", "));
            self.terminal.line(&self.terminal.faint(&line))?;
        }
        Ok(())
    }

    /// Shows a file with the lines that go and come.
    async fn file(&self, file: &FileChange) -> Result<(), Failure> {
        let what = match file.op {
            FileOp::Add => "comes back",
            FileOp::Modify => "goes back",
            FileOp::Delete => "is deleted",
            FileOp::Move => "gets its name back",
            FileOp::Unheard(_) => "is changed",
        };
        let heading = format!("{} {what}", safe_line(&file.path));
        self.terminal.line(&self.terminal.bold(&heading))?;
        // A binary file or a mode has no lines.
        if file.hunks.iter().all(|hunk| hunk.n == 0) && file.op == FileOp::Modify {
            return Ok(());
        }
        let (old, new) = (self.text(file.before.as_deref()).await?, self.text(file.after.as_deref()).await?);
        let (Some(old), Some(new)) = (old, new) else { return Ok(()) };
        let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
        let mut text = String::new();
        for hunk in &file.hunks {
            lines(hunk, &old, &new, &mut text);
        }
        self.terminal.print(&patch::render(self.terminal, &text))?;
        Ok(())
    }

    /// Returns a text by its digest; `None` if it is none, or too long to show.
    async fn text(&self, digest: Option<&str>) -> Result<Option<String>, Failure> {
        let Some(digest) = digest else { return Ok(Some(String::new())) };
        let reference = format!("b3:{digest}");
        let mut pages = Pages::new(self.client, &reference, FetchRange { start: 0, end: None });
        let mut bytes = Vec::new();
        while let Some(page) = pages.next().await? {
            bytes.extend(page);
            if bytes.len() > SHOWN_BYTES_MAX {
                return Ok(None);
            }
        }
        Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
    }
}

fn lines(hunk: &Hunk, old: &[&str], new: &[&str], text: &mut String) {
    // Writing to a string cannot fail.
    let _ =
        writeln!(text, "@@ -{},{} +{},{} @@", hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines);
    for (mark, all, start, count) in
        [('-', old, hunk.old_start, hunk.old_lines), ('+', new, hunk.new_start, hunk.new_lines)]
    {
        let start = usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        for line in all.iter().skip(start).take(count) {
            let _ = writeln!(text, "{mark}{line}");
        }
    }
}
