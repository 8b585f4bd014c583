//! Params of a document: values that its installer may set, in place of `${name}`.
//!
//! In: a document's tree with `params` and `texts`, the values that are set, and a language. Out: the tree with every
//! `${name}` and `${texts.name}` replaced, as if it had been written so; every value keeps its place in the file.
//! A text that is nothing but `${name}` takes the param's whole value, a list of keywords among them; in the middle of a
//! text it takes its spelling. `${name.first}` is the first of a list. `$${` is `${`. What holds for default values only says so: an object with
//! `with_default: [name]` is there where these params have their defaults, and else it is not.
//! PA-1: values are put in as they are and never looked at again: a `${…}` in a value stays text.
//! PA-2: a document without `params` and `texts` is left as it is.
//! Absent: writing the result down, which is `syntax::write`'s.

mod value;

use serde::Serialize;

use crate::codes;
use crate::diagnostic::{Position, Report, did_you_mean};
use crate::object::{self, Object};
use crate::settings::Settings;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Entry, FILE_BYTES_MAX, NODES_MAX, Node};
pub(crate) use value::Type;

/// Behind a list's name: its first member.
const FIRST: &str = ".first";
/// Most params of one document.
const PARAMS_MAX: usize = 100;

/// A language that shipped texts are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Indonesian.
    Indonesian,
}

impl Language {
    /// Every language with its code.
    pub const ALL: [(&'static str, Language); 2] = [("en", Language::English), ("id", Language::Indonesian)];

    /// Its code, `en` or `id`.
    pub fn code(self) -> &'static str {
        Language::ALL[self as usize].0
    }
}

const TRANSLATED: Shape = Shape::Either(&[Shape::Text, Shape::Object(TRANSLATION_KEYS, &["en", "id"])]);

const TRANSLATION_KEYS: &[Key] =
    &[Key::new("en", Shape::Text, "In English."), Key::new("id", Shape::Text, "In Indonesian.")];

const PARAM_KEYS: &[Key] = &[
    Key::new("type", Shape::Word(Type::NAMES), "What its value is; text by default."),
    Key::new("default", Shape::Any, "Its value where none is set; for texts also one for each language."),
    Key::new("description", TRANSLATED, "What it is for."),
    Key::new("example", Shape::Text, "A value as it is set on the command line."),
    Key::new("min", Shape::Any, "The least number it may be."),
    Key::new("max", Shape::Any, "The greatest number it may be."),
];

/// The keys that make a document one with params.
pub(crate) const PARAMS: Key = Key::new(
    "params",
    Shape::Map(&Shape::Object(PARAM_KEYS, &["default"])),
    "Values that `kilat rules install` may set, by name; they stand as ${name} in the document.",
);
pub(crate) const TEXTS: Key =
    Key::new("texts", Shape::Map(&TRANSLATED), "Texts by language; they stand as ${texts.name} in the document.");

/// What an object holds that is there only where some params have their defaults.
pub(crate) const WITH_DEFAULT: Key = Key::new(
    "with_default",
    Shape::OneOrMany(&Shape::Text),
    "With params: leave this out where one of these is set to something else.",
);

/// A param, as `kilat rules templates` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// The type of its value.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// Its default, as it would be set.
    pub default: String,
    /// What it is for.
    pub description: String,
    /// A value as it would be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    #[serde(skip)]
    pub(crate) at: Position,
    #[serde(skip)]
    value: Content,
    #[serde(skip)]
    is_set: bool,
}

/// A document's params and texts, read and filled in.
#[derive(Debug)]
pub(crate) struct Filled {
    /// The document as if it had been written with these values.
    pub(crate) root: Node,
    pub(crate) params: Vec<Param>,
    /// Texts in the language that was asked for, by name.
    pub(crate) texts: Vec<(Box<str>, Box<str>)>,
    /// Where a param's value went, for findings about it.
    pub(crate) places: Vec<(Position, usize)>,
}

