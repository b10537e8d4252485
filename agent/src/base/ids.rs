//! New ids: a letter, an underscore and a `UUIDv7` in lower-case Crockford base32. Not here: what the letters mean
//! (`tenon_protocol::ids`).
use std::fmt;
use std::sync::Arc;

use tenon_protocol::ids::Id;
use uuid::Uuid;

/// Crockford's alphabet, lower case: no i, l, o, u. <https://www.crockford.com/base32.html>
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters that 128 bits need at five bits each.
const LEN: usize = 26;

/// Where randomness comes from; behind a trait, so that simulation can own it.
pub(crate) trait Entropy: fmt::Debug + Send + Sync {
    /// Returns a new `UUIDv7`: unique, and ordered by time.
    fn uuid(&self) -> Uuid;
    /// Returns a number spread evenly over `0.0..1.0`, for jitter.
    fn fraction(&self) -> f64;
}

/// Randomness from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn fraction(&self) -> f64 {
        // The last 32 bits of a v7 are random; that is plenty for jitter.
        let low = u32::try_from(Uuid::now_v7().as_u128() & 0xffff_ffff).unwrap_or(0);
        f64::from(low) / (f64::from(u32::MAX) + 1.0)
    }
}

/// Randomness shared by everyone who needs some.
pub(crate) type SharedEntropy = Arc<dyn Entropy>;

/// Returns a new id of the kind that the caller's type names.
pub(crate) fn new<T: Id>(entropy: &dyn Entropy) -> T {
    T::from_string(format!("{}_{}", T::LETTER, encode(entropy.uuid().as_u128())))
}

/// Returns a bare unique name, for instances and messages.
pub(crate) fn unique(entropy: &dyn Entropy) -> String {
    encode(entropy.uuid().as_u128())
}

fn encode(mut value: u128) -> String {
    let mut out = [b'0'; LEN];
    for place in out.iter_mut().rev() {
        *place = ALPHABET[usize::try_from(value & 31).unwrap_or(0)];
        value >>= 5;
    }
    out.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use tenon_protocol::ids::SessionId;

    use super::*;

    #[test]
    fn an_id_is_a_letter_and_26_characters() {
        let id: SessionId = new(&SystemEntropy);
        assert_eq!(id.as_str().len(), 28);
        assert!(id.as_str().starts_with("s_"));
    }

    #[test]
    fn ids_order_by_time() {
        assert!(encode(1) < encode(2));
        assert_eq!(encode(u128::MAX), format!("7{}", "z".repeat(25)));
    }
}
