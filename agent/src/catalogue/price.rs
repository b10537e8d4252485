//! What tokens cost. Not here: which model has which price (the data of `catalogue`).
use serde::Deserialize;

/// The unit of prices.
const MILLION: f64 = 1_000_000.0;

/// Prices in US dollars a million tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// Of the prompt, where no cache had a part in it.
    pub(crate) input: f64,
    /// Of the answer, reasoning included.
    pub(crate) output: f64,
    /// Of what a cache held.
    pub(crate) cache_read: f64,
    /// Of what was written to a cache; absent means the price of input.
    pub(crate) cache_write: Option<f64>,
    /// What changes with long prompts.
    pub(crate) long: Option<LongPrompt>,
}

/// The dearer rates of a request whose prompt is long; they hold for all of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongPrompt {
    /// The largest prompt, in tokens, at the ordinary rates.
    pub(crate) above: u64,
    /// By how much everything of the prompt is dearer.
    pub(crate) input_factor: f64,
    /// By how much the answer is.
    pub(crate) output_factor: f64,
}

/// The tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Of the prompt, neither read from nor written to a cache.
    pub(crate) input: u64,
    /// Of the answer.
    pub(crate) output: u64,
    /// Read from a cache.
    pub(crate) cache_read: u64,
    /// Written to a cache.
    pub(crate) cache_write: u64,
}

impl Price {
    /// Returns the cost of one request in US dollars.
    pub(crate) fn of(&self, counts: Counts) -> f64 {
        let prompt = counts.input.saturating_add(counts.cache_read).saturating_add(counts.cache_write);
        let (input_factor, output_factor) = match &self.long {
            Some(long) if prompt > long.above => (long.input_factor, long.output_factor),
            Some(_) | None => (1.0, 1.0),
        };
        let cache_write = self.cache_write.unwrap_or(self.input);
        let prompt_cost = number(counts.input) * self.input
            + number(counts.cache_read) * self.cache_read
            + number(counts.cache_write) * cache_write;
        (prompt_cost * input_factor + number(counts.output) * self.output * output_factor) / MILLION
    }
}

/// Counts are far below 2^52, where a float would begin to round.
#[expect(clippy::cast_precision_loss, reason = "token counts are exact in a float")]
const fn number(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: Counts, expected: f64) {
        let long = Some(LongPrompt { above: 100, input_factor: 2.0, output_factor: 3.0 });
        let price = Price { input: 1.0, output: 10.0, cache_read: 0.5, cache_write: Some(2.0), long };
        let cost = price.of(counts) * MILLION;
        assert!((cost - expected).abs() < 1e-9, "{cost} is not {expected}");
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        check(Counts { input: 10, output: 2, cache_read: 20, cache_write: 5 }, 10.0 + 20.0 + 10.0 + 10.0);
    }

    #[test]
    fn a_long_prompt_is_dearer_as_a_whole() {
        check(Counts { input: 100, output: 1, ..Counts::default() }, 100.0 + 10.0);
        check(Counts { input: 100, output: 1, cache_read: 2, ..Counts::default() }, 2.0 * 101.0 + 30.0);
    }

    #[test]
    fn writing_to_a_cache_without_a_price_costs_like_input() {
        let price = Price { input: 1.0, output: 1.0, cache_read: 0.5, cache_write: None, long: None };
        assert!((price.of(Counts { cache_write: 3, ..Counts::default() }) * MILLION - 3.0).abs() < 1e-9);
    }
}
