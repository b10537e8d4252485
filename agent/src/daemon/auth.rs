//! `agent/auth`: logging in to a provider with a key, and out. Not here: where keys are looked for (`config::credentials`),
//! trying one (`session::login`).
//!
//! A key is in memory until it is tried and then in `credentials.json`, nowhere else: no log, event, error or answer holds
//! it. A key that is being tried when its request is given up is tried, stored and told all the same: no login is left half done.
use std::collections::BTreeMap;
use std::future::Future;

use tenon_protocol::auth::{AuthOp, AuthParams, AuthResult, AuthState};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tokio::sync::{oneshot, watch};

use crate::base::ids;
use crate::base::secret::Secret;
use crate::base::task::{self, Task};
use crate::config::credentials::{CredentialsError, KeyPlace, KeyState, store};
use crate::config::provider::{KeySource, ProviderConfig, Wire, vendor};
use crate::daemon::offered::key_origin;
use crate::daemon::{Caller, Daemon};
use crate::session::KeyCheck;
use crate::session::login::try_key;
use crate::session::world::World;

/// Logins that wait at once; one more forgets the oldest. A person has one, perhaps two.
const FLOWS_MAX: usize = 64;

/// Longest key in bytes: one that no server would take as a header.
const KEY_BYTES_MAX: usize = 8 * 1024;

/// Keys that are tried at once. A person has one, perhaps two.
const TRIED_MAX: usize = 16;

/// The logins there are.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    /// Those that wait for their key: each one's provider, oldest first.
    waiting: watch::Sender<BTreeMap<String, String>>,
    /// What tries keys, stores them and takes them out: held so that it is done, whoever asked for it is there or not.
    at_work: watch::Sender<Vec<Task<()>>>,
}

impl Logins {
    /// Keeps work until it is done; `false` if there is too much of it, and none of this is done.
    fn keep(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        self.at_work.send_if_modified(|tasks| {
            tasks.retain(|task| !task.is_finished());
            let has_room = tasks.len() < TRIED_MAX;
            if has_room {
                tasks.push(task::spawn(work));
            }
            has_room
        })
    }

    fn begin(&self, id: String, provider: &str) {
        self.waiting.send_modify(|flows| {
            flows.insert(id, provider.to_owned());
            if flows.len() > FLOWS_MAX {
                flows.pop_first();
            }
        });
    }

    fn is_of(&self, id: &str, provider: &str) -> bool {
        self.waiting.borrow().get(id).is_some_and(|of| of == provider)
    }

    fn end(&self, id: &str) {
        self.waiting.send_if_modified(|flows| flows.remove(id).is_some());
    }
}

impl Daemon {
    /// Logs in to a provider, or out.
    pub(crate) async fn auth(&self, caller: &Caller, params: AuthParams) -> Result<AuthResult, RpcError> {
        let world = self.world(&caller.variables)?;
        let provider = known(&params.provider, &world)?;
        match params.op {
            AuthOp::Start => {
                takes_login(&provider)?;
                let id = ids::unique(&*self.0.resources.entropy);
                self.0.logins.begin(id.clone(), &provider.name);
                let page = vendor(&provider.name)
                    .filter(|vendor| provider.base_url.as_deref() == Some(vendor.base_url))
                    .map(|vendor| vendor.key_page.to_owned());
                let begun =
                    AuthResult { flow_id: Some(id), url: page, ..result(&provider, AuthState::Pending) };
                Ok(AuthResult { key: Some(key_origin(&provider, &world)), ..begun })
            }
            AuthOp::Submit => {
                let (daemon, caller) = (self.clone(), caller.clone());
                self.to_its_end(async move { daemon.submit(&caller, &provider, &world, params).await }).await
            }
            AuthOp::Cancel => {
                let id = params.flow_id.unwrap_or_default();
                self.check_flow(&id, &provider)?;
                self.0.logins.end(&id);
                Ok(result(&provider, AuthState::Cancelled))
            }
            AuthOp::Logout => {
                let (daemon, caller) = (self.clone(), caller.clone());
                self.to_its_end(async move { daemon.logout(&caller, &provider).await }).await
            }
        }
    }

