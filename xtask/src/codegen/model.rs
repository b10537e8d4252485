//! The schema as a list of named types, from which the types of other languages are printed.
//!
//! Not here: any language, and keywords of JSON Schema that the wire types do not use: those are an error, never ignored.

#![expect(clippy::wildcard_enum_match_arm, reason = "some shapes are singled out; the rest is alike")]

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The types and the tables of one build of the protocol.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Every named type, by name.
    pub(crate) types: BTreeMap<String, Named>,
    /// Every request: name, parameters, result and one line of help.
    pub(crate) methods: Vec<MethodTypes>,
    /// Every kind of failure with its code, by code.
    pub(crate) errors: Vec<(String, i64)>,
}

/// A request and its types.
#[derive(Debug)]
pub(crate) struct MethodTypes {
    /// Its name on the wire.
    pub(crate) name: String,
    /// What it does.
    pub(crate) summary: String,
    /// Its parameters.
    pub(crate) params: Type,
    /// Its result.
    pub(crate) result: Type,
}

/// A named type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    /// What it is, one or more sentences.
    pub(crate) help: String,
    /// Its shape.
    pub(crate) shape: Type,
}

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    /// Anything.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text.
    Text,
    /// Exactly this text.
    Word(String),
    /// A list.
    List(Box<Self>),
    /// A list of fixed length.
    Tuple(Vec<Self>),
    /// Names chosen by whoever writes it, each with a value of one shape.
    Map(Box<Self>),
    /// Members; whether others may stand beside them.
    Record(Vec<Field>),
    /// One of several.
    Union(Vec<Named>),
    /// A named type.
    Reference(String),
}

/// A member of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// Its name on the wire.
    pub(crate) name: String,
    /// What it says.
    pub(crate) help: String,
    /// Whether it may be absent.
    pub(crate) is_optional: bool,
    /// Its shape.
    pub(crate) shape: Type,
}

impl Type {
    /// Returns the word that tells a variant of a union apart: its own, or that of its member `type`.
    pub(crate) fn tag(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Record(fields) => {
                let tag = fields.iter().find(|field| field.name == "type")?;
                if let Self::Word(word) = &tag.shape { Some(word) } else { None }
            }
            Self::Any
            | Self::Boolean
            | Self::Integer
            | Self::Number
            | Self::Text
            | Self::List(_)
            | Self::Tuple(_)
            | Self::Map(_)
            | Self::Union(_)
            | Self::Reference(_) => None,
        }
    }
}

/// Reads every document of `spec/schema`.
pub(crate) fn read(documents: &BTreeMap<String, Value>) -> Result<Model> {
    let mut model = Model::default();
    for (file, document) in documents {
        let members = document.as_object().with_context(|| format!("{file} is no object"))?;
        match file.as_str() {
            "errors.json" => {
                let code = |(kind, code): (&String, &Value)| Some((kind.clone(), code.as_i64()?));
                model.errors = members.iter().filter_map(code).collect();
                model.errors.sort_by_key(|(_, code)| *code);
            }
            "methods.json" => {
                for (name, method) in members {
                    let types = model.method(name, method).with_context(|| format!("{file}: {name}"))?;
                    model.methods.push(types);
                }
            }
            "subscription.json" => {
                for (name, root) in members {
                    model.root(root).with_context(|| format!("{file}: {name}"))?;
                }
            }
            _ => drop(model.root(document).with_context(|| file.clone())?),
        }
    }
    Ok(model)
}

impl Model {
    fn method(&mut self, name: &str, method: &Value) -> Result<MethodTypes> {
        let summary = method["summary"].as_str().unwrap_or_default().to_owned();
        let (params, result) = (self.root(&method["params"])?, self.root(&method["result"])?);
        Ok(MethodTypes { name: name.to_owned(), summary, params, result })
    }

    /// Takes a whole schema: its definitions, and itself where it has a name of its own.
    fn root(&mut self, schema: &Value) -> Result<Type> {
        for (name, definition) in schema["$defs"].as_object().unwrap_or(&Map::new()) {
            self.name(name, definition)?;
        }
        let title = schema["title"].as_str().unwrap_or_default();
        // Names of plain shapes are made up by the generator of the schema.
        if title.starts_with(char::is_uppercase) && !title.starts_with("Tuple_") {
            self.name(title, schema)?;
            return Ok(Type::Reference(title.to_owned()));
        }
        shape(schema)
    }

