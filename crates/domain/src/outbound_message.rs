//! Messages to customers: a text, and what it may carry beside it: media, reply buttons, a list to choose from.
//!
//! *Shape:* the `SendMessage` command of the action topics. [`OutboundMessage::check`] holds it to what WhatsApp takes, the
//! narrowest of the channels; it is asked where rules are loaded and again where a message is rendered for the partner.
//! Sources: Meta's pages on text, media, interactive reply button and interactive list messages, read Nov 2026.

use serde::{Deserialize, Serialize};

use crate::Str;

/// A message to the customer of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboundMessage<'a> {
    /// To whom.
    #[serde(borrow)]
    pub to: Recipient<'a>,
    /// The rendered text; empty where media goes without a caption.
    pub text: Str<'a>,
    /// A file, with the text as its caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Media<'a>>,
    /// A line above the text; only with buttons or a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Str<'a>>,
    /// A line below the text; only with buttons or a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<Str<'a>>,
    /// Buttons to answer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buttons: Option<Vec<Button<'a>>>,
    /// A list to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Menu<'a>>,
}

impl<'a> OutboundMessage<'a> {
    /// Most characters of a text, with or without a list below it.
    pub const TEXT_CHARS_MAX: usize = 4_096;
    /// Most characters of a text above buttons, and of a caption.
    pub const SHORT_TEXT_CHARS_MAX: usize = 1_024;
    /// Most characters of a header or footer.
    pub const EDGE_CHARS_MAX: usize = 60;

    /// A text and nothing else.
    pub fn text(to: Recipient<'a>, text: impl Into<Str<'a>>) -> OutboundMessage<'a> {
        OutboundMessage { to, text: text.into(), media: None, header: None, footer: None, buttons: None, list: None }
    }

    /// Whether WhatsApp takes it.
    ///
    /// *Errors:* the first thing that it would refuse.
    pub fn check(&self) -> Result<(), Unsendable> {
        let is_audio = self.media.as_ref().is_some_and(|media| media.kind == MediaKind::Audio);
        let is_interactive = self.buttons.is_some() || self.list.is_some();
        if self.buttons.is_some() && self.list.is_some() {
            return Err(Unsendable::new(Part::List, "bad_list", "a message has buttons or a list, not both"));
        }
        if self.list.is_some() && self.media.is_some() {
            return Err(Unsendable::new(Part::Media, "bad_media", "a list goes with text alone, not with media"));
        }
        if is_audio && (is_interactive || !self.text.is_empty()) {
            return Err(Unsendable::new(Part::Media, "bad_media", "audio goes alone, without text, buttons or list"));
        }
        if self.text.is_empty() && (is_interactive || self.media.is_none()) {
            return Err(Unsendable::new(Part::Text, "text_empty", "the text is empty"));
        }
        let is_short = self.buttons.is_some() || self.media.is_some();
        let text_max = if is_short { Self::SHORT_TEXT_CHARS_MAX } else { Self::TEXT_CHARS_MAX };
        at_most(Part::Text, "text_too_long", "the text", &self.text, text_max)?;
        for (part, word, what, text) in [
            (Part::Header, "bad_header", "the header", &self.header),
            (Part::Footer, "bad_footer", "the footer", &self.footer),
        ] {
            let Some(text) = text else { continue };
            if !is_interactive {
                return Err(Unsendable::new(part, word, format!("{what} goes with buttons or a list only")));
            }
            filled(part, word, what, text, Self::EDGE_CHARS_MAX)?;
        }
        if self.header.is_some() && self.media.is_some() {
            return Err(Unsendable::new(Part::Header, "bad_header", "media stands where the header would"));
        }
        if let Some(media) = &self.media {
            media.check()?;
        }
        if let Some(buttons) = &self.buttons {
            Button::check_all(buttons)?;
        }
        self.list.as_ref().map_or(Ok(()), Menu::check)
    }
}

/// A part of a message, named as its key in rule files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `value`
    Text,
    /// `media`
    Media,
    /// `header`
    Header,
    /// `footer`
    Footer,
    /// `buttons`
    Buttons,
    /// `list`
    List,
}

/// Why a message cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsendable {
    /// What is wrong.
    pub part: Part,
    /// A stable word.
    pub word: &'static str,
    /// The whole of it, in words.
    pub problem: String,
}

impl Unsendable {
    fn new(part: Part, word: &'static str, problem: impl Into<String>) -> Unsendable {
        Unsendable { part, word, problem: problem.into() }
    }
}

fn at_most(part: Part, word: &'static str, what: &str, text: &str, max: usize) -> Result<(), Unsendable> {
    let chars = text.chars().count();
    if chars > max {
        return Err(Unsendable::new(part, word, format!("{what} has {chars} characters, the limit is {max}")));
    }
    Ok(())
}

fn filled(part: Part, word: &'static str, what: &str, text: &str, max: usize) -> Result<(), Unsendable> {
    if text.trim().is_empty() {
        return Err(Unsendable::new(part, word, format!("{what} is empty")));
    }
    at_most(part, word, what, text, max)
}

/// Checks that no text stands twice.
fn each_once<'t>(
    part: Part,
    word: &'static str,
    what: &str,
    texts: impl Iterator<Item = &'t str>,
) -> Result<(), Unsendable> {
    let mut seen: Vec<&str> = Vec::new();
    for text in texts {
        if seen.contains(&text) {
            return Err(Unsendable::new(part, word, format!("{what} `{text}` stands twice")));
        }
        seen.push(text);
    }
    Ok(())
}

/// The customer of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipient<'a> {
    /// The channel's kind.
    #[serde(borrow)]
    pub channel: Str<'a>,
    /// Our account on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Str<'a>>,
    /// The customer's id there: for WhatsApp the digits of the number, or a business-scoped user id.
    pub id: Str<'a>,
}

