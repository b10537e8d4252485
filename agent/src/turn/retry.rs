//! When a failed try is repeated, as a pure function. Not here: waiting.
use std::time::Duration;

use crate::providers::ProviderError;

/// The wait before the second try; it doubles with each further one. Short enough for a hiccup.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that we choose ourselves; a server may ask for more.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// What a step's tries may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Tries of one step, the first included.
    pub(crate) attempts_max: u32,
    /// Time from the start of the first try to the start of the last.
    pub(crate) total_max: Duration,
}

/// Returns how long to wait before the next try, or `None` if there is none: the failure is final, the tries are used up, or
/// the wait would end beyond the budget.
///
/// `attempt` counts the tries so far, `spent` is the time since the step began, `fraction` is a random number in
/// `0.0..1.0`. Without a word from the server the wait is exponential with jitter over its upper half; a `Retry-After` is
/// kept to exactly.
pub(crate) fn plan(
    error: &ProviderError,
    attempt: u32,
    spent: Duration,
    budget: Budget,
    fraction: f64,
) -> Option<Duration> {
    if !error.kind.retryable() || attempt >= budget.attempts_max {
        return None;
    }
    let doubled = FIRST_WAIT.saturating_mul(1 << (attempt.clamp(1, 16) - 1));
    let own = doubled.min(WAIT_MAX).mul_f64(0.5 + fraction.clamp(0.0, 1.0) / 2.0);
    let wait = error.retry_after.unwrap_or(own);
    (spent + wait <= budget.total_max).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ProviderErrorKind;

    const BUDGET: Budget = Budget { attempts_max: 4, total_max: Duration::from_secs(10) };

    fn error(kind: ProviderErrorKind, retry_after: Option<u64>) -> ProviderError {
        ProviderError {
            kind,
            status: None,
            message: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    fn check(kind: ProviderErrorKind, retry_after: Option<u64>, attempt: u32, spent: u64) -> Option<u128> {
        let wait = plan(&error(kind, retry_after), attempt, Duration::from_secs(spent), BUDGET, 1.0);
        wait.map(|wait| wait.as_millis())
    }

    #[test]
    fn waits_double_and_end_with_the_tries_or_the_time() {
        let kind = ProviderErrorKind::Overloaded;
        assert_eq!(
            [1, 2, 3, 4].map(|attempt| check(kind, None, attempt, 0)),
            [Some(500), Some(1000), Some(2000), None]
        );
        assert_eq!(check(kind, None, 3, 9), None);
    }

    #[test]
    fn the_servers_word_counts_within_the_budget() {
        assert_eq!(check(ProviderErrorKind::RateLimited, Some(1), 1, 0), Some(1000));
        assert_eq!(check(ProviderErrorKind::RateLimited, Some(60), 1, 0), None);
    }

    #[test]
    fn what_cannot_get_better_is_not_tried_again() {
        for kind in
            [ProviderErrorKind::Unauthorized, ProviderErrorKind::BadRequest, ProviderErrorKind::NotFound]
        {
            assert_eq!(check(kind, None, 1, 0), None);
        }
    }
}
