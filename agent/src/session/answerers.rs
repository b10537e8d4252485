//! Who could show a person the requests of a session: the subscriptions of clients that can, to its log or to the machine's.
//! Not here: answering, which any controller may.
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::journal::LogId;

/// How many subscriptions that can show a person a request read each log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answerers(Arc<watch::Sender<BTreeMap<LogId, usize>>>);

/// One such subscription. It counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Seeing {
    answerers: Answerers,
    log: LogId,
}

impl Answerers {
    /// Counts a subscription to this log.
    pub(crate) fn join(&self, log: LogId) -> Seeing {
        self.0.send_modify(|logs| *logs.entry(log.clone()).or_default() += 1);
        Seeing { answerers: self.clone(), log }
    }

    /// Tells whether somebody could be shown the requests of this log.
    pub(crate) fn see(&self, log: &LogId) -> bool {
        let logs = self.0.borrow();
        logs.contains_key(log) || logs.contains_key(&LogId::All)
    }
}

impl Drop for Seeing {
    fn drop(&mut self) {
        self.answerers.0.send_modify(|logs| {
            if let Some(count) = logs.get_mut(&self.log) {
                *count -= 1;
                if *count == 0 {
                    logs.remove(&self.log);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_seen_by_who_reads_its_log_or_the_machines() {
        let session = |id: &str| LogId::from_wire(id);
        let answerers = Answerers::default();
        assert!(!answerers.see(&session("s_1")));
        let (one, two) = (answerers.join(session("s_1")), answerers.join(session("s_1")));
        assert!(answerers.see(&session("s_1")) && !answerers.see(&session("s_2")));
        drop(one);
        assert!(answerers.see(&session("s_1")));
        drop(two);
        assert!(!answerers.see(&session("s_1")));
        let _all = answerers.join(LogId::All);
        assert!(answerers.see(&session("s_1")) && answerers.see(&session("s_2")));
    }
}
