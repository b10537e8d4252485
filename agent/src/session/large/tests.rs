//! What stands by reference afterwards, and that it is what was said. Not here: what the model is shown of it (scenarios).
use proptest::prelude::*;
use tenon_protocol::event::message::{MessageEnded, MessageRole};
use tenon_protocol::json::Json;
use tenon_protocol::tool::ToolKind;
use tenon_protocol::version::EVENT_BYTES_MAX;

use super::*;
use crate::journal::Journal;
use crate::session::prefix::digest_of;

fn message(content: Vec<Content>) -> Fact {
    let role = MessageRole::Assistant;
    Fact::new(MessageEnded { message_id: "m_1".into(), role, content, by: None, superseded: None })
}

fn content(fact: &Fact) -> &[Content] {
    let EventBody::MessageEnded(message) = &fact.body else { panic!("{fact:?}") };
    &message.content
}

/// Makes one message light, and returns it beside what each of its pieces stands for.
fn light(pieces: Vec<Content>) -> (Vec<Content>, Vec<Content>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let clock = std::sync::Arc::new(crate::base::clock::SystemClock);
        let journal = Journal::open(&directory.path().join("state"), clock).unwrap();
        let mut facts = [message(pieces)];
        lighten(journal.blobs(), &mut facts).await.unwrap();
        let lightened = content(&facts[0]).to_vec();
        let read = |reference: &str| journal.blobs().get(digest_of(reference).unwrap()).unwrap();
        let whole = lightened.iter().map(|piece| match piece {
            Content::Ref { reference, whole: Some(true), bytes, .. } => {
                let text = String::from_utf8(read(reference)).unwrap();
                assert_eq!(usize::try_from(*bytes).unwrap(), text.len());
                Content::text(text)
            }
            Content::Image { mime, reference: Some(reference), .. } => {
                let data = Some(base64::encode(&read(reference)));
                Content::Image { mime: mime.clone(), data, reference: None }
            }
            Content::Text { .. }
            | Content::Image { .. }
            | Content::File { .. }
            | Content::Selection { .. }
            | Content::Ref { .. }
            | Content::Unheard(_) => piece.clone(),
        });
        let whole = whole.collect();
        journal.close().await;
        (lightened, whole)
    })
}

fn by_reference_of(pieces: &[Content]) -> Vec<bool> {
    let (lightened, whole) = light(pieces.to_vec());
    assert!(whole == pieces, "what they stand for is what was said");
    assert!(size(&lightened) <= INPUT_BYTES_MAX);
    lightened.iter().zip(pieces).map(|(light, piece)| light != piece).collect()
}

#[test]
fn a_text_stays_up_to_a_mebibyte_and_stands_by_reference_beyond_it() {
    let text = |bytes: usize| Content::text("x".repeat(bytes));
    assert_eq!(by_reference_of(&[text(CONTENT_BYTES_MAX)]), [false]);
    assert_eq!(by_reference_of(&[text(CONTENT_BYTES_MAX + 1), text(1)]), [true, false]);
    assert_eq!(by_reference_of(&[text(CONTENT_BYTES_MAX), text(CONTENT_BYTES_MAX)]), [false, false]);
    let image = Content::Image {
        mime: "image/png".to_owned(),
        data: Some(base64::encode(&vec![7; 3 << 20])),
        reference: None,
    };
    assert_eq!(by_reference_of(&[text(9), image]), [false, true]);
}

#[test]
fn what_takes_too_much_together_stands_by_reference_the_largest_first() {
    let text = |character: char, bytes: usize| Content::text(character.to_string().repeat(bytes));
    // A control character takes six bytes as JSON.
    let pieces = [text('x', 500_000), text('\u{1}', 400_000), text('\u{1}', 300_000)];
    assert_eq!(by_reference_of(&pieces), [false, true, false]);
    assert_eq!(by_reference_of(&[text('\u{1}', 1_000_000)]), [true]);
}

#[test]
fn a_long_text_shows_how_it_begins() {
    let text = format!("  one\ntwo\u{1b}[2J  {}", "word ".repeat(300_000));
    let (light, _) = light(vec![Content::text(text)]);
    let Content::Ref { title: Some(title), mime, .. } = &light[0] else { panic!("{light:?}") };
    assert!(title.starts_with("one two[2J word word") && title.ends_with('…'), "{title}");
    assert_eq!((title.chars().count(), mime.as_str()), (BEGINNING_CHARS_MAX + 1, "text/plain"));
}

#[tokio::test]
async fn arguments_are_shortened_and_kept_whole() {
    let directory = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(crate::base::clock::SystemClock);
    let journal = Journal::open(&directory.path().join("state"), clock).unwrap();
    let whole = Json(serde_json::json!({"path": "a.txt", "content": "x".repeat(5 << 20)}));
    let proposed = |input: Json| ToolProposed {
        call_id: "x_1".into(),
        name: "write".to_owned(),
        kind: ToolKind::Edit,
        title: "write a.txt".to_owned(),
        input,
        digest: String::new(),
        reference: None,
    };
    let small = Fact::new(proposed(Json(serde_json::json!({"path": "a.txt"}))));
    let mut facts = [Fact::new(proposed(whole.clone())), small.clone()];
    lighten(journal.blobs(), &mut facts).await.unwrap();
    assert_eq!(facts[1], small);
    assert!(size(&facts[0].body) <= ARGUMENTS_BYTES_MAX * 2);
    let EventBody::ToolProposed(call) = &facts[0].body else { panic!() };
    assert_eq!(call.input.0["path"], "a.txt");
    let kept = journal.blobs().get(digest_of(call.reference.as_deref().unwrap()).unwrap()).unwrap();
    assert!(serde_json::from_slice::<Json>(&kept).unwrap() == whole);
    journal.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn whatever_is_said_fits_into_an_event(pieces in prop::collection::vec((0..1_500_000_usize, prop::sample::select(vec!['x', '\u{1}', 'é', '"'])), 0..6)) {
        let pieces: Vec<Content> =
            pieces.into_iter().map(|(bytes, character)| Content::text(character.to_string().repeat(bytes / character.len_utf8()))).collect();
        let (lightened, whole) = light(pieces.clone());
        prop_assert!(whole == pieces);
        prop_assert!(size(&message(lightened).body) <= EVENT_BYTES_MAX);
    }
}
