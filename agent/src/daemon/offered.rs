//! What there is to choose from, told as it comes and goes: models, providers, profiles. Not here: how the lists are made (`lists`),
//! and that a file of the configuration changed (`reload`).
use std::collections::BTreeMap;

use tenon_protocol::error::RpcError;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::catalogue::{
    ModelAdded, ModelChanged, ModelRemoved, ProfileAdded, ProfileChanged, ProfileRemoved, ProviderAdded,
    ProviderChanged, ProviderRemoved,
};
use tenon_protocol::model::{ModelItem, ProviderItem};
use tenon_protocol::session::ProfileItem;

use crate::config::environment::Variables;
use crate::daemon::Daemon;

/// What a client that brings no variables could choose from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Offered {
    providers: BTreeMap<String, ProviderItem>,
    models: BTreeMap<String, ModelItem>,
    profiles: BTreeMap<String, ProfileItem>,
}

impl Offered {
    /// Returns what tells a client that knows `earlier` of this; providers come before their models and go behind them.
    fn changes_since(&self, earlier: &Self) -> Vec<EventBody> {
        let mut events = Vec::new();
        compare(&earlier.providers, &self.providers, |change| match change {
            Change::Added(item) => events.push(ProviderAdded { item }.into()),
            Change::Changed(item) => events.push(ProviderChanged { item }.into()),
            Change::Removed(_) => {}
        });
        compare(&earlier.models, &self.models, |change| {
            events.push(match change {
                Change::Added(item) => ModelAdded { item }.into(),
                Change::Changed(item) => ModelChanged { item }.into(),
                Change::Removed(id) => ModelRemoved { id }.into(),
            });
        });
        compare(&earlier.providers, &self.providers, |change| {
            if let Change::Removed(id) = change {
                events.push(ProviderRemoved { id }.into());
            }
        });
        compare(&earlier.profiles, &self.profiles, |change| {
            events.push(match change {
                Change::Added(item) => ProfileAdded { item }.into(),
                Change::Changed(item) => ProfileChanged { item }.into(),
                Change::Removed(id) => ProfileRemoved { id }.into(),
            });
        });
        events
    }
}

enum Change<T> {
    Added(T),
    Changed(T),
    Removed(String),
}

fn compare<T: Clone + PartialEq>(
    earlier: &BTreeMap<String, T>,
    now: &BTreeMap<String, T>,
    mut tell: impl FnMut(Change<T>),
) {
    for id in earlier.keys().filter(|id| !now.contains_key(*id)) {
        tell(Change::Removed(id.clone()));
    }
    for (id, item) in now {
        match earlier.get(id) {
            None => tell(Change::Added(item.clone())),
            Some(before) if before != item => tell(Change::Changed(item.clone())),
            Some(_) => {}
        }
    }
}

impl Daemon {
    /// Tells the `all` log what has come, changed and gone since this was called last. The first call only looks: what a
    /// daemon begins with is nothing new.
    ///
    /// # Errors
    /// The log cannot be written. What cannot be listed is told when it can be.
    pub(in crate::daemon) async fn tell_offered(&self) -> Result<Option<u64>, RpcError> {
        let Ok(now) = self.offered() else { return Ok(None) };
        let earlier = self.0.told.offered.send_replace(Some(now.clone()));
        let mut last = None;
        for event in earlier.map(|earlier| now.changes_since(&earlier)).unwrap_or_default() {
            last = Some(self.machine(event, Vec::new()).await?);
        }
        Ok(last)
    }

    fn offered(&self) -> Result<Offered, RpcError> {
        let nobodys = Variables::default();
        let providers = self.providers(&nobodys)?.into_iter().map(|item| (item.id.clone(), item));
        let models = self.models(&nobodys)?.into_iter().map(|item| (item.id.clone(), item));
        let profiles = self.profiles(&nobodys)?.into_iter().map(|item| (item.id.clone(), item));
        Ok(Offered { providers: providers.collect(), models: models.collect(), profiles: profiles.collect() })
    }
}