/// Whether a document has params or texts.
pub(crate) fn has_any(root: &Node) -> bool {
    root.get(PARAMS.name).or(root.get(TEXTS.name)).is_some()
}

/// Fills a document's params and texts in; `None` after findings that leave no document.
pub(crate) fn fill(root: &Node, set: &[(&str, &str)], language: Language, report: &mut Report) -> Option<Filled> {
    let before = report.errors();
    let Content::Map(entries) = &root.content else { return None };
    let texts = read_texts(root.get(TEXTS.name), language, report);
    let mut filling =
        Filling { params: Vec::new(), texts, places: Vec::new(), report, nodes: 0, bytes: 0, overflow: false };
    let settings = Settings::default();
    let declared = declared(root.get(PARAMS.name), filling.report);
    // A status and an amount depend on the settings, and settings may depend on other params.
    let (late, early): (Vec<_>, Vec<_>) =
        declared.into_iter().partition(|(_, object)| type_of(*object).is_some_and(Type::needs_settings));
    filling.read(&early, set, language, &settings);
    let settings = filling.settings(root);
    filling.read(&late, set, language, &settings);
    for (name, _) in set {
        if !filling.params.iter().any(|param| param.name == *name) {
            let known: Vec<&str> = filling.params.iter().map(|param| &*param.name).collect();
            let help = if known.is_empty() { "it has none".to_owned() } else { did_you_mean(name, known) };
            filling.report.add(codes::UNKNOWN_PARAM, root.at, format!("there is no param `{name}`"), help);
        }
    }
    if filling.report.errors() != before {
        return None;
    }
    let kept = entries.iter().filter(|entry| ![PARAMS.name, TEXTS.name].contains(&&*entry.key));
    let content = Content::Map(kept.filter_map(|entry| filling.entry(entry)).collect());
    if filling.overflow {
        let message = "the document is too large once its params are filled in";
        filling.report.add(codes::FILE_TOO_LARGE, root.at, message, "use shorter values, or name them less often");
    }
    let Filling { params, texts, places, report, .. } = filling;
    (report.errors() == before).then_some(Filled { root: Node { at: root.at, content }, params, texts, places })
}

/// The declared params with their objects.
fn declared<'n>(node: Option<&'n Node>, report: &mut Report) -> Vec<(&'n Entry, Object<'n>)> {
    let Some(node) = node else { return Vec::new() };
    let Content::Map(entries) = &node.content else {
        object::wrong_type(node, "`params`", "an object of params by name", report);
        return Vec::new();
    };
    if entries.len() > PARAMS_MAX {
        let message = format!("the document has {} params, the limit is {PARAMS_MAX}", entries.len());
        report.add(codes::TOO_LONG, node.at, message, "keep those that people will set");
        return Vec::new();
    }
    entries
        .iter()
        .filter_map(|entry| {
            if !is_name(&entry.key) {
                let message = format!("`{}` is no name of a param", entry.key);
                report.add(codes::BAD_PARAM, entry.at, message, "use lower-case letters, digits and _");
                return None;
            }
            Some((entry, Object::of(&entry.value, "a param", PARAM_KEYS, report)?))
        })
        .collect()
}

