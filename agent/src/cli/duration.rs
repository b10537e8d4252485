//! Spans of time as people write and read them. Not here: points in time.
use std::time::Duration;

/// Reads `90`, `90s`, `10m`, `2h` or `30d`; a bare number is seconds.
///
/// # Errors
/// A sentence for the usage message: the text is something else, or no time at all.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "a time expected, such as 90s, 10m, 2h or 30d".to_owned();
    let (digits, unit_s) = match text.chars().last() {
        Some('s') => (&text[..text.len() - 1], 1),
        Some('m') => (&text[..text.len() - 1], 60),
        Some('h') => (&text[..text.len() - 1], 3600),
        Some('d') => (&text[..text.len() - 1], 86_400),
        _ => (text, 1),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = count.checked_mul(unit_s).filter(|seconds| (1..=31_536_000).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

/// Writes a span for people: `4s`, `2m 05s`, `1h 01m`.
pub(crate) fn short(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "0", "-1s", "1.5m", "10 m", "10w", "+5", "99999999999999999999h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_written_short() {
        let texts = [4, 65, 3660].map(|seconds| short(Duration::from_secs(seconds)));
        assert_eq!(texts, ["4s", "1m 05s", "1h 01m"]);
    }
}
