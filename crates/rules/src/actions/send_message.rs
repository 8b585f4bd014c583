//! `send_message`: sends a message to the customer of the conversation: a text, media, reply buttons or a list.
//!
//! It goes to the endpoint `to` names, else to the one that serves the conversation's channel account. What WhatsApp would
//! refuse is refused here, as far as it stands in the rule; what fields put into it is checked where it is rendered.

use std::sync::Arc;

use kilat_domain::{
    Button, Command, DestinationKind, Media, MediaKind, Menu, MenuRow, MenuSection, OnUnknown, OutboundMessage, Part,
    Recipient, Str,
};
use serde_json::{Map, Value, json};

use super::{Action, EffectOn, Kind, Outcome, Plan, Reading};
use crate::codes;
use crate::cost;
use crate::endpoint::Endpoint;
use crate::facts::Facts;
use crate::object::{self, Object};
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Node};
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "send_message",
    compat: &["send_canned_response"],
    effect: EffectOn::Outside,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[
        Key::new("value", Shape::Text, "The text; {{field|fallback}} stands for a field. With media, its caption."),
        Key::new("text", Shape::Text, "Another name of `value`."),
        Key::new(
            "media",
            Shape::Either(&[Shape::Text, Shape::Object(MEDIA_KEYS, &["url"])]),
            "A file: its address, or more about it.",
        ),
        Key::new("header", Shape::Text, "A line above the text, with buttons or a list."),
        Key::new("footer", Shape::Text, "A line below the text, with buttons or a list."),
        Key::new(
            "buttons",
            Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(BUTTON_KEYS, &["title"])])),
            "Up to 3 answers to tap.",
        ),
        Key::new("list", Shape::Object(LIST_KEYS, &["button"]), "Up to 10 rows to choose from."),
        Key::new("to", Shape::Text, "The endpoint it goes by; that of the conversation's channel by default."),
    ],
    needs: &[],
    read,
};

const MEDIA_KEYS: &[Key] = &[
    Key::new("url", Shape::Text, "Where WhatsApp fetches it; {{field}} stands for a field."),
    Key::new("type", Shape::Word(MediaKind::WORDS), "What it is; by the ending of the address by default."),
    Key::new("filename", Shape::Text, "What a document is called."),
];

const BUTTON_KEYS: &[Key] = &[
    Key::new("title", Shape::Text, "What stands on it; up to 20 characters."),
    Key::new("id", Shape::Text, "What comes back with the answer; the title by default."),
];

const ROWS: Shape = Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(ROW_KEYS, &["title"])]));

const LIST_KEYS: &[Key] = &[
    Key::new("button", Shape::Text, "What opens the list; up to 20 characters."),
    Key::new("rows", ROWS, "What can be chosen, where the list has no sections."),
    Key::new("sections", Shape::List(&Shape::Object(SECTION_KEYS, &["rows"])), "Its parts."),
];

const SECTION_KEYS: &[Key] = &[
    Key::new("title", Shape::Text, "What stands above it; up to 24 characters."),
    Key::new("rows", ROWS, "What can be chosen."),
];

const ROW_KEYS: &[Key] = &[
    Key::new("title", Shape::Text, "What it is; up to 24 characters."),
    Key::new("description", Shape::Text, "More about it; up to 72 characters."),
    Key::new("id", Shape::Text, "What comes back with the answer; the title by default."),
];

/// Endings of addresses that tell what a file is; any other is a document.
const ENDINGS: &[(&str, MediaKind)] = &[
    ("jpg", MediaKind::Image),
    ("jpeg", MediaKind::Image),
    ("png", MediaKind::Image),
    ("webp", MediaKind::Image),
    ("mp4", MediaKind::Video),
    ("3gp", MediaKind::Video),
    ("ogg", MediaKind::Audio),
    ("mp3", MediaKind::Audio),
    ("m4a", MediaKind::Audio),
    ("aac", MediaKind::Audio),
    ("amr", MediaKind::Audio),
];

#[derive(Debug)]
struct SendMessage {
    text: Option<Template>,
    media: Option<(MediaKind, Template, Option<Template>)>,
    header: Option<Template>,
    footer: Option<Template>,
    buttons: Option<Vec<Button<'static>>>,
    list: Option<Menu<'static>>,
    to: Option<Arc<Endpoint>>,
}

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Action>> {
    let before = reading.report.errors();
    let to = read_channel(reading);
    let media = match reading.object.get("media") {
        Some(node) => Some(read_media(node, reading)?),
        None => None,
    };
    let has_text = ["value", "text"].iter().any(|key| reading.object.get(key).is_some());
    let text = match has_text || media.is_none() {
        true => Some(reading.main_template(Some("text"), "write the text that is sent")?),
        false => None,
    };
    let (header, footer) = (reading.template("header"), reading.template("footer"));
    let buttons = match reading.object.get("buttons") {
        Some(node) => Some(read_buttons(node, reading)?),
        None => None,
    };
    let list = match reading.object.get("list") {
        Some(node) => Some(read_list(node, reading)?),
        None => None,
    };
    let message = SendMessage { text, media, header, footer, buttons, list, to: to? };
    message.check(reading);
    (reading.report.errors() == before).then(|| Arc::new(message) as _)
}

