//! Messages to customers: a text, and what it may carry beside it: media, reply buttons, a list to choose from.
//!
//! *Shape:* the `SendMessage` command of the action topics. Limits are the partner's and checked where rules are
//! loaded and where the partner renders.

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
    /// A text and nothing else.
    pub fn text(to: Recipient<'a>, text: impl Into<Str<'a>>) -> OutboundMessage<'a> {
        OutboundMessage { to, text: text.into(), media: None, header: None, footer: None, buttons: None, list: None }
    }
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

/// A button that answers for the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Button<'a> {
    /// What comes back with the answer.
    #[serde(borrow)]
    pub id: Str<'a>,
    /// What stands on it.
    pub title: Str<'a>,
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
