//! What the configuration offers to choose from: providers, models, profiles; told as it comes and goes. Not here: pages of lists
//! (`lists`), and that a file of the configuration changed (`reload`).
use tenon_protocol::error::RpcError;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::catalogue::{
    ModelAdded, ModelChanged, ModelRemoved, ProfileAdded, ProfileChanged, ProfileRemoved, ProviderAdded,
    ProviderChanged, ProviderRemoved,
};
use tenon_protocol::model::{KeyOrigin, KeyPlace, ModelItem, ProviderItem};
use tenon_protocol::session::ProfileItem;

use crate::catalogue;
use crate::config::credentials::{self, KeyState};
use crate::config::environment::Variables;
use crate::config::profile::Profile;
use crate::config::provider::ProviderConfig;
use crate::daemon::Daemon;
use crate::session::world::World;

impl Daemon {
    /// Tells the `all` log what has come, changed and gone since this was called last, for a client that brings no variables.
    /// The first call only looks: what a daemon begins with is nothing new.
    ///
    /// # Errors
    /// The log cannot be written. What cannot be listed is told when it can be.
    pub(in crate::daemon) async fn tell_offered(&self) -> Result<Option<u64>, RpcError> {
        let Ok(now) = self.0.resources.files.look(None) else { return Ok(None) };
        let Some(earlier) = self.0.told.offered.borrow().clone() else {
            self.0.told.offered.send_replace(Some(now));
            return Ok(None);
        };
        let nobodys = Variables::default();
        let Ok(to) = World::of(now.clone(), &nobodys) else { return Ok(None) };
        self.0.told.offered.send_replace(Some(now));
        let Ok(from) = World::of(earlier, &nobodys) else { return Ok(None) };
        let mut last = None;
        for event in differences(&from, &to) {
            last = Some(self.machine(event, Vec::new()).await?);
        }
        Ok(last)
    }
}

/// Returns what tells a client that knows what was offered `earlier` of what is `now`. Providers come before their models and go
/// behind them.
fn differences(earlier: &World, now: &World) -> Vec<EventBody> {
    let (from, to) = (providers(earlier), providers(now));
    let mut events =
        come(&from, &to, |item| &item.id, |item| ProviderAdded { item }, |item| ProviderChanged { item });
    let (old, new) = (models(earlier), models(now));
    events.extend(gone(&old, &new, |item| &item.id, |id| ModelRemoved { id }));
    events.extend(come(
        &old,
        &new,
        |item| &item.id,
        |item| ModelAdded { item },
        |item| ModelChanged { item },
    ));
    events.extend(gone(&from, &to, |item| &item.id, |id| ProviderRemoved { id }));
    let (old, new) = (profiles(earlier), profiles(now));
    events.extend(gone(&old, &new, |item| &item.id, |id| ProfileRemoved { id }));
    events.extend(come(
        &old,
        &new,
        |item| &item.id,
        |item| ProfileAdded { item },
        |item| ProfileChanged { item },
    ));
    events
}

/// Returns the events of the items that are new or other than they were.
fn come<T: Clone + PartialEq, A: Into<EventBody>, C: Into<EventBody>>(
    earlier: &[T],
    now: &[T],
    id: fn(&T) -> &String,
    added: fn(T) -> A,
    changed: fn(T) -> C,
) -> Vec<EventBody> {
    let event = |item: &T| match earlier.iter().find(|before| id(before) == id(item)) {
        None => Some(added(item.clone()).into()),
        Some(before) if before != item => Some(changed(item.clone()).into()),
        Some(_) => None,
    };
    now.iter().filter_map(event).collect()
}

/// Returns the events of the items that are there no more.
fn gone<T, R: Into<EventBody>>(
    earlier: &[T],
    now: &[T],
    id: fn(&T) -> &String,
    removed: fn(String) -> R,
) -> Vec<EventBody> {
    let is_gone = |item: &&T| !now.iter().any(|other| id(other) == id(item));
    earlier.iter().filter(is_gone).map(|item| removed(id(item).clone()).into()).collect()
}

/// Returns every provider, whether or not a key is there: one can log in to it.
pub(in crate::daemon) fn providers(world: &World) -> Vec<ProviderItem> {
    let names = world.config.known();
    let found = names.iter().filter_map(|name| world.config.provider(name, &world.environment));
    let item = |provider: ProviderConfig| ProviderItem {
        ready: is_ready(&provider, world),
        key: Some(key_origin(&provider, world)),
        wire: provider.wire.as_str().to_owned(),
        base_url: provider.shown_address().unwrap_or_default(),
        id: provider.name,
    };
    found.map(item).collect()
}

/// Returns the models that can be named now: of each provider that is available, those the catalogue knows and the one
/// that is configured.
pub(in crate::daemon) fn models(world: &World) -> Vec<ModelItem> {
    let chosen = world.choose(None).ok().map(|choice| choice.full_name());
    let names = world.config.available(&world.environment, &world.credentials);
    let mut items = Vec::new();
    for provider in names.iter().filter_map(|name| world.config.provider(name, &world.environment)) {
        let mut models: Vec<String> =
            catalogue::models(&provider.name).map(|(name, _)| name.to_owned()).collect();
        models.extend(provider.model.clone().filter(|model| !models.contains(model)));
        let of_chosen = chosen.as_deref().and_then(|full| full.strip_prefix(&format!("{}/", provider.name)));
        models.extend(of_chosen.map(str::to_owned).filter(|model| !models.contains(model)));
        let ready = is_ready(&provider, world);
        for model in models {
            let known = catalogue::find(&provider.name, &model);
            let id = format!("{}/{model}", provider.name);
            items.push(ModelItem {
                default: (chosen.as_ref() == Some(&id)).then_some(true),
                id,
                provider: provider.name.clone(),
                wire: provider.wire.as_str().to_owned(),
                ready,
                context_tokens: known.map(|known| known.context_tokens),
                input_cost: known.and_then(|known| known.price.as_ref()).map(|price| price.input),
                output_cost: known.and_then(|known| known.price.as_ref()).map(|price| price.output),
                model,
            });
        }
    }
    items
}

/// Returns the profiles that can be named.
pub(in crate::daemon) fn profiles(world: &World) -> Vec<ProfileItem> {
    let item = |profile: &Profile| ProfileItem {
        id: profile.name.clone(),
        read: profile.read.as_str().to_owned(),
        write: profile.write.as_str().to_owned(),
        shell: profile.shell.as_str().to_owned(),
        network: profile.network.as_str().to_owned(),
        default: (profile.name == world.config.profile).then_some(true),
    };
    world.config.profiles.values().map(item).collect()
}

fn is_ready(provider: &ProviderConfig, world: &World) -> bool {
    !matches!(provider.key(&world.environment, &world.credentials), KeyState::Missing { .. })
}

/// Returns where a provider's key comes from, as clients are told.
pub(crate) fn key_origin(provider: &ProviderConfig, world: &World) -> KeyOrigin {
    let (place, name) = match provider.key(&world.environment, &world.credentials) {
        KeyState::NotNeeded => (KeyPlace::NotNeeded, None),
        KeyState::Missing { .. } => (KeyPlace::Missing, None),
        KeyState::Found { place, .. } => match place {
            credentials::KeyPlace::Variable(name) => (KeyPlace::Variable, Some(name)),
            credentials::KeyPlace::File(file) => (KeyPlace::File, Some(file.display().to_string())),
            credentials::KeyPlace::Stored => (KeyPlace::Stored, None),
        },
    };
    KeyOrigin { place, name }
}
