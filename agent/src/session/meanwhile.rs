//! What the session itself wrote while its jobs run, folded from its events: that is not the work of a job that ends. Not here:
//! what else changed (`job_changes`).
use std::collections::BTreeMap;

use tenon_protocol::change::FileChange;
use tenon_protocol::event::EventBody;
use tenon_protocol::ids::JobId;

use crate::projections::history::WirePath;

/// Versions of one file that are announced and not settled; calls of a session write one after the other, a person's apply and
/// revert beside them.
const ANNOUNCED_MAX: usize = 8;

/// One state of a file: its digest, or none, and its permission bits where they are known.
pub(super) type State = Option<(String, Option<u32>)>;

/// What the session did to one file since a job began.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Own {
    /// The file as the session found it first, and as it left it last.
    pub(super) ends: Option<(State, State)>,
    /// Whether somebody else wrote to it between two of its changes.
    pub(super) has_gap: bool,
    /// How it is to be left by what is announced.
    announced: Vec<State>,
}

impl Own {
    /// Tells whether the session left the file like this, or is about to.
    pub(super) fn is_left(&self, now: &State) -> bool {
        let left = self.ends.iter().map(|(_, last)| last);
        left.chain(&self.announced).any(|left| is_same(left, now))
    }
}

/// What was done while each job runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meanwhile(BTreeMap<JobId, BTreeMap<WirePath, Own>>);

impl Meanwhile {
    /// Takes in an event.
    pub(crate) fn apply(&mut self, body: &EventBody) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match body {
            EventBody::JobStarted(job) => {
                self.0.insert(job.job_id.clone(), BTreeMap::new());
            }
            EventBody::JobEnded(job) => {
                self.0.remove(&job.job_id);
            }
            EventBody::ToolStarted(call) => {
                for path in &call.intent {
                    let state = path.after.clone().map(|digest| (digest, path.after_mode));
                    self.each(&(path.path.clone(), false), |own| own.announce(state.clone()));
                }
            }
            EventBody::ChangeStarted(change) => {
                for (name, _, state) in change.files.iter().flat_map(ends) {
                    self.each(&name, |own| own.announce(state.clone()));
                }
            }
            EventBody::ChangeApplied(change) => {
                for file in &change.files {
                    for (name, was, is) in ends(file) {
                        self.each(&name, |own| own.applied(was.clone(), is.clone()));
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns what was done while a job runs, by file.
    pub(super) fn of(&self, job: &JobId) -> BTreeMap<WirePath, Own> {
        self.0.get(job).cloned().unwrap_or_default()
    }

    fn each(&mut self, name: &WirePath, act: impl Fn(&mut Own)) {
        for files in self.0.values_mut() {
            act(files.entry(name.clone()).or_default());
        }
    }
}

impl Own {
    fn announce(&mut self, state: State) {
        if self.announced.len() == ANNOUNCED_MAX {
            self.announced.remove(0);
        }
        self.announced.push(state);
    }

    fn applied(&mut self, was: State, is: State) {
        self.announced.clear();
        let first = match self.ends.take() {
            Some((first, last)) => {
                self.has_gap |= !is_same(&last, &was);
                first
            }
            None => was,
        };
        self.ends = Some((first, is));
    }
}

fn ends(file: &FileChange) -> Vec<(WirePath, State, State)> {
    let encoded = file.path_encoded == Some(true);
    let name = |path: &str| (path.to_owned(), encoded);
    let (was, is) = (before(file), after(file));
    match &file.from {
        Some(from) => vec![(name(from), was, None), (name(&file.path), None, is)],
        None => vec![(name(&file.path), was, is)],
    }
}

/// Returns a file as a change found it.
pub(super) fn before(file: &FileChange) -> State {
    file.before.clone().map(|digest| (digest, file.before_mode))
}

/// Returns a file as a change left it.
fn after(file: &FileChange) -> State {
    file.after.clone().map(|digest| (digest, file.after_mode))
}

/// A mode that nothing recorded is any.
pub(super) fn is_same(one: &State, other: &State) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some((one, one_mode)), Some((other, other_mode))) => {
            one == other && one_mode.zip(*other_mode).is_none_or(|(one, other)| one == other)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
