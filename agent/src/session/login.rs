//! Keys that arrive: trying one, and going on with turns that wait for one. Not here: storing keys (`daemon::auth`).
use tenon_protocol::event::all::AuthRequired;
use tenon_protocol::event::turn::ProviderFailure;

use crate::base::secret::Secret;
use crate::config::environment::Environment;
use crate::config::provider::ProviderConfig;
use crate::journal::AppendError;
use crate::network::NetworkEnvironment;
use crate::providers::key_check::{KeyCheck, check_key};
use crate::session::actor::Actor;
use crate::session::answers::resolved;
use crate::turn::ports::{Answer, Fact};

/// Tries a key over the network of whoever brings it.
pub(crate) async fn try_key(provider: &ProviderConfig, key: &Secret, environment: &Environment) -> KeyCheck {
    check_key(provider, key, &NetworkEnvironment::of(&environment.network)).await
}

impl Actor {
    /// Returns what the `all` log is told when a turn waits for a key.
    pub(crate) fn needs_key(&self, provider: &str, how: &str) -> Fact {
        let session_id = Some(self.state.id.clone());
        Fact::new(AuthRequired { provider: provider.to_owned(), how: how.to_owned(), session_id })
    }

    /// Returns what the `all` log is told when a turn failed because the provider did not take the key.
    pub(crate) fn key_refused(&self, error: &ProviderFailure) -> Option<Fact> {
        if error.kind != "unauthorized" || error.status.is_none() {
            return None;
        }
        let model = self.state.settings.model.as_deref().unwrap_or_default();
        let provider = model.split_once('/').map_or(model, |(provider, _)| provider);
        Some(
            self.needs_key(
                provider,
                &format!("it refused the key that is there: `tenon auth login {provider}`"),
            ),
        )
    }

    /// The files changed: a turn that waits for a key goes on if there is one now.
    pub(crate) async fn keys_changed(&mut self) -> Result<(), AppendError> {
        if !self.waits_for_a_key() {
            return Ok(());
        }
        self.refresh_world();
        let answered = self.answered_logins();
        if answered.is_empty() {
            return Ok(());
        }
        let facts: Vec<Fact> = answered.iter().map(|id| resolved(id, "allow")).collect();
        self.commit(facts).await?;
        for id in answered {
            self.wake(&id, &Answer::plain("allow"));
        }
        Ok(())
    }
}
