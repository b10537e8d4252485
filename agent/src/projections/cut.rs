//! Makes JSON smaller for a picture that has a limit: long texts and lists lose their ends, data of images goes, and
//! references stay. Not here: where the whole of it is read (`agent/log`, `agent/fetch`).
use std::io;

use tenon_protocol::json::{Json, Value};

/// What texts, in bytes, and lists, in elements, are cut to, until it is small enough.
const LEVELS: [(usize, usize); 6] =
    [(32 << 10, 2_000), (8 << 10, 500), (2 << 10, 100), (512, 50), (128, 20), (40, 5)];

/// Returns how many bytes something takes as JSON.
pub(crate) fn size(value: &impl serde::Serialize) -> usize {
    let mut counter = Counter(0);
    // Counting cannot fail; what cannot be written takes no room.
    let _counted = serde_json::to_writer(&mut counter, value);
    counter.0
}

/// Shortens until it takes at most about `bytes_max`; tells whether anything was lost.
pub(crate) fn shorten(json: &mut Json, bytes_max: usize) -> bool {
    for (text_max, list_max) in LEVELS {
        if size(json) <= bytes_max {
            return text_max < LEVELS[0].0;
        }
        cut(&mut json.0, text_max, list_max);
    }
    true
}

fn cut(value: &mut Value, text_max: usize, list_max: usize) {
    match value {
        Value::String(text) => cut_text(text, text_max),
        Value::Array(list) => {
            list.truncate(list_max);
            for element in list {
                cut(element, text_max, list_max);
            }
        }
        Value::Object(members) => {
            if members.get("type").is_some_and(|kind| kind == "image") {
                // Half an image is none.
                members.remove("data");
            }
            for member in members.values_mut() {
                cut(member, text_max, list_max);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut_text(text: &mut String, max: usize) {
    // Ids, digests and references are shorter than this and stay whole.
    let max = max.max(80);
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.push('…');
    }
}

/// Counts what is written to it.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stays_as_it_is() {
        let mut json = Json(json!({"text": "x".repeat(1_000)}));
        let before = json.clone();
        assert!(!shorten(&mut json, 2_000));
        assert_eq!(json, before);
    }

    #[test]
    fn texts_lose_their_ends_and_references_stay() {
        let reference = format!("b3:{}", "a".repeat(64));
        let content = json!([{"type": "text", "text": "é".repeat(100_000)}, {"type": "image", "mime": "image/png", "data": "x".repeat(100_000), "ref": reference}]);
        let mut json = Json(json!({"ref": reference, "content": content}));
        assert!(shorten(&mut json, 1_000));
        assert!(size(&json) <= 1_000, "{json:?}");
        assert_eq!(json.0["ref"], reference);
        assert_eq!(json.0["content"][1], json!({"type": "image", "mime": "image/png", "ref": reference}));
        assert!(json.0["content"][0]["text"].as_str().unwrap().ends_with("é…"));
    }

    proptest! {
        #[test]
        fn the_count_is_the_length(text in ".{0,50}", numbers in prop::collection::vec(any::<i64>(), 0..9)) {
            let value = json!({"text": text, "numbers": numbers});
            prop_assert_eq!(size(&value), value.to_string().len());
        }
    }
}
