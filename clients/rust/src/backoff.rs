//! Pauses between tries: growing, bounded in length and in number. Not here: what is tried.
use std::time::Duration;

/// The first pause. An agent that was killed is back within a few of these.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// The longest pause: what a person hardly notices.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Pauses before the loss is reported: about four seconds in all, beside the time the tries themselves take.
const PAUSES_MAX: u32 = 9;

/// How often something was tried that failed.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    pauses: u32,
}

impl Backoff {
    /// Waits before the next try. Returns whether there is one.
    pub(crate) async fn pause(&mut self) -> bool {
        let Some(pause) = self.next() else { return false };
        tokio::time::sleep(pause).await;
        true
    }

    /// Begins anew: something worked.
    pub(crate) fn reset(&mut self) {
        self.pauses = 0;
    }

    fn next(&mut self) -> Option<Duration> {
        if self.pauses >= PAUSES_MAX {
            return None;
        }
        let pause = PAUSE_MAX.min(PAUSE_MIN * 2_u32.pow(self.pauses));
        self.pauses += 1;
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_end() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = std::iter::from_fn(|| backoff.next()).collect();
        assert!(
            pauses.is_sorted() && pauses[0] == PAUSE_MIN && pauses.last() == Some(&PAUSE_MAX),
            "{pauses:?}"
        );
        assert!(pauses.iter().sum::<Duration>() < Duration::from_secs(5), "{pauses:?}");
        backoff.reset();
        assert_eq!(backoff.next(), Some(PAUSE_MIN));
    }
}
