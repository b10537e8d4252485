//! What the policy says of what a command wrote, and the question that follows. Not here: taking it back or bringing it in
//! (`caught`, `compared`).
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{BUDGET_BYTES, CapturedFile, patch_of};
use crate::sandbox::Needs;
use crate::tools::context::{Judge, Judgement, Withheld};
use crate::tools::fingerprint::Fingerprint;
use crate::tools::writing::bounded;
use crate::workspace::layer::Entry;
use crate::workspace::path::RelPath;
use crate::workspace::repository::part;

/// What the policy says of all that a command wrote.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What is left out, with the reason.
    pub(super) refused: Vec<(RelPath, String)>,
    /// What a person is asked about, with the reason.
    asked: Vec<(RelPath, String)>,
}

impl Verdict {
    /// Judges what was written; what was allowed with the command needs no question.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a RelPath>, judge: &Judge, needs: &Needs) -> Self {
        let mut verdict = Self::default();
        for path in paths {
            match judge.judge(path) {
                Judgement::Keep => {}
                // It was allowed with the command. Not so what git runs: whoever lets a command commit has not seen that.
                Judgement::Ask(_) if part(path).is_none() && needs.covers(&path.to_wire().0) => {}
                Judgement::Ask(reason) => verdict.asked.push((path.clone(), reason)),
                Judgement::Refuse(reason) => verdict.refused.push((path.clone(), reason)),
            }
        }
        verdict
    }

    /// Asks also about what the change has no room for.
    pub(super) fn ask_about_size(&mut self, over_budget: &[Entry]) {
        for entry in over_budget {
            let reason =
                format!("{} would make the change larger than {} MiB", entry.path, BUDGET_BYTES >> 20);
            self.asked.push((entry.path.clone(), reason));
        }
    }

    /// Tells whether there is something to ask.
    pub(super) const fn is_open(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Returns why a path is refused or asked about, if it is.
    pub(super) fn reason(&self, path: &RelPath) -> Option<&str> {
        let mut all = self.refused.iter().chain(&self.asked);
        all.find(|(named, _)| named == path).map(|(_, reason)| reason.as_str())
    }

    /// Has nothing to say of these any more.
    pub(super) fn forget(&mut self, paths: &[RelPath]) {
        for list in [&mut self.refused, &mut self.asked] {
            list.retain(|(path, _)| !paths.contains(path));
        }
    }

    /// Returns the question, with those of the files that it is about.
    pub(super) fn question(&self, files: &[CapturedFile], blobs: &dyn BlobStore) -> Withheld {
        let names: Vec<String> = self.asked.iter().map(|(path, _)| path.to_string()).collect();
        let (shown, more) = names.split_at(names.len().min(3));
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        let is_asked = |path: &RelPath| self.asked.iter().any(|asked| asked.0 == *path);
        let files: Vec<_> = files.iter().filter(|file| is_asked(&file.edit.path)).collect();
        let mut digest = Fingerprint::of("written").with_number(names.len());
        for file in &files {
            digest = digest.with_option(file.wire.before.clone()).with_option(file.wire.after.clone());
        }
        digest = names.iter().fold(digest, Fingerprint::with);
        Withheld {
            title: format!("the command wrote {}{more}", shown.join(", ")),
            reason: self.asked.first().map(|asked| asked.1.clone()).unwrap_or_default(),
            patch: bounded(patch_of(&files, blobs)),
            files: files.into_iter().map(|file| file.wire.clone()).collect(),
            digest: digest.digest(),
        }
    }

    /// Takes in the answer and returns it: without leave, what was asked about is left out like what is refused.
    pub(super) fn close(&mut self, is_allowed: bool) -> bool {
        let asked = std::mem::take(&mut self.asked);
        if !is_allowed {
            let no = |(path, reason)| (path, format!("{reason}; it was not allowed"));
            self.refused.extend(asked.into_iter().map(no));
        }
        is_allowed
    }
}
