//! `agent/answer`.
use crate::apply::Selected;
use crate::ids::RequestId;
use crate::json::Json;
use crate::request::Scope;

wire! {
    /// Answers a request. The first committed answer wins, the others get 1206.
    struct AnswerParams {
        /// The request.
        request_id: RequestId,
        /// `allow`, `deny`, `answer`, or the id of one of its options; anything else is refused and decides nothing.
        decision: String,
    }
    optional {
        /// How far it reaches; `once` if absent.
        #[serde(deserialize_with = "crate::word::known")]
        scope: Scope,
        /// The pattern of an `always`, as it was shown.
        pattern: String,
        /// The answer of a question.
        form: Json,
        /// A reason, for the model and the log.
        note: String,
        /// For an edit that is allowed once: only these hunks of it. What is not chosen is not written.
        select: Vec<Selected>,
    }
}
