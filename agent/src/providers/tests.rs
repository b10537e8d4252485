//! The adapters against a real HTTP server that misbehaves as real ones do: a test for each row of the fault table.
use std::collections::BTreeMap;

use crate::config::provider::{KeySource, MaxTokensField, ProviderConfig, Timeouts, Wire};

/// Returns a provider `fake` of that wire and address.
pub(crate) fn config(wire: &str, base_url: &str) -> ProviderConfig {
    ProviderConfig {
        name: "fake".to_owned(),
        wire: Wire::parse(wire).unwrap(),
        base_url: Some(base_url.to_owned()),
        api_key: KeySource::Default,
        headers: BTreeMap::new(),
        max_tokens_field: MaxTokensField::default(),
        timeouts: Timeouts::default(),
        model: None,
        file: None,
    }
}