fn is_name(name: &str) -> bool {
    const NAME_BYTES_MAX: usize = 64;
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn type_of(object: Object<'_>) -> Option<Type> {
    let Some(node) = object.get("type") else { return Some(Type::Text) };
    let Content::Text(word) = &node.content else { return None };
    Type::NAMES.iter().position(|name| *name == &**word).map(|at| Type::ALL[at])
}

fn read_texts(node: Option<&Node>, language: Language, report: &mut Report) -> Vec<(Box<str>, Box<str>)> {
    let Some(node) = node else { return Vec::new() };
    let Content::Map(entries) = &node.content else {
        object::wrong_type(node, "`texts`", "an object of texts by name", report);
        return Vec::new();
    };
    let read = entries.iter().filter_map(|entry| {
        let text = object::text(translation(&entry.value, language), "a text", report)?;
        Some(((&*entry.key).into(), text.into()))
    });
    read.collect()
}

/// The value for a language, where there is one for each.
fn translation(node: &Node, language: Language) -> &Node {
    match (node.get("en"), node.get("id")) {
        (Some(english), Some(indonesian)) => match language {
            Language::English => english,
            Language::Indonesian => indonesian,
        },
        _ => node,
    }
}

/// A document that is being filled in.
struct Filling<'r> {
    params: Vec<Param>,
    texts: Vec<(Box<str>, Box<str>)>,
    places: Vec<(Position, usize)>,
    report: &'r mut Report,
    nodes: usize,
    bytes: usize,
    overflow: bool,
}

/// What `${…}` names.
enum Meant<'f> {
    Param(usize),
    Text(&'f str),
}

