//! What a running call may ask and record about files that it only knows of when a command has written them. Not here: what
//! the command wrote (`changes`), and the question before a call runs (`call`).
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tenon_protocol::change::FileChange;
use tenon_protocol::event::change::ChangeStarted;
use tenon_protocol::ids::CallId;
use tenon_protocol::request::{RequestItem, RequestKind, RequestOption, Scope, Subject};
use tenon_protocol::signal::{Delta, Provisional};
use tokio_util::sync::CancellationToken;

use crate::base::clock::SharedClock;
use crate::base::ids;
use crate::config::profile::Verdict;
use crate::tools::Boxed;
use crate::tools::context::{Begun, Judge, Judgement, Withheld, Written};
use crate::turn::ports::{Fact, Ports};

/// A call's way to policy, people and log.
pub(super) struct CallWritten {
    ports: Arc<dyn Ports>,
    call: CallId,
    cancel: CancellationToken,
    clock: SharedClock,
    /// How many bytes of its output are shown.
    shown: Arc<AtomicU64>,
}

/// How long a command runs before it is looked at what it has changed, and how long it takes until the next look.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl CallWritten {
    /// Makes the way of one call, which ends when it is cancelled.
    pub(super) fn new(
        ports: Arc<dyn Ports>,
        call: CallId,
        cancel: CancellationToken,
        clock: SharedClock,
        shown: Arc<AtomicU64>,
    ) -> Self {
        Self { ports, call, cancel, clock, shown }
    }

    fn question(&self, withheld: Withheld) -> RequestItem {
        let option = |id: &str, label: &str| RequestOption {
            id: id.to_owned(),
            label: label.to_owned(),
            scope: Some(Scope::Once),
            pattern: None,
        };
        RequestItem {
            request_id: ids::new(self.ports.entropy()),
            kind: RequestKind::Approval,
            title: withheld.title,
            subject: Subject::Edit { files: withheld.files, patch: withheld.patch },
            options: vec![option("allow", "Write them"), option("deny", "Leave them out")],
            session: self.ports.session().clone(),
            digest: Some(withheld.digest.to_string()),
            call_id: Some(self.call.clone()),
            turn: Some(self.ports.turn().clone()),
            reason: Some(withheld.reason),
        }
    }
}

impl fmt::Debug for CallWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallWritten").field("call", &self.call).finish_non_exhaustive()
    }
}

impl Written for CallWritten {
    fn judge(&self) -> Boxed<'_, Option<Judge>> {
        Box::pin(async {
            let view = self.ports.call_view().await.ok()?;
            let alone = view.policy.denies_unattended() && !view.attended;
            Some(Judge(Arc::new(move |path| match view.policy.decide_written(path) {
                None => Judgement::Keep,
                Some(decision) => match decision.verdict {
                    Verdict::Allow => Judgement::Keep,
                    Verdict::Ask if !alone => Judgement::Ask(decision.reason),
                    Verdict::Ask => {
                        let nobody = "nobody is there to be asked, and the profile denies then";
                        Judgement::Refuse(format!("{}; {nobody}", decision.reason))
                    }
                    Verdict::Deny => Judgement::Refuse(decision.reason),
                },
            })))
        })
    }

    fn watched(&self) -> Boxed<'_, usize> {
        Box::pin(async {
            loop {
                self.clock.sleep(LOOK_EVERY).await;
                let watchers = self.ports.watchers();
                if watchers > 0 {
                    return watchers;
                }
            }
        })
    }

    fn show(&self, files: Vec<Provisional>, more: u64) {
        let from = self.shown.load(Ordering::Relaxed);
        let more = (more > 0).then_some(more);
        self.ports.signal(Delta {
            d: self.call.to_string(),
            from,
            t: String::new(),
            files: Some(files),
            more,
        });
    }

    fn is_dropped(&self) -> Boxed<'_, bool> {
        Box::pin(async {
            self.cancel.is_cancelled() && self.ports.call_view().await.is_ok_and(|view| view.drops)
        })
    }

    fn ask(&self, withheld: Withheld) -> Boxed<'_, bool> {
        Box::pin(async {
            let request = self.question(withheld);
            tokio::select! {
                biased;
                // The request stays open in the log; ending the turn resolves it.
                () = self.cancel.cancelled() => false,
                answer = self.ports.ask(request) => answer.is_ok_and(|answer| answer.decision == "allow"),
            }
        })
    }

    fn begin(&self, files: Vec<FileChange>) -> Boxed<'_, Option<Begun>> {
        Box::pin(async {
            let begun =
                Begun { change: ids::new(self.ports.entropy()), checkpoint: ids::new(self.ports.entropy()) };
            let started = Fact::new(ChangeStarted {
                change_id: begun.change.clone(),
                checkpoint_id: begun.checkpoint.clone(),
                files,
                call_id: Some(self.call.clone()),
                plan_id: None,
            });
            self.ports.commit(vec![started]).await.ok()?;
            Some(begun)
        })
    }
}
