//! A figure: a number with its unit, its spread and its goal. Not here: how it is printed (`table`) or kept (`saved`).

use std::time::Duration;

/// What a number should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing is promised; the number is there to be compared.
    None,
}

impl Goal {
    /// Returns whether `value` is what it should be.
    pub(crate) fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::None => true,
        }
    }
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    /// The median of the samples, or the one number there is.
    pub(crate) value: f64,
    /// The 95th percentile, where there are samples.
    pub(crate) p95: Option<f64>,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
    /// How it was measured, where the name does not say.
    pub(crate) note: String,
}

impl Figure {
    /// Makes a figure of one number.
    pub(crate) fn one(name: &str, value: f64, unit: &'static str, goal: Goal) -> Self {
        Self { name: name.to_owned(), value, p95: None, unit, goal, note: String::new() }
    }

    /// Makes a figure of samples in milliseconds: their median, and the 95th percentile.
    pub(crate) fn times(name: &str, samples: &[Duration], goal: Goal) -> Self {
        let mut sorted: Vec<f64> = samples.iter().copied().map(milliseconds).collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            name: name.to_owned(),
            value: quantile(&sorted, 0.5),
            p95: Some(quantile(&sorted, 0.95)),
            unit: "ms",
            goal,
            note: format!("{} samples", samples.len()),
        }
    }

    /// Says how it was measured.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// Returns the value below which the fraction `at` of the sorted samples lies; 0 without samples.
pub(crate) fn quantile(sorted: &[f64], at: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index among some hundred samples"
    )]
    let index = (last as f64 * at).round() as usize;
    sorted[index.min(last)]
}

/// Returns a duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Returns a count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts and sizes here are far below 2^52")]
pub(crate) fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_sample() {
        let sorted = [1.0, 2.0, 3.0, 4.0, 100.0];
        let found: Vec<String> =
            [0.0, 0.5, 0.95, 1.0].iter().map(|at| quantile(&sorted, *at).to_string()).collect();
        assert_eq!(found, ["1", "3", "100", "100"]);
        assert!(quantile(&[], 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_goal_has_a_direction() {
        assert!(Goal::AtMost(3.0).is_met_by(3.0) && !Goal::AtMost(3.0).is_met_by(3.1));
        assert!(Goal::AtLeast(3.0).is_met_by(3.0) && !Goal::AtLeast(3.0).is_met_by(2.9));
        assert!(Goal::None.is_met_by(1e9));
    }
}