fn read_media(node: &Node, reading: &mut Reading<'_>) -> Option<(MediaKind, Template, Option<Template>)> {
    let report = &mut *reading.report;
    let (address, at, kind, filename) = match &node.content {
        Content::Text(address) => (address.to_string(), node.at, None, None),
        _ => {
            let object = Object::of(node, "media", MEDIA_KEYS, report)?;
            let url = object.require("url", "write the address WhatsApp fetches the file from", report)?;
            let kind = object.word("type", MediaKind::WORDS, report).map(|at| MediaKind::ALL[at]);
            let filename = object.get("filename");
            let name = object.text("filename", report).zip(filename);
            let name = name.map(|(name, node)| Template::parse(&name, node.at, report));
            (object::text(url, "`url`", report)?, url.at, kind, name)
        }
    };
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit(['/', '.']).next().unwrap_or_default();
    let by_ending = ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, kind)| *kind);
    let kind = kind.or(by_ending).unwrap_or(MediaKind::Document);
    Some((kind, Template::parse(address.trim(), at, report), filename))
}

fn read_buttons(node: &Node, reading: &mut Reading<'_>) -> Option<Vec<Button<'static>>> {
    let report = &mut *reading.report;
    let read = object::list(node, "buttons", report)?.iter().map(|node| {
        if let Content::Text(title) = &node.content {
            return Some(Button { id: owned(title), title: owned(title) });
        }
        let object = Object::of(node, "a button", BUTTON_KEYS, report)?;
        let title = object::text(object.require("title", "write what stands on it", report)?, "`title`", report)?;
        let id = object.text("id", report).unwrap_or_else(|| title.clone());
        Some(Button { id: owned(&id), title: owned(&title) })
    });
    let read: Vec<Option<Button<'static>>> = read.collect();
    read.into_iter().collect()
}

fn read_list(node: &Node, reading: &mut Reading<'_>) -> Option<Menu<'static>> {
    let report = &mut *reading.report;
    let object = Object::of(node, "a list", LIST_KEYS, report)?;
    let button = object::text(object.require("button", "write what opens the list", report)?, "`button`", report)?;
    let sections = match (object.get("rows"), object.get("sections")) {
        (Some(rows), None) => vec![MenuSection { title: None, rows: read_rows(rows, report)? }],
        (None, Some(sections)) => {
            let read = object::list(sections, "sections", report)?.iter().map(|node| {
                let object = Object::of(node, "a section", SECTION_KEYS, report)?;
                let title = object.text("title", report).map(|title| owned(&title));
                let rows = object.require("rows", "write what can be chosen", report)?;
                Some(MenuSection { title, rows: read_rows(rows, report)? })
            });
            let read: Vec<Option<MenuSection<'static>>> = read.collect();
            read.into_iter().collect::<Option<_>>()?
        }
        _ => {
            report.add(
                codes::MISSING_KEY,
                node.at,
                "a list needs `rows`, or `sections` of rows",
                "write one of the two",
            );
            return None;
        }
    };
    Some(Menu { button: owned(&button), sections })
}

fn read_rows(node: &Node, report: &mut crate::diagnostic::Report) -> Option<Vec<MenuRow<'static>>> {
    let read = object::list(node, "rows", report)?.iter().map(|node| {
        if let Content::Text(title) = &node.content {
            return Some(MenuRow { id: owned(title), title: owned(title), description: None });
        }
        let object = Object::of(node, "a row", ROW_KEYS, report)?;
        let title = object::text(object.require("title", "write what it is", report)?, "`title`", report)?;
        let id = object.text("id", report).unwrap_or_else(|| title.clone());
        let description = object.text("description", report).map(|text| owned(&text));
        Some(MenuRow { id: owned(&id), title: owned(&title), description })
    });
    let read: Vec<Option<MenuRow<'static>>> = read.collect();
    read.into_iter().collect()
}

fn owned(text: &str) -> Str<'static> {
    Str::from(text.trim().to_owned())
}

/// The endpoint `to` names; `None` after a finding, `Some(None)` where the channel decides.
pub(super) fn read_channel(reading: &mut Reading<'_>) -> Option<Option<Arc<Endpoint>>> {
    match reading.object.get("to") {
        Some(node) => reading.endpoint(node, DestinationKind::WhatsappCloud).map(Some),
        None => Some(None),
    }
}