impl Filling<'_> {
    /// Reads params, with the values that are set for them.
    fn read(
        &mut self,
        declared: &[(&Entry, Object<'_>)],
        set: &[(&str, &str)],
        language: Language,
        settings: &Settings,
    ) {
        for (entry, object) in declared {
            let name = &*entry.key;
            let Some(of) = object.word("type", Type::NAMES, self.report).map(|at| Type::ALL[at]).or(type_of(*object))
            else {
                continue;
            };
            let Some(default) = object.require("default", "write the value it has where none is set", self.report)
            else {
                continue;
            };
            let bounds = value::Bounds::read(*object, self.report);
            let default = translation(default, language);
            let read = of.read_node(default, &bounds, settings);
            let default = read.unwrap_or_else(|problem| {
                let message = format!("the default of the param `{name}` {}", problem.what);
                self.report.add(codes::BAD_PARAM, default.at, message, problem.remedy);
                Content::Null
            });
            let shown = value::print(&default);
            let set = set.iter().rev().find(|(of, _)| *of == name).map(|(_, text)| *text);
            let value = match set.map(|text| of.read_text(text, &bounds, settings)) {
                None => default.clone(),
                Some(Ok(value)) => value,
                Some(Err(problem)) => {
                    let message = format!("the value of the param `{name}` {}", problem.what);
                    let example = object.text("example", self.report);
                    let help = match example.filter(|_| of != Type::Secret) {
                        Some(example) => format!("{}; for example --set {name}='{example}'", problem.remedy),
                        None => problem.remedy,
                    };
                    self.report.add(codes::BAD_PARAM, entry.at, message, help);
                    Content::Null
                }
            };
            let description = object.get("description").map(|node| translation(node, language));
            let description = description.and_then(|node| object::text(node, "`description`", self.report));
            self.params.push(Param {
                name: name.to_owned(),
                type_name: of.name(),
                default: shown,
                description: description.unwrap_or_default(),
                example: object.text("example", self.report),
                at: entry.at,
                is_set: value != default,
                value,
            });
        }
    }

    /// The document's settings, as far as the params that are known so far tell.
    fn settings(&mut self, root: &Node) -> Settings {
        let Some(node) = root.get("settings") else { return Settings::default() };
        // Findings about settings come when the document is read.
        let mut unheard = Report::new("");
        let mut filling = Filling {
            params: std::mem::take(&mut self.params),
            texts: std::mem::take(&mut self.texts),
            places: Vec::new(),
            report: &mut unheard,
            nodes: 0,
            bytes: 0,
            overflow: false,
        };
        let node = filling.node(node);
        (self.params, self.texts) = (filling.params, filling.texts);
        node.map_or_else(Settings::default, |node| Settings::read(&node, &mut unheard))
    }

    fn entry(&mut self, entry: &Entry) -> Option<Entry> {
        Some(Entry { key: entry.key.clone(), at: entry.at, value: self.node(&entry.value)? })
    }

    /// A value with its params filled in; `None` where it holds for defaults only and they are not.
    fn node(&mut self, node: &Node) -> Option<Node> {
        self.nodes += 1;
        if self.nodes > NODES_MAX || self.bytes > FILE_BYTES_MAX {
            self.overflow = true;
            return None;
        }
        let content = match &node.content {
            Content::Text(text) => self.text(text, node.at)?,
            Content::List(items) => Content::List(items.iter().filter_map(|item| self.node(item)).collect()),
            Content::Map(entries) => {
                if let Some(names) = node.get(WITH_DEFAULT.name)
                    && !self.have_defaults(names)?
                {
                    return None;
                }
                let kept = entries.iter().filter(|entry| &*entry.key != WITH_DEFAULT.name);
                Content::Map(kept.filter_map(|entry| self.entry(entry)).collect())
            }
            plain => plain.clone(),
        };
        Some(Node { at: node.at, content })
    }

    /// Whether all of these params have their defaults.
    fn have_defaults(&mut self, names: &Node) -> Option<bool> {
        let names = object::texts(names, "`with_default`", self.report)?;
        let mut all = true;
        for name in names {
            match self.params.iter().find(|param| param.name == name) {
                Some(param) => all &= !param.is_set,
                None => self.unknown(&name, Position::default()),
            }
        }
        Some(all)
    }

    fn unknown(&mut self, name: &str, at: Position) {
        let texts = self.texts.iter().map(|(name, _)| format!("{}.{name}", TEXTS.name));
        let known: Vec<String> = self.params.iter().map(|param| param.name.clone()).chain(texts).collect();
        let help = did_you_mean(name, known.iter().map(String::as_str));
        self.report.add(codes::UNKNOWN_PARAM, at, format!("`${{{name}}}` names no param and no text"), help);
    }

    fn meant(&self, name: &str) -> Option<Meant<'_>> {
        match name.strip_prefix(TEXTS.name).and_then(|rest| rest.strip_prefix('.')) {
            Some(text) => self.texts.iter().find(|(known, _)| **known == *text).map(|(_, text)| Meant::Text(text)),
            None => match name.strip_suffix(FIRST) {
                Some(list) => {
                    self.params.iter().find(|param| param.name == list).and_then(|param| match &param.value {
                        Content::List(items) => match &items.first()?.content {
                            Content::Text(text) => Some(Meant::Text(text)),
                            _ => None,
                        },
                        _ => None,
                    })
                }
                None => self.params.iter().position(|param| param.name == name).map(Meant::Param),
            },
        }
    }

    /// A text with its params filled in.
    fn text(&mut self, text: &str, at: Position) -> Option<Content> {
        if !text.contains("${") {
            self.bytes += text.len();
            return Some(Content::Text(text.into()));
        }
        let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains('$'));
        if let Some(name) = whole {
            let content = match self.meant(name) {
                Some(Meant::Param(param)) => {
                    self.places.push((at, param));
                    value::at(&self.params[param].value, at)
                }
                Some(Meant::Text(text)) => Content::Text(text.into()),
                None => {
                    self.unknown(name, at);
                    return None;
                }
            };
            self.nodes += if let Content::List(items) = &content { items.len() } else { 0 };
            self.bytes += value::print(&content).len();
            return Some(content);
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let before = &rest[..start];
            if let Some(before) = before.strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            filled.push_str(before);
            let Some(length) = rest[start..].find('}') else { break };
            let name = &rest[start + 2..start + length];
            match self.meant(name) {
                Some(Meant::Param(param)) => {
                    filled.push_str(&value::print(&self.params[param].value));
                    self.places.push((at, param));
                }
                Some(Meant::Text(text)) => filled.push_str(text),
                None => self.unknown(name, at),
            }
            rest = &rest[start + length + 1..];
        }
        filled.push_str(rest);
        self.bytes += filled.len();
        Some(Content::Text(filled.into()))
    }
}

#[cfg(test)]
mod tests;