/// What kind of file goes with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A video.
    Video,
    /// A sound or voice message.
    Audio,
    /// Any other file.
    Document,
}

impl MediaKind {
    /// Every kind.
    pub const ALL: &'static [MediaKind] = &[MediaKind::Image, MediaKind::Video, MediaKind::Audio, MediaKind::Document];
    /// Every kind's word, in the order of [`Self::ALL`].
    pub const WORDS: &'static [&'static str] = &["image", "video", "audio", "document"];

    /// The word for this kind.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// A file that goes with a message; the text is its caption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media<'a> {
    /// What it is.
    pub kind: MediaKind,
    /// Where the partner fetches it.
    #[serde(borrow)]
    pub url: Str<'a>,
    /// What it is called, for documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<Str<'a>>,
}

impl Media<'_> {
    fn check(&self) -> Result<(), Unsendable> {
        let is_web = ["https://", "http://"].iter().any(|scheme| self.url.starts_with(scheme));
        if !is_web || self.url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Unsendable::new(Part::Media, "bad_media", "the media has no address to be fetched from"));
        }
        if self.filename.is_some() && self.kind != MediaKind::Document {
            return Err(Unsendable::new(Part::Media, "bad_media", "only documents have a file name"));
        }
        Ok(())
    }
}

/// A button that answers for the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Button<'a> {
    /// What comes back with the answer.
    #[serde(borrow)]
    pub id: Str<'a>,
    /// What stands on it.
    pub title: Str<'a>,
}

impl Button<'_> {
    /// Most buttons of a message.
    pub const COUNT_MAX: usize = 3;
    /// Most characters of a title.
    pub const TITLE_CHARS_MAX: usize = 20;
    /// Most characters of an id.
    pub const ID_CHARS_MAX: usize = 256;

    fn check_all(buttons: &[Button<'_>]) -> Result<(), Unsendable> {
        const BAD: (Part, &str) = (Part::Buttons, "bad_buttons");
        if buttons.is_empty() || buttons.len() > Self::COUNT_MAX {
            let problem = format!("the message has {} buttons, it takes 1 to {}", buttons.len(), Self::COUNT_MAX);
            return Err(Unsendable::new(BAD.0, BAD.1, problem));
        }
        for button in buttons {
            filled(BAD.0, BAD.1, "the title of a button", &button.title, Self::TITLE_CHARS_MAX)?;
            filled(BAD.0, BAD.1, "the id of a button", &button.id, Self::ID_CHARS_MAX)?;
        }
        each_once(BAD.0, BAD.1, "the button", buttons.iter().map(|button| button.title.as_str()))?;
        each_once(BAD.0, BAD.1, "the button's id", buttons.iter().map(|button| button.id.as_str()))
    }
}

/// A list the customer opens and chooses one row from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Menu<'a> {
    /// What stands on the button that opens it.
    #[serde(borrow)]
    pub button: Str<'a>,
    /// Its parts.
    pub sections: Vec<MenuSection<'a>>,
}

impl Menu<'_> {
    /// Most characters on the button that opens it.
    pub const BUTTON_CHARS_MAX: usize = 20;
    /// Most sections.
    pub const SECTIONS_MAX: usize = 10;
    /// Most rows of all sections together.
    pub const ROWS_MAX: usize = 10;
    /// Most characters above a section, and of a row's title.
    pub const TITLE_CHARS_MAX: usize = 24;
    /// Most characters of a row's id.
    pub const ID_CHARS_MAX: usize = 200;
    /// Most characters of a row's description.
    pub const DESCRIPTION_CHARS_MAX: usize = 72;

    fn check(&self) -> Result<(), Unsendable> {
        const BAD: (Part, &str) = (Part::List, "bad_list");
        filled(BAD.0, BAD.1, "the button of the list", &self.button, Self::BUTTON_CHARS_MAX)?;
        let rows = || self.sections.iter().flat_map(|section| &section.rows);
        let count = rows().count();
        if count == 0 || count > Self::ROWS_MAX || self.sections.len() > Self::SECTIONS_MAX {
            let problem = format!("the list has {count} rows, it takes 1 to {}", Self::ROWS_MAX);
            return Err(Unsendable::new(BAD.0, BAD.1, problem));
        }
        for section in &self.sections {
            match &section.title {
                Some(title) => filled(BAD.0, BAD.1, "the title of a section", title, Self::TITLE_CHARS_MAX)?,
                None if self.sections.len() > 1 => {
                    let problem = "each section of several needs a title";
                    return Err(Unsendable::new(BAD.0, BAD.1, problem));
                }
                None => {}
            }
            if section.rows.is_empty() {
                return Err(Unsendable::new(BAD.0, BAD.1, "a section has no rows"));
            }
        }
        for row in rows() {
            filled(BAD.0, BAD.1, "the title of a row", &row.title, Self::TITLE_CHARS_MAX)?;
            filled(BAD.0, BAD.1, "the id of a row", &row.id, Self::ID_CHARS_MAX)?;
            if let Some(description) = &row.description {
                filled(BAD.0, BAD.1, "the description of a row", description, Self::DESCRIPTION_CHARS_MAX)?;
            }
        }
        each_once(BAD.0, BAD.1, "the row's id", rows().map(|row| row.id.as_str()))
    }
}

/// A part of a [`Menu`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MenuSection<'a> {
    /// What stands above it; needed where there are several.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Str<'a>>,
    /// What can be chosen.
    pub rows: Vec<MenuRow<'a>>,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MenuRow<'a> {
    /// What comes back with the answer.
    #[serde(borrow)]
    pub id: Str<'a>,
    /// What it is.
    pub title: Str<'a>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Str<'a>>,
}
