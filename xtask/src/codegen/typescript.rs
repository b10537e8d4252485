//! Types of the protocol for TypeScript. Not here: a client.

#![expect(clippy::wildcard_enum_match_arm, reason = "some shapes are singled out; the rest is alike")]

use crate::codegen::model::{Field, Model, Named, Type};

const HEAD: &str = "\
// Types of tenon's protocol, version 1. Generated from spec/schema by `cargo xtask codegen`: change the Rust types instead.
//
// A peer may send members and words that are not listed here: ignore the first, keep the second and show the event's `text`.
";

/// Returns the declaration file.
pub(crate) fn print(model: &Model) -> String {
    let mut out = HEAD.to_owned();
    for (name, named) in &model.types {
        declare(&mut out, name, named);
    }
    out += "\n/** Every request with its parameters and its result. */\nexport interface Methods {\n";
    for method in &model.methods {
        help(&mut out, "  ", &method.summary);
        let (params, result) = (inline(&method.params), inline(&method.result));
        put(&mut out, format_args!("  \"{}\": {{ params: {params}; result: {result} }};\n", method.name));
    }
    out += "}\n\n/** The codes of errors; the kind stands in `error.data.kind`. */\nexport interface ErrorCodes {\n";
    for (kind, code) in &model.errors {
        put(&mut out, format_args!("  {kind}: {code};\n"));
    }
    out += "}\n\n/** An event of a log whose type this file knows. */\nexport type KnownEvent = Omit<Envelope, \"type\" | \"data\"> & EventBody;\n";
    out += "\n/** The parameters of the notification `agent/event`. */\nexport interface AgentEvent {\n";
    out += "  subscription: string;\n  result: Envelope | Delta;\n}\n";
    out
}

fn declare(out: &mut String, name: &str, named: &Named) {
    out.push('\n');
    help(out, "", &named.help);
    match &named.shape {
        Type::Record(fields) => {
            put(out, format_args!("export interface {name} {{\n"));
            members(out, "  ", fields);
            *out += "}\n";
        }
        Type::Union(variants) => {
            put(out, format_args!("export type {name} =\n"));
            for (at, variant) in variants.iter().enumerate() {
                help(out, "  ", &variant.help);
                let end = if at + 1 == variants.len() { ";" } else { "" };
                put(out, format_args!("  | {}{end}\n", inline(&variant.shape)));
            }
        }
        shape => put(out, format_args!("export type {name} = {};\n", inline(shape))),
    }
}

fn members(out: &mut String, indent: &str, fields: &[Field]) {
    for field in fields {
        help(out, indent, &field.help);
        put(out, format_args!("{indent}{}\n", member(field)));
    }
}

fn member(field: &Field) -> String {
    let mark = if field.is_optional { "?" } else { "" };
    format!("{}{mark}: {};", field.name, inline(&field.shape))
}

fn inline(shape: &Type) -> String {
    match shape {
        Type::Any => "unknown".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Integer | Type::Number => "number".to_owned(),
        Type::Text => "string".to_owned(),
        Type::Word(word) => format!("\"{word}\""),
        Type::List(item) => format!("Array<{}>", inline(item)),
        Type::Tuple(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Type::Map(value) => format!("Record<string, {}>", inline(value)),
        Type::Record(fields) if fields.is_empty() => "Record<string, unknown>".to_owned(),
        Type::Record(fields) => format!("{{ {} }}", fields.iter().map(member).collect::<Vec<_>>().join(" ")),
        Type::Union(variants) => {
            variants.iter().map(|variant| inline(&variant.shape)).collect::<Vec<_>>().join(" | ")
        }
        Type::Reference(name) => name.clone(),
    }
}

fn help(out: &mut String, indent: &str, help: &str) {
    if !help.is_empty() {
        put(out, format_args!("{indent}/** {} */\n", help.replace("*/", "* /")));
    }
}

/// Appends.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
}
