//! Aligned columns for people. Not here: JSON, which goes out as it came.
use crate::cli::terminal::{Terminal, safe_line};

/// The widest a column gets, in characters; ids are 28, paths may be longer and come last.
const COLUMN_CHARS_MAX: usize = 48;

/// Lays out rows under headings: two spaces between columns, nothing behind the last one. Cells are made safe.
pub(crate) fn layout(terminal: Terminal, headings: &[&str], rows: &[Vec<String>]) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| safe_line(cell).into_owned()).collect()).collect();
    let width = |column: usize| {
        let widest = cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        widest.unwrap_or(0).min(COLUMN_CHARS_MAX).max(headings[column].len())
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        line.truncate(line.trim_end().len());
        line
    };
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut text = format!("{}\n", terminal.heading(&line(&headings)));
    for row in &cells {
        text.push_str(&line(row));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Variables;

    #[test]
    fn columns_are_aligned_and_cells_cannot_break_out() {
        let terminal = Terminal::of(&Variables::new(), true);
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["s_1", "idle", "fix\nthe \u{1b}test"]), row(["s_22", "", "x"])];
        let text = layout(terminal, &["ID", "STATE", "TITLE"], &rows);
        assert_eq!(text, "ID    STATE  TITLE\ns_1   idle   fix the \\u{1b}test\ns_22         x\n");
    }
}