/// The endpoint a message goes by.
pub(super) fn destination(to: Option<&Endpoint>, plan: &Plan<'_, '_>) -> Option<kilat_domain::Destination<'static>> {
    to.or_else(|| plan.channel_endpoint()).map(Endpoint::destination)
}

impl SendMessage {
    /// The message, its texts as `render` gives them.
    fn message(&self, to: Recipient<'static>, mut render: impl FnMut(&Template) -> String) -> OutboundMessage<'static> {
        let mut rendered = |template: &Option<Template>| template.as_ref().map(|text| Str::from(render(text)));
        let (text, header, footer) = (rendered(&self.text), rendered(&self.header), rendered(&self.footer));
        let media = self.media.as_ref().map(|(kind, url, filename)| Media {
            kind: *kind,
            url: render(url).into(),
            filename: filename.as_ref().map(|name| render(name).into()),
        });
        let (buttons, list) = (self.buttons.clone(), self.list.clone());
        OutboundMessage { to, text: text.unwrap_or_default(), media, header, footer, buttons, list }
    }

    /// Reports what WhatsApp would refuse whatever the fields are.
    fn check(&self, reading: &mut Reading<'_>) {
        let nobody = Recipient { channel: Str::default(), account: None, id: Str::default() };
        // Where fields stand, anything short may; an address begins with its scheme at least.
        let sample =
            |template: &Template| match (template.source().contains("{{"), template.source().starts_with("http")) {
                (false, _) => template.source().to_owned(),
                (true, true) => "https://x".to_owned(),
                (true, false) => "x".to_owned(),
            };
        let mut message = self.message(nobody, sample);
        if let Some(media) = message.media.as_mut().filter(|media| *media.url == *"x") {
            media.url = "https://x".into();
        }
        let Err(unsendable) = message.check() else { return };
        let key = match unsendable.part {
            Part::Text => "value",
            Part::Media => "media",
            Part::Header => "header",
            Part::Footer => "footer",
            Part::Buttons => "buttons",
            Part::List => "list",
        };
        let at = reading.object.get(key).map_or(reading.object.at, |node| node.at);
        let too_long = unsendable.problem.contains("the limit is");
        let code = if too_long { codes::TOO_LONG } else { codes::WRONG_VALUE };
        let help = if too_long { "shorten it" } else { "see `kilat schema rules` for what a message may carry" };
        reading.report.add(code, at, unsendable.problem, help);
    }
}

impl Action for SendMessage {
    fn canonical(&self, action: &mut Map<String, Value>) {
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                action.insert(key.into(), value);
            }
        };
        let source = |template: &Option<Template>| template.as_ref().map(|template| Value::from(template.source()));
        put("value", source(&self.text));
        put("header", source(&self.header));
        put("footer", source(&self.footer));
        put(
            "media",
            self.media.as_ref().map(|(kind, url, filename)| {
                let mut media = json!({"type": kind.as_str(), "url": url.source()});
                if let Some(filename) = filename {
                    media["filename"] = filename.source().into();
                }
                media
            }),
        );
        let buttons =
            self.buttons.as_ref().map(|buttons| buttons.iter().map(|b| json!({"id": &*b.id, "title": &*b.title})));
        put("buttons", buttons.map(Iterator::collect));
        put(
            "list",
            self.list.as_ref().map(|list| {
                let row = |row: &MenuRow<'_>| {
                    let mut written = json!({"id": &*row.id, "title": &*row.title});
                    if let Some(description) = &row.description {
                        written["description"] = json!(&**description);
                    }
                    written
                };
                let sections = list.sections.iter().map(|section| {
                    let mut written = json!({"rows": section.rows.iter().map(row).collect::<Vec<_>>()});
                    if let Some(title) = &section.title {
                        written["title"] = json!(&**title);
                    }
                    written
                });
                json!({"button": &*list.button, "sections": sections.collect::<Vec<_>>()})
            }),
        );
        put("to", self.to.as_ref().map(|to| Value::from(&*to.name)));
    }

    fn steps(&self, facts: &Facts<'_>) -> u32 {
        let texts = [&self.text, &self.header, &self.footer].into_iter().flatten();
        let media = self.media.iter().flat_map(|(_, url, filename)| std::iter::once(url).chain(filename));
        cost::copy(texts.chain(media).map(|template| template.bytes(facts)).sum())
    }

    fn plan(&self, plan: &mut Plan<'_, '_>) -> Outcome {
        let Some(to) = plan.recipient() else { return Outcome::Failed("no_recipient") };
        let message = self.message(to, |template| template.render(plan.facts));
        if message.text.trim().is_empty() && self.text.is_some() {
            return Outcome::Failed("empty_text");
        }
        if let Err(unsendable) = message.check() {
            return Outcome::Failed(unsendable.word);
        }
        Outcome::Command(Command::SendMessage(message), destination(self.to.as_deref(), plan))
    }
}
