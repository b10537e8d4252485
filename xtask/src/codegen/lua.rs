//! Types of the protocol as annotations of the Lua language server. Not here: a client.

#![expect(clippy::wildcard_enum_match_arm, reason = "some shapes are singled out; the rest is alike")]

use crate::codegen::model::{Field, Model, Named, Type};

const HEAD: &str = "\
---@meta
-- Types of tenon's protocol, version 1. Generated from spec/schema by `cargo xtask codegen`: change the Rust types instead.
-- A peer may send members and words that are not listed here: ignore the first, keep the second and show the event's `text`.
";

/// Returns the annotations.
pub(crate) fn print(model: &Model) -> String {
    let mut out = HEAD.to_owned();
    for (name, named) in &model.types {
        declare(&mut out, name, named);
    }
    out += "\n---Every request.\n---@alias tenon.Method\n";
    for method in &model.methods {
        let (params, result) = (inline(&method.params), inline(&method.result));
        put(&mut out, format_args!("---| '\"{}\"' # {} {params} -> {result}\n", method.name, method.summary));
    }
    out += "\n---The codes of errors; the kind stands in `error.data.kind`.\n---@alias tenon.ErrorCode\n";
    for (kind, code) in &model.errors {
        put(&mut out, format_args!("---| {code} # {kind}\n"));
    }
    out += "\n---The parameters of the notification `agent/event`.\n---@class tenon.AgentEvent\n";
    out += "---@field subscription string\n---@field result tenon.Envelope|tenon.Delta\n";
    out
}

fn declare(out: &mut String, name: &str, named: &Named) {
    match &named.shape {
        Type::Record(fields) => class(out, name, &named.help, fields),
        Type::Union(variants) => union(out, name, &named.help, variants),
        shape => {
            help(out, &named.help);
            put(out, format_args!("---@alias tenon.{name} {}\n", inline(shape)));
        }
    }
}

fn class(out: &mut String, name: &str, text: &str, fields: &[Field]) {
    help(out, text);
    put(out, format_args!("---@class tenon.{name}\n"));
    for field in fields {
        let mark = if field.is_optional { "?" } else { "" };
        let line = format!("---@field {}{mark} {} {}", field.name, inline(&field.shape), field.help);
        put(out, format_args!("{}\n", line.trim_end()));
    }
}

/// A union of words is an alias of them; variants with members are classes of their own, named by their tag.
fn union(out: &mut String, name: &str, text: &str, variants: &[Named]) {
    let mut rows = Vec::new();
    for variant in variants {
        match (&variant.shape, variant.shape.tag()) {
            (Type::Record(fields), Some(tag)) => {
                class(out, &format!("{name}.{tag}"), &variant.help, fields);
                rows.push(format!("tenon.{name}.{tag}"));
            }
            (Type::Word(word), _) => rows.push(format!("'\"{word}\"' # {}", variant.help)),
            (shape, _) => rows.push(inline(shape)),
        }
    }
    help(out, text);
    put(out, format_args!("---@alias tenon.{name}\n"));
    for row in rows {
        put(out, format_args!("---| {}\n", row.trim_end_matches([' ', '#'])));
    }
}

fn inline(shape: &Type) -> String {
    match shape {
        Type::Any => "any".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Integer => "integer".to_owned(),
        Type::Number => "number".to_owned(),
        Type::Text => "string".to_owned(),
        Type::Word(word) => format!("\"{word}\""),
        Type::List(item) => match &**item {
            Type::Union(_) => format!("({})[]", inline(item)),
            item => format!("{}[]", inline(item)),
        },
        Type::Tuple(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Type::Map(value) => format!("table<string, {}>", inline(value)),
        Type::Record(fields) if fields.is_empty() => "table".to_owned(),
        Type::Record(fields) => {
            let member = |field: &Field| {
                let mark = if field.is_optional { "?" } else { "" };
                format!("{}{mark}: {}", field.name, inline(&field.shape))
            };
            format!("{{ {} }}", fields.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Type::Union(variants) => {
            variants.iter().map(|variant| inline(&variant.shape)).collect::<Vec<_>>().join("|")
        }
        Type::Reference(name) => format!("tenon.{name}"),
    }
}

fn help(out: &mut String, help: &str) {
    out.push('\n');
    if !help.is_empty() {
        put(out, format_args!("---{help}\n"));
    }
}

/// Appends.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
}
