//! A write to a file that somebody has open with changes that are not saved: a person decides first. Not here: who has what
//! open (`session`).
use tenon_protocol::change::{Conflict, ConflictKind};
use tenon_protocol::ids::RequestId;
use tenon_protocol::request::{RequestItem, RequestKind, RequestOption, Scope, Subject};
use tokio_util::sync::CancellationToken;

use crate::base::digest::Digest;
use crate::base::ids;
use crate::tools::context::ToolContext;
use crate::turn::attempt::Proposal;
use crate::turn::ports::{Answer, PortClosed, Ports};
use crate::workspace::path::RelPath;

/// What was decided about an unsaved file.
pub(super) enum Settled {
    /// The call goes on, whatever the editor still holds.
    GoOn,
    /// Somebody saved or closed it: look again.
    LookAgain,
    /// The call is not done.
    Refused(Answer),
    /// The turn was interrupted.
    Interrupted,
}

/// Returns the unsaved file that a call would write, and which editor holds it.
pub(super) fn target(tools: &ToolContext, named: &str) -> Option<(RelPath, String)> {
    let path = tools.root.resolve(named).ok()?;
    let file = tools.unsaved.0.get(&path)?;
    Some((path, file.editor.clone()))
}

/// Asks, for as long as it takes.
pub(super) async fn ask(
    ports: &dyn Ports,
    proposal: &Proposal,
    (path, editor): (RelPath, String),
    round: &mut u32,
    cancel: &CancellationToken,
) -> Result<Settled, PortClosed> {
    let mut waits = false;
    loop {
        *round += 1;
        let mut request = question(ports, proposal, &path, &editor, *round);
        request.options.retain(|option| !(waits && option.id == WAIT));
        let answer = tokio::select! {
            biased;
            // The request stays open in the log; ending the turn resolves it.
            () = cancel.cancelled() => return Ok(Settled::Interrupted),
            answer = ports.ask(request) => answer?,
        };
        match answer.decision.as_str() {
            WAIT => waits = true,
            "save" | "discard" => return Ok(Settled::GoOn),
            CLEAN => return Ok(Settled::LookAgain),
            _ => return Ok(Settled::Refused(answer)),
        }
    }
}

/// The decision that puts the question again without itself.
pub(crate) const WAIT: &str = "wait";

/// The decision with which the agent itself resolves the question when the file is saved or closed.
pub(crate) const CLEAN: &str = "clean";

fn question(ports: &dyn Ports, proposal: &Proposal, path: &RelPath, editor: &str, round: u32) -> RequestItem {
    let request_id: RequestId = ids::new(ports.entropy());
    let text = format!("{path} has changes in {editor} that are not saved");
    let (wire, encoded) = path.to_wire();
    let conflict = Conflict {
        path: wire.into_owned(),
        path_encoded: encoded.then_some(true),
        kind: ConflictKind::Dirty,
        mergeable: false,
        text: text.clone(),
        hunk: None,
        base: None,
        ours: None,
        theirs: None,
        changes: None,
    };
    RequestItem {
        request_id,
        kind: RequestKind::Conflict,
        title: text,
        subject: Subject::Conflict { conflicts: vec![conflict] },
        options: options(),
        session: ports.session().clone(),
        // The same question of the same call is one, over a restart too.
        digest: Some(Digest::of(format!("unsaved\n{path}\n{round}").as_bytes()).to_string()),
        call_id: Some(proposal.id.clone()),
        turn: Some(ports.turn().clone()),
        reason: Some("the agent writes to disk, never into an editor's unsaved text".to_owned()),
    }
}

/// Returns what a person can say about a file that is not saved.
pub(crate) fn options() -> Vec<RequestOption> {
    vec![
        option("save", "It is saved now: go on"),
        option("discard", "Discard the unsaved changes, and let the agent write"),
        option(WAIT, "Wait until it is saved"),
        option("deny", "Do not write to it"),
    ]
}

fn option(id: &str, label: &str) -> RequestOption {
    RequestOption { id: id.to_owned(), label: label.to_owned(), scope: Some(Scope::Once), pattern: None }
}
