//! Models, limits and prices.
//!
//! The data is in `agent/data/models`, one file a vendor, parsed when somebody first asks for that vendor.
//! It only ever advises: a model that is not in it can be used, at limits assumed and at no known cost.
//! Not here: how a model is spoken to (`providers`).
//!
//! Imports: config, base
pub(crate) mod price;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

pub(crate) use crate::catalogue::price::{Counts, Price};

/// The context window that is assumed where nobody knows: too small a number would compact every conversation early,
/// while too large a one is corrected by the server's first refusal.
pub(crate) const CONTEXT_TOKENS_ASSUMED: u64 = 128_000;

/// What is known of a model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// The most tokens of prompt and answer together.
    #[serde(rename = "context")]
    pub(crate) context_tokens: u64,
    /// The most tokens of an answer.
    #[serde(rename = "output")]
    pub(crate) output_tokens_max: u32,
    /// What it costs.
    pub(crate) price: Option<Price>,
}

/// The models of one vendor.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    default: String,
    models: BTreeMap<String, Model>,
}

/// What a conversation with a model may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModelLimits {
    /// The most tokens of prompt and answer together.
    pub(crate) context_tokens: u64,
    /// The most tokens of an answer, where that is known.
    pub(crate) output_tokens_max: Option<u32>,
}

/// One vendor's file and what it came to.
struct Source {
    provider: &'static str,
    text: &'static str,
    parsed: OnceLock<Vendor>,
}

impl Source {
    const fn new(provider: &'static str, text: &'static str) -> Self {
        Self { provider, text, parsed: OnceLock::new() }
    }

    /// The files are part of the program and a test reads each of them, so that the fallback is never seen.
    fn vendor(&self) -> &Vendor {
        self.parsed.get_or_init(|| toml::from_str(self.text).unwrap_or_default())
    }
}

static SOURCES: [Source; 2] = [
    Source::new("anthropic", include_str!("../data/models/anthropic.toml")),
    Source::new("openai", include_str!("../data/models/openai.toml")),
];

/// Returns the known models of a provider by name; none for providers we know nothing of.
pub(crate) fn models(provider: &str) -> impl Iterator<Item = (&'static str, &'static Model)> {
    let models = source(provider).map(|source| source.vendor().models.iter());
    models.into_iter().flatten().map(|(name, model)| (name.as_str(), model))
}

/// Returns the model to use where only the provider was named.
pub(crate) fn default_model(provider: &str) -> Option<&'static str> {
    source(provider).map(|source| source.vendor().default.as_str()).filter(|name| !name.is_empty())
}

/// Returns what is known of a provider's model. A date at the end of the name does not matter.
pub(crate) fn find(provider: &str, model: &str) -> Option<&'static Model> {
    let models = &source(provider)?.vendor().models;
    models.get(model).or_else(|| models.get(undated(model)))
}

/// Returns the limits of a model: its own, else those of the same model at another vendor, else assumed ones.
pub(crate) fn limits(provider: &str, model: &str) -> ModelLimits {
    let elsewhere = || SOURCES.iter().find_map(|source| find(source.provider, model));
    match find(provider, model).or_else(elsewhere) {
        Some(model) => ModelLimits {
            context_tokens: model.context_tokens,
            output_tokens_max: Some(model.output_tokens_max),
        },
        None => ModelLimits { context_tokens: CONTEXT_TOKENS_ASSUMED, output_tokens_max: None },
    }
}

/// Returns what one request cost in US dollars, where its price is known: gateways have prices of their own, so that
/// only the vendor's own provider counts.
pub(crate) fn cost_usd(provider: &str, model: &str, counts: Counts) -> Option<f64> {
    Some(find(provider, model)?.price.as_ref()?.of(counts))
}

fn source(provider: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.provider == provider)
}

/// Returns a name without `-20250929` or `-2025-09-29` at its end.
fn undated(model: &str) -> &str {
    let is_date = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        digits == 8 && (text.len() == 8 || (text.len() == 10 && text.matches('-').count() == 2))
    };
    [8, 10]
        .into_iter()
        .filter_map(|len| model.len().checked_sub(len + 1).and_then(|at| model.split_at_checked(at)))
        .find(|(_, end)| end.strip_prefix('-').is_some_and(is_date))
        .map_or(model, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_makes_sense() {
        for source in &SOURCES {
            let vendor: Vendor = toml::from_str(source.text).unwrap();
            assert!(vendor.models.contains_key(&vendor.default), "{}: the default is known", source.provider);
            assert!(crate::config::provider::vendor(source.provider).is_some());
            for (name, model) in &vendor.models {
                assert!(u64::from(model.output_tokens_max) < model.context_tokens, "{name}");
                let price = model.price.as_ref().unwrap();
                assert!(price.cache_read < price.input && price.input < price.output, "{name}");
            }
        }
    }

    #[test]
    fn names_are_found_with_and_without_a_date() {
        assert!(find("anthropic", "claude-sonnet-4-5").is_some());
        assert_eq!(find("anthropic", "claude-sonnet-4-5-20250929"), find("anthropic", "claude-sonnet-4-5"));
        assert_eq!(find("openai", "gpt-5.1-2025-11-13"), find("openai", "gpt-5.1"));
        assert_eq!(find("anthropic", "claude-sonnet-4-5-latest"), None);
        assert_eq!(undated("20250929"), "20250929");
        assert_eq!(undated("ä-20250929"), "ä");
    }

    #[test]
    fn strangers_have_assumed_limits_and_no_price() {
        let unknown = ModelLimits { context_tokens: CONTEXT_TOKENS_ASSUMED, output_tokens_max: None };
        assert_eq!(limits("local", "qwen"), unknown);
        assert_eq!(limits("gateway", "claude-haiku-4-5").context_tokens, 200_000);
        let counts = Counts { input: 1000, ..Counts::default() };
        assert_eq!(cost_usd("gateway", "claude-haiku-4-5", counts), None);
        assert_eq!(cost_usd("anthropic", "claude-haiku-4-5", counts), Some(0.001));
        assert_eq!(default_model("local"), None);
        assert_eq!(default_model("anthropic"), Some("claude-sonnet-5-5"));
        assert_eq!(models("local").count(), 0);
        assert!(models("openai").any(|(name, _)| name == "gpt-5.1"));
    }
}
