//! Time behind a trait, so that tests and simulation own it. Not here: time zones; everything is UTC.
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Timestamp(pub(crate) i64);

impl Timestamp {
    /// Returns the time as RFC 3339 in UTC with exactly three decimals, as the protocol writes it.
    pub(crate) fn to_rfc3339(self) -> String {
        let time = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("{time:.3}")
    }

    /// Parses what `to_rfc3339` wrote; `None` for anything that is no RFC 3339 time.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|time| Self(time.as_millisecond()))
    }

    /// Returns this time moved forward; saturates.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns how long after `earlier` this is; zero if it is not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A sleep that ends by itself and is cancelled by dropping it.
pub(crate) type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from.
pub(crate) trait Clock: fmt::Debug + Send + Sync {
    /// Returns the present wall-clock time; it may jump.
    fn now(&self) -> Timestamp;
    /// Returns a future that ends after `duration`, measured on a clock that never jumps.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock shared by everyone who needs one.
pub(crate) type SharedClock = Arc<dyn Clock>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_three_decimals_and_read_back() {
        let time = Timestamp(1_767_323_045_000);
        assert_eq!(time.to_rfc3339(), "2026-01-02T03:04:05.000Z");
        assert_eq!(Timestamp::parse("2026-01-02T03:04:05.678Z"), Some(Timestamp(1_767_323_045_678)));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