    /// Does the work, also if nobody waits for it any more.
    async fn to_its_end(
        &self,
        work: impl Future<Output = Result<AuthResult, RpcError>> + Send + 'static,
    ) -> Result<AuthResult, RpcError> {
        let (reply, answer) = oneshot::channel();
        let is_kept = self.0.logins.keep(async move {
            // Whoever asked may be gone.
            drop(reply.send(work.await));
        });
        if !is_kept {
            let message = format!("{TRIED_MAX} keys are tried at the moment");
            return Err(RpcError::new(ErrorKind::AuthFailed, message).retry(Retry::Later));
        }
        let ended = |_| RpcError::new(ErrorKind::Internal, "the login ended without an answer");
        answer.await.map_err(ended)?
    }

    async fn submit(
        &self,
        caller: &Caller,
        provider: &ProviderConfig,
        world: &World,
        params: AuthParams,
    ) -> Result<AuthResult, RpcError> {
        takes_login(provider)?;
        if let Some(id) = &params.flow_id {
            self.check_flow(id, provider)?;
        }
        let key = checked_shape(params.key.map(|key| key.0).unwrap_or_default())?;
        let mut warnings = Vec::new();
        let checked = match try_key(provider, &key, &world.environment).await {
            KeyCheck::Accepted => true,
            KeyCheck::Unknown(why) => {
                warnings.push(format!("the key could not be tried: {why}"));
                false
            }
            KeyCheck::Rejected(why) => {
                let message = format!("provider {} did not take the key: {why}", provider.name);
                let error = RpcError::new(ErrorKind::AuthFailed, message).retry(Retry::Never);
                return Err(error
                    .with("provider", &provider.name)
                    .hint("nothing was stored; look for a missing or doubled part of the key"));
            }
        };
        let (_, seq) = self.store_key(&provider.name, Some(key)).await?;
        if let Some(id) = &params.flow_id {
            self.0.logins.end(id);
        }
        let world = self.world(&caller.variables)?;
        if let KeyState::Found { place: KeyPlace::Variable(name), .. } =
            provider.key(&world.environment, &world.credentials)
        {
            warnings.push(format!("{name} of your environment goes before the stored key"));
        }
        Ok(AuthResult {
            checked: Some(checked),
            key: Some(key_origin(provider, &world)),
            warnings: (!warnings.is_empty()).then_some(warnings),
            seq,
            ..result(provider, AuthState::LoggedIn)
        })
    }

    async fn logout(&self, caller: &Caller, provider: &ProviderConfig) -> Result<AuthResult, RpcError> {
        let (had, seq) = self.store_key(&provider.name, None).await?;
        let world = self.world(&caller.variables)?;
        let mut warnings = Vec::new();
        if !had {
            warnings.push(format!("no key of provider {} was stored", provider.name));
        }
        match provider.key(&world.environment, &world.credentials) {
            KeyState::Found { place: KeyPlace::Variable(name), .. } => {
                warnings.push(format!("{name} of your environment still holds a key"));
            }
            KeyState::Found { place: KeyPlace::File(file), .. } => {
                warnings.push(format!("{} still holds a key", file.display()));
            }
            KeyState::Found { place: KeyPlace::Stored, .. }
            | KeyState::NotNeeded
            | KeyState::Missing { .. } => {}
        }
        Ok(AuthResult {
            key: Some(key_origin(provider, &world)),
            warnings: (!warnings.is_empty()).then_some(warnings),
            seq,
            ..result(provider, AuthState::LoggedOut)
        })
    }

    fn check_flow(&self, id: &str, provider: &ProviderConfig) -> Result<(), RpcError> {
        if self.0.logins.is_of(id, &provider.name) {
            return Ok(());
        }
        let message = format!("there is no such login to provider {}", provider.name);
        let error = RpcError::new(ErrorKind::AuthFailed, message).retry(Retry::Never);
        Err(error.hint("it ended, or the agent was restarted: begin a new one with `start`"))
    }

