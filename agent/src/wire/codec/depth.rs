//! How deep JSON nests, found by one pass over its bytes. Not here: whether it is JSON.

/// Tells whether brackets nest deeper than `depth_max`; those inside strings do not count.
///
/// Parsers recurse; this pass does not, so it stands before them.
pub(crate) fn is_over(json: &[u8], depth_max: usize) -> bool {
    if json.len() <= depth_max {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_strings_alone() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_over(nested(128).as_bytes(), 128));
        assert!(is_over(nested(129).as_bytes(), 128));
        assert!(!is_over(format!("\"{}\"", "[".repeat(500)).as_bytes(), 128));
        assert!(!is_over(format!("\"\\\"{}\"", "[".repeat(500)).as_bytes(), 128));
        assert!(is_over(format!("\"\\\\\"{}", "[".repeat(500)).as_bytes(), 128));
        assert!(!is_over("[]".repeat(500).as_bytes(), 128));
    }
}