    fn name(&mut self, name: &str, schema: &Value) -> Result<()> {
        let named = Named { help: help(schema), shape: shape(schema).with_context(|| name.to_owned())? };
        match self.types.insert(name.to_owned(), named) {
            Some(before) if before != self.types[name] => bail!("two different types are called {name}"),
            Some(_) | None => Ok(()),
        }
    }
}

fn help(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

fn shape(schema: &Value) -> Result<Type> {
    let Some(members) = schema.as_object() else { return Ok(Type::Any) };
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").context("a reference leads out of the document")?;
        return Ok(Type::Reference(name.to_owned()));
    }
    if let Some(word) = schema["const"].as_str() {
        return Ok(Type::Word(word.to_owned()));
    }
    if let Some(variants) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        return union(variants);
    }
    match kind(schema)? {
        None if members
            .keys()
            .all(|key| ["$schema", "description", "title", "default"].contains(&key.as_str())) =>
        {
            Ok(Type::Any)
        }
        Some("boolean") => Ok(Type::Boolean),
        Some("integer") => Ok(Type::Integer),
        Some("number") => Ok(Type::Number),
        Some("string") => words(schema),
        Some("array") => list(schema),
        Some("object") => record(schema),
        other => bail!("a schema of type {other:?} is not understood: {schema}"),
    }
}

/// Returns the one type a schema names; `null` beside it says only that a member may be left out.
fn kind(schema: &Value) -> Result<Option<&str>> {
    match &schema["type"] {
        Value::String(kind) => Ok(Some(kind)),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let kind = kinds.next();
            if kinds.next().is_some() {
                bail!("a schema has several types: {schema}");
            }
            Ok(kind)
        }
        _ => Ok(None),
    }
}

fn words(schema: &Value) -> Result<Type> {
    let Some(words) = schema["enum"].as_array() else { return Ok(Type::Text) };
    let word = |word: &Value| {
        let word = word.as_str().context("a word is no string")?.to_owned();
        Ok(Named { help: String::new(), shape: Type::Word(word) })
    };
    Ok(Type::Union(words.iter().map(word).collect::<Result<_>>()?))
}

fn union(variants: &[Value]) -> Result<Type> {
    let mut named = Vec::new();
    for variant in variants.iter().filter(|variant| variant["type"] != "null") {
        match shape(variant)? {
            // Words without help of their own stand together in one `enum`.
            Type::Union(inner) => named.extend(inner),
            shape => named.push(Named { help: help(variant), shape }),
        }
    }
    match <[Named; 1]>::try_from(named) {
        Ok([only]) => Ok(only.shape),
        Err(named) => Ok(Type::Union(named)),
    }
}

fn list(schema: &Value) -> Result<Type> {
    match schema["prefixItems"].as_array() {
        Some(items) => Ok(Type::Tuple(items.iter().map(shape).collect::<Result<_>>()?)),
        None => Ok(Type::List(Box::new(shape(&schema["items"])?))),
    }
}

fn record(schema: &Value) -> Result<Type> {
    let Some(members) = schema["properties"].as_object() else {
        let open = matches!(&schema["additionalProperties"], Value::Object(_));
        let value = if open { shape(&schema["additionalProperties"])? } else { Type::Any };
        return Ok(if open || schema["additionalProperties"] == true {
            Type::Map(Box::new(value))
        } else {
            Type::Record(Vec::new())
        });
    };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut fields = Vec::new();
    for (name, member) in members {
        let shape = shape(member).with_context(|| name.clone())?;
        let is_optional = !required.contains(&name.as_str());
        fields.push(Field { name: name.clone(), help: help(member), is_optional, shape });
    }
    // The tag first, then what is always there; the schema has them in the order of the alphabet.
    fields.sort_by_key(|field| (field.is_optional, field.name != "type"));
    Ok(Type::Record(fields))
}