    /// Puts a key into the file or takes it out, and tells; returns whether one was there, and where it was told.
    async fn store_key(&self, name: &str, key: Option<Secret>) -> Result<(bool, Option<u64>), RpcError> {
        let Ok(_turn) = self.0.configuring.acquire().await else { return Ok((false, None)) };
        // What is there already is told apart from what changes now.
        self.tell_configuration().await?;
        let (file, name) = (self.0.resources.files.credentials_file(), name.to_owned());
        // Waits for the disk.
        let stored = tokio::task::spawn_blocking(move || store(&file, &name, key.as_ref()));
        let stored = stored.await.map_err(|error| {
            let why = error
                .try_into_panic()
                .map_or_else(|_| "ended".to_owned(), |payload| task::panic_text(&*payload));
            RpcError::new(ErrorKind::Internal, format!("the key could not be stored: {why}"))
        })?;
        let had = stored.map_err(|error| not_stored(&error))?;
        self.0.resources.files.look_at_all();
        Ok((had, self.tell_configuration().await?))
    }
}

fn result(provider: &ProviderConfig, state: AuthState) -> AuthResult {
    AuthResult {
        provider: provider.name.clone(),
        state,
        flow_id: None,
        url: None,
        code: None,
        checked: None,
        key: None,
        warnings: None,
        seq: None,
    }
}

fn known(name: &str, world: &World) -> Result<ProviderConfig, RpcError> {
    let found = world.config.provider(name, &world.environment);
    found.ok_or_else(|| {
        let message = format!("there is no provider {name}");
        let known = world.config.known();
        RpcError::new(ErrorKind::InvalidParams, message)
            .with("known", &known)
            .hint(format!("there are {}; others are set up as `providers.NAME`", known.join(", ")))
    })
}

/// Tells whether a stored key would ever be used.
fn takes_login(provider: &ProviderConfig) -> Result<(), RpcError> {
    let name = &provider.name;
    let refused = |message: String, hint: String| {
        Err(RpcError::new(ErrorKind::AuthFailed, message).retry(Retry::Never).hint(hint))
    };
    if provider.wire == Wire::Script {
        return refused(format!("provider {name} takes no key"), "it plays a file".to_owned());
    }
    if !provider.wire.in_this_build() {
        let message = format!("provider {name} speaks {}, which is not in this build", provider.wire);
        return refused(message, "`tenon auth` lists those that can be used".to_owned());
    }
    if let KeySource::File(file) = &provider.api_key {
        let message = format!("the configuration names {} as the place of the key of {name}", file.display());
        let hint =
            format!("put the key there, or remove it: `tenon config unset providers.{name}.api_key.file`");
        return refused(message, hint);
    }
    Ok(())
}

/// Takes a key that could be sent; what surrounds it on a clipboard is no part of it.
fn checked_shape(key: String) -> Result<Secret, RpcError> {
    let key = Secret::new(key);
    let trimmed = key.expose().trim();
    let wrong = |why: &str| Err(RpcError::new(ErrorKind::InvalidParams, format!("the key {why}")));
    if trimmed.is_empty() {
        return wrong("is empty");
    }
    if trimmed.len() > KEY_BYTES_MAX {
        return wrong("is longer than any key");
    }
    if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("has characters that no key has: blanks, line breaks or letters beyond ASCII");
    }
    Ok(Secret::new(trimmed))
}

fn not_stored(error: &CredentialsError) -> RpcError {
    let message = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let line = error.line();
    RpcError::new(ErrorKind::InvalidConfig, message)
        .with("file", error.file().display().to_string())
        .with("line", line)
        .hint("nothing was stored")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_without_what_surrounds_it() {
        assert_eq!(checked_shape(" test-key\n".to_owned()).unwrap().expose(), "test-key");
        for wrong in ["", " ", "test key", "test-key\nother", "test-kéy", &"x".repeat(KEY_BYTES_MAX + 1)] {
            let error = checked_shape(wrong.to_owned()).unwrap_err();
            assert!(error.is(ErrorKind::InvalidParams));
            assert!(!error.message.contains("test"), "{error}");
        }
    }

    #[test]
    fn the_oldest_of_too_many_logins_goes() {
        let logins = Logins::default();
        for number in 0..=FLOWS_MAX {
            logins.begin(format!("{number:04}"), "p");
        }
        assert!(!logins.is_of("0000", "p") && logins.is_of("0001", "p") && !logins.is_of("0001", "q"));
        logins.end("0001");
        assert!(!logins.is_of("0001", "p"));
    }
}
