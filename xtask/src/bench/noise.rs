//! How steady the machine is: the spread of a loop that always does the same. Not here: any correction by it; a table that
//! was taken in a noisy hour says so, and is taken again.

use super::figures::{milliseconds, quantile};
use std::hint::black_box;
use std::time::Instant;

/// Runs of the loop.
const ROUNDS: usize = 41;

/// Turns of the loop: some milliseconds, about as long as what is measured.
const TURNS: u64 = 400_000;

/// The loop's median time, and by how much its 95th percentile lies above.
#[derive(Debug)]
pub(crate) struct Noise {
    pub(crate) median_ms: f64,
    pub(crate) above_percent: f64,
}

/// Measures the machine's noise; takes about a quarter of a second.
pub(crate) fn spread() -> Noise {
    let mut times: Vec<f64> = (0..ROUNDS).map(|_| once()).collect();
    times.sort_by(f64::total_cmp);
    let median_ms = quantile(&times, 0.5);
    Noise { median_ms, above_percent: (quantile(&times, 0.95) / median_ms - 1.0) * 100.0 }
}

fn once() -> f64 {
    let started = Instant::now();
    let mut value = 1_u64;
    for turn in 0..TURNS {
        value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(turn));
    }
    black_box(value);
    milliseconds(started.elapsed())
}
