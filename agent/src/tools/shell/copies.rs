//! Giving a command copies of caches, and keeping those small. Not here: what they are (`sandbox`), and which caches (`needs`).
use std::sync::Arc;

use crate::process::Launch;
use crate::sandbox::{Cache, Caches, Laid};
use crate::tools::background::blocking;
use crate::workspace::root::Root;

/// The caches of which a command gets copies.
#[derive(Clone, Debug)]
pub(super) struct Copying {
    /// Which caches.
    pub(super) caches: Vec<Cache>,
    /// All copies.
    pub(super) of: Arc<Caches>,
    /// How large the copies of one workspace may grow.
    pub(super) mib_max: u64,
}

impl Copying {
    /// Gives a launch its copies; where that cannot be, its caches are read-only. The copies are its own until what is returned is
    /// given back.
    pub(super) async fn lay(self, root: &Arc<Root>, launch: &mut Launch) -> Option<Laid> {
        if self.caches.is_empty() {
            return None;
        }
        let root = Arc::clone(root);
        let laid = blocking(move || self.of.lay(root.path(), &self.caches)).await.ok()?;
        match laid {
            Ok(laid) => {
                laid.give(launch);
                Some(laid)
            }
            Err(error) => {
                tracing::warn!(%error, "caches are read-only to a command: no copies of them could be made");
                None
            }
        }
    }

    /// Takes the copies back when the command has ended. Now and then it looks whether they grew too large, which nobody waits for.
    pub(super) fn done(self, laid: Option<Laid>) {
        if laid.is_some() {
            drop(laid);
            tokio::task::spawn_blocking(move || self.of.sweep_at_times(self.mib_max.saturating_mul(1 << 20)));
        }
    }
}
