//! The table as it is printed. Not here: what is measured.

use super::figures::{Figure, Goal};
use super::noise::Noise;

/// Returns what the figures were taken on.
pub(crate) fn machine() -> String {
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, {memory}, Linux {}", kernel.trim())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// Returns the line above the rows.
pub(crate) fn head() -> String {
    line(["figure", "p50", "p95", "goal", "", "last", "how"])
}

/// Returns a row; `saved` is the last committed value.
pub(crate) fn row(figure: &Figure, saved: Option<&f64>) -> String {
    let value = format!("{} {}", short(figure.value), figure.unit);
    let goal = match figure.goal {
        Goal::AtMost(limit) => format!("≤ {}", short(limit)),
        Goal::AtLeast(limit) => format!("≥ {}", short(limit)),
        Goal::None => String::new(),
    };
    let verdict = match figure.goal {
        Goal::None => "",
        Goal::AtMost(_) | Goal::AtLeast(_) if figure.goal.is_met_by(figure.value) => "ok",
        Goal::AtMost(_) | Goal::AtLeast(_) => "SHORT",
    };
    let ratio = saved.filter(|saved| **saved != 0.0);
    let ratio = ratio.map(|saved| format!("× {:.2}", figure.value / saved)).unwrap_or_default();
    let p95 = figure.p95.map(short).unwrap_or_default();
    line([&figure.name, &value, &p95, &goal, verdict, &ratio, &figure.note])
}

/// Returns what is said about the machine's noise, before and after.
pub(crate) fn noise(before: &Noise, after: &Noise) -> String {
    format!(
        "machine noise: a fixed loop took {:.1} ms (p95 +{:.0} %) before, {:.1} ms (p95 +{:.0} %) after",
        before.median_ms, before.above_percent, after.median_ms, after.above_percent
    )
}

fn line(cells: [&str; 7]) -> String {
    let [name, value, p95, goal, verdict, ratio, note] = cells;
    let line = format!("{name:38} {value:>14} {p95:>8} {goal:>9} {verdict:5} {ratio:>7}  {note}");
    line.trim_end().to_owned()
}

/// Returns a number with about three digits.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_it_falls_short() {
        let figure = Figure::one("ready", 12.34, "ms", Goal::AtMost(10.0));
        let said = row(&figure, Some(&6.17));
        assert!(said.contains("12.3 ms") && said.contains("SHORT") && said.contains("× 2.00"), "{said}");
        let said = row(&Figure { value: 9.0, ..figure }, None);
        assert!(said.contains(" ok") && !said.contains('×'), "{said}");
    }
}
