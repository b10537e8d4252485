//! The generator as a whole: what differs, what it prints. Not here: promises (`promises`).
use super::*;
use serde_json::json;

#[test]
fn differences_of_all_kinds_are_found() {
    let spec = tempfile::tempdir().unwrap();
    std::fs::create_dir(spec.path().join("schema")).unwrap();
    for (name, text) in
        [("schema/same", "a"), ("schema/changed", "b"), ("schema/foreign", "c"), ("page", "d")]
    {
        std::fs::write(spec.path().join(name), text).unwrap();
    }
    let wanted = [("schema/same", "a"), ("schema/changed", "x"), ("types/missing", "d"), ("page", "d")];
    let expected = wanted.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    assert_eq!(
        differing(spec.path(), &expected).unwrap(),
        ["schema/changed", "types/missing", "schema/foreign"]
    );
}

#[test]
fn a_broken_promise_is_refused_even_where_the_file_was_rewritten() {
    let spec = tempfile::tempdir().unwrap();
    std::fs::create_dir(spec.path().join("schema")).unwrap();
    let kinds =
        |code: i64| BTreeMap::from([("other.json".to_owned(), json!({"type": "object", "maximum": code}))]);
    std::fs::write(spec.path().join("schema/other.json"), r#"{"type": "object", "maximum": 1}"#).unwrap();
    assert!(keep_promises(spec.path(), &kinds(1)).is_ok());
    let refused = keep_promises(spec.path(), &kinds(2)).unwrap_err().to_string();
    assert!(refused.contains("other.json: `maximum` was 1 and is 2"), "{refused}");
    std::fs::write(spec.path().join("schema/other.json"), r#"{"type": "object", "maximum": 2}"#).unwrap();
    assert!(keep_promises(spec.path(), &kinds(2)).is_ok());
}

/// A little schema with everything the wire types use.
fn sample() -> BTreeMap<String, Value> {
    let how = json!({"description": "How.", "oneOf": [
        {"const": "fast", "description": "Soon.", "type": "string"}, {"const": "well", "type": "string"},
    ]});
    let shape = json!({"oneOf": [
        {"type": "object", "description": "Round.", "properties": {"type": {"const": "circle", "type": "string"}}, "required": ["type"]},
        {"type": "object", "properties": {"type": {"const": "box", "type": "string"}, "side": {"type": "number"}}, "required": ["type", "side"]},
    ]});
    let params = json!({
        "title": "DrawParams", "description": "Draws.", "type": "object", "required": ["shape"],
        "$defs": {"How": how, "Shape": shape},
        "properties": {
            "how": {"anyOf": [{"$ref": "#/$defs/How"}, {"type": "null"}], "description": "In which way."},
            "names": {"type": ["array", "null"], "items": {"type": "string"}},
            "more": {"type": "object", "additionalProperties": {"type": "integer"}},
            "shape": {"$ref": "#/$defs/Shape"},
        },
    });
    let method = json!({"summary": "Draws a shape.", "stability": "stable", "params": params, "result": {"title": "boolean", "type": "boolean"}});
    let documents =
        [("methods.json", json!({"agent/draw": method})), ("errors.json", json!({"failed": -32803}))];
    documents.map(|(name, document)| (name.to_owned(), document)).into()
}

#[test]
fn typescript_has_every_shape() {
    let printed = typescript::print(&model::read(&sample()).unwrap());
    for expected in [
        "/** Draws. */\nexport interface DrawParams {\n  shape: Shape;\n  /** In which way. */\n  how?: How;\n  more?: Record<string, number>;\n  names?: Array<string>;\n}\n",
        "/** How. */\nexport type How =\n  /** Soon. */\n  | \"fast\"\n  | \"well\";\n",
        "export type Shape =\n  /** Round. */\n  | { type: \"circle\"; }\n  | { type: \"box\"; side: number; };\n",
        "  /** Draws a shape. */\n  \"agent/draw\": { params: DrawParams; result: boolean };\n",
        "  failed: -32803;\n",
    ] {
        assert!(printed.contains(expected), "{expected}\nis not in\n{printed}");
    }
}

#[test]
fn lua_has_every_shape() {
    let printed = lua::print(&model::read(&sample()).unwrap());
    for expected in [
        "---Draws.\n---@class tenon.DrawParams\n---@field shape tenon.Shape\n---@field how? tenon.How In which way.\n---@field more? table<string, integer>\n---@field names? string[]\n",
        "---How.\n---@alias tenon.How\n---| '\"fast\"' # Soon.\n---| '\"well\"'\n",
        "---@class tenon.Shape.box\n---@field type \"box\"\n---@field side number\n",
        "---@alias tenon.Shape\n---| tenon.Shape.circle\n---| tenon.Shape.box\n",
        "---| '\"agent/draw\"' # Draws a shape. tenon.DrawParams -> boolean\n",
    ] {
        assert!(printed.contains(expected), "{expected}\nis not in\n{printed}");
    }
}

#[test]
fn what_is_not_understood_is_no_type() {
    let mut documents = sample();
    documents.insert("odd.json".to_owned(), json!({"title": "Odd", "not": {"type": "string"}}));
    assert!(model::read(&documents).is_err());
}

#[test]
fn two_types_of_one_name_are_refused() {
    let mut documents = sample();
    documents.insert("how.json".to_owned(), json!({"title": "How", "type": "string"}));
    let refused = format!("{:#}", model::read(&documents).unwrap_err());
    assert!(refused.contains("two different types are called How"), "{refused}");
}
