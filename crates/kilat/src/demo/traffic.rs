//! Sales chats, generated from a seed.
//!
//! Input: a seed, a start and a pace of the chats' own clock. Output: an endless, repeatable stream of [`Occurrence`]s:
//! chats of several agencies in Indonesian and English that go somewhere (a greeting, a price, "mau order", an address, a
//! payment confirmed by the team), complaints, regulars, leads that a skill collected, visitors who only look; now and
//! then a provider delivers a message twice, and very rarely something writes bytes that are no event.
//!
//! Invariant: the same seed gives the same stream. Absent: clocks; what the rules make of it.

use std::collections::VecDeque;

use kilat_domain::{
    Channel, Chat, ChatKind, ConversationFacts, Ctwa, Event, EventKind, LeadFacts, Message, MessageType, Named, Number,
    Sender, SenderKind, Timestamp, Utm,
};

use super::phrases;
use super::random::Random;

/// Chats under way at the same time.
const CHATS_OPEN: usize = 240;
/// Messages a provider delivers twice, per mille.
const REDELIVERED_PER_MILLE: usize = 12;
/// How many records later the second copy arrives, at most.
const REDELIVERED_AFTER_MAX: usize = 400;
/// Customers who are regulars, per mille.
const REGULARS_PER_MILLE: usize = 60;
/// Records that are no events: one in this many.
const POISON_ONE_IN: usize = 4000;

/// What is written to an input topic.
#[derive(Clone, Debug)]
pub(super) enum Occurrence {
    /// An event.
    Event(Box<Event<'static>>),
    /// Bytes that are no event, under the key of a workspace.
    Poison {
        /// The key.
        workspace: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// The stream.
pub(super) struct Traffic {
    random: Random,
    now: Timestamp,
    step_ms: i64,
    made: u64,
    chats: Vec<Talk>,
    chats_begun: u64,
    /// Second copies, with the number of the record they follow.
    again: VecDeque<(u64, Event<'static>)>,
}

/// A chat: who talks where, and the turns that are left.
struct Talk {
    workspace: &'static str,
    account: &'static str,
    customer: String,
    name: &'static str,
    conversation: String,
    /// What the shop system knows the customer as.
    tag: Option<&'static str>,
    number: u64,
    turn: u32,
    turns: VecDeque<Turn>,
}

/// One step of a chat.
enum Turn {
    /// The customer writes.
    Customer(String),
    /// The customer sends a picture with a caption.
    Photo(String),
    /// Somebody of the team writes.
    Team(String),
    /// The customer came by an ad; rides on the first message.
    Ad(String),
    /// A skill collected the lead.
    Collected(i64),
}

impl Traffic {
    /// A stream that starts at `start`; its clock moves by about `step_ms` with every record.
    pub(super) fn new(seed: u64, start: Timestamp, step_ms: i64) -> Traffic {
        let mut traffic = Traffic {
            random: Random::named(seed, "traffic"),
            now: start,
            step_ms: step_ms.max(1),
            made: 0,
            chats: Vec::with_capacity(CHATS_OPEN),
            chats_begun: 0,
            again: VecDeque::new(),
        };
        for _ in 0..CHATS_OPEN {
            let chat = traffic.begin();
            traffic.chats.push(chat);
        }
        traffic
    }

    fn begin(&mut self) -> Talk {
        self.chats_begun += 1;
        let number = self.chats_begun;
        let random = &mut self.random;
        let agency = &phrases::AGENCIES[random.below(phrases::AGENCIES.len())];
        let customer = format!("628{:02}{:08}", 11 + random.below(80), number * 7919 % 100_000_000);
        Talk {
            workspace: agency.workspace,
            account: agency.account,
            conversation: format!("wa:{}:{customer}", agency.account),
            customer,
            name: random.pick(phrases::NAMES),
            tag: random.chance(REGULARS_PER_MILLE).then(|| random.pick(&["vip", "vip", "enterprise"])),
            number,
            turn: 0,
            turns: script(random, agency),
        }
    }

    /// An event of `chat`; its id follows from the chat and the turn.
    fn event(&self, chat: &Talk, kind: EventKind) -> Event<'static> {
        let id = format!("{}-{}-{}", chat.workspace, chat.number, chat.turn);
        let mut event = Event::new(id, chat.workspace, kind, self.now);
        event.conversation =
            Some(ConversationFacts { id: Some(chat.conversation.clone().into()), ..Default::default() });
        event.lead = Some(LeadFacts {
            id: Some(format!("wa:{}", chat.customer).into()),
            name: Some(chat.name.into()),
            phone: Some(format!("+{}", chat.customer).into()),
            tags: chat.tag.map(|tag| vec![tag.into()]),
            ..Default::default()
        });
        event.channel = Some(Channel {
            kind: "whatsapp".into(),
            account: Some(chat.account.into()),
            source: Some("wa_api".into()),
        });
        event.chat = Some(Chat { kind: ChatKind::Direct });
        event
    }

    fn message(&self, chat: &Talk, from: SenderKind, kind: MessageType, text: String) -> Event<'static> {
        let mut event = self.event(chat, EventKind::MessageCreated);
        let (id, name) = match from {
            SenderKind::Customer => (format!("{}@s.whatsapp.net", chat.customer), Some(chat.name.into())),
            _ => (format!("agent-{}", 1 + chat.number % 5), None),
        };
        event.sender = Some(Sender { kind: from, id: Some(id.into()), name, roles: None, attrs: None });
        event.message = Some(Message {
            id: Some(format!("wamid.{:08X}{:04X}", chat.number, chat.turn).into()),
            kind: Some(kind),
            text: Some(text.into()),
            ..Default::default()
        });
        event
    }

    fn play(&mut self, at: usize) -> Event<'static> {
        let turn = self.chats[at].turns.pop_front();
        let chat = &self.chats[at];
        let event = match turn {
            Some(Turn::Customer(text)) => self.message(chat, SenderKind::Customer, MessageType::Text, text),
            Some(Turn::Photo(text)) => self.message(chat, SenderKind::Customer, MessageType::Image, text),
            Some(Turn::Team(text)) => self.message(chat, SenderKind::Team, MessageType::Text, text),
            Some(Turn::Ad(text)) => {
                let mut event = self.message(chat, SenderKind::Customer, MessageType::Text, text);
                event.ctwa = Some(Ctwa {
                    clid: Some(format!("Afdemo{:010}", chat.number).into()),
                    source_id: Some(format!("ad-{}", chat.number % 7).into()),
                });
                event.utm = Some(Utm {
                    source: Some("facebook".into()),
                    medium: Some("paid".into()),
                    campaign: Some(format!("promo-{}", chat.number % 3).into()),
                    ..Default::default()
                });
                if let Some(lead) = &mut event.lead {
                    lead.source = Some("ads".into());
                }
                event
            }
            Some(Turn::Collected(score)) => {
                let mut event = self.event(chat, EventKind::SkillFired);
                event.skill = Some(Named { name: "collect_lead".into() });
                if let Some(lead) = &mut event.lead {
                    lead.score = Some(Number::Int(score));
                    lead.email = Some(format!("customer{}@mail.example", chat.number).into());
                }
                event
            }
            // Chats are replaced when their last turn is played; an empty script would be a chat of one "ok".
            None => self.message(chat, SenderKind::Customer, MessageType::Text, "ok".to_owned()),
        };
        self.chats[at].turn += 1;
        if self.chats[at].turns.is_empty() {
            self.chats[at] = self.begin();
        }
        event
    }
}

impl Iterator for Traffic {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        self.made += 1;
        self.now = Timestamp(self.now.0 + self.step_ms / 2 + self.random.below(self.step_ms as usize + 1) as i64);
        if self.again.front().is_some_and(|(at, _)| *at <= self.made) {
            return self.again.pop_front().map(|(_, event)| Occurrence::Event(Box::new(event)));
        }
        if self.random.below(POISON_ONE_IN) == 0 {
            let workspace = phrases::AGENCIES[self.random.below(phrases::AGENCIES.len())].workspace.to_owned();
            // A JSON line where an Avro record belongs: what a producer writes whose serialiser was never configured.
            return Some(Occurrence::Poison { workspace, bytes: br#"{"text":"halo kak"}"#.to_vec() });
        }
        let at = self.random.below(self.chats.len());
        let event = self.play(at);
        if event.message.is_some() && self.random.chance(REDELIVERED_PER_MILLE) {
            let after = self.made + 1 + self.random.below(REDELIVERED_AFTER_MAX) as u64;
            let place = self.again.partition_point(|(at, _)| *at <= after);
            self.again.insert(place, (after, event.clone()));
        }
        Some(Occurrence::Event(Box::new(event)))
    }
}

/// What will happen in a chat.
fn script(random: &mut Random, agency: &phrases::Agency) -> VecDeque<Turn> {
    let words = agency.words;
    let product = random.pick(agency.products);
    let price = agency.price_from * (1 + random.below(12)) as u64;
    let city = random.pick(phrases::CITIES);
    let say = |random: &mut Random, lines: &[&str]| {
        random
            .pick(lines)
            .replace("{product}", product)
            .replace("{price}", &phrases::rupiah(price))
            .replace("{city}", city)
    };
    let mut turns = VecDeque::new();
    let greeting = say(random, words.greeting);
    turns.push_back(if random.chance(250) { Turn::Ad(greeting) } else { Turn::Customer(greeting) });
    if random.chance(700) {
        turns.push_back(Turn::Team(say(random, words.welcome)));
    }
    turns.push_back(Turn::Customer(say(random, words.price_question)));
    turns.push_back(Turn::Team(say(random, words.price_answer)));
    match random.below(100) {
        // They buy.
        0..=37 => {
            turns.push_back(Turn::Customer(say(random, words.small_talk)));
            turns.push_back(Turn::Customer(say(random, words.order)));
            turns.push_back(Turn::Team(say(random, words.address_question)));
            turns.push_back(Turn::Customer(say(random, words.address)));
            turns.push_back(Turn::Team(say(random, words.total)));
            let proof = say(random, words.paid);
            turns.push_back(if random.chance(400) { Turn::Photo(proof) } else { Turn::Customer(proof) });
            turns.push_back(Turn::Team(say(random, words.received)));
            turns.push_back(Turn::Customer(say(random, words.thanks)));
            if random.chance(120) {
                turns.push_back(Turn::Customer(say(random, words.complaint)));
                turns.push_back(Turn::Team(say(random, words.sorry)));
            }
        }
        // They want to, and leave.
        38..=55 => {
            turns.push_back(Turn::Customer(say(random, words.small_talk)));
            turns.push_back(Turn::Customer(say(random, words.order)));
            turns.push_back(Turn::Team(say(random, words.address_question)));
        }
        // A form asks for the rest.
        56..=69 => {
            turns.push_back(Turn::Customer(say(random, words.small_talk)));
            turns.push_back(Turn::Collected(40 + random.below(60) as i64));
        }
        // Something went wrong with an earlier order.
        70..=79 => {
            turns.push_back(Turn::Customer(say(random, words.complaint)));
            turns.push_back(Turn::Team(say(random, words.sorry)));
            turns.push_back(Turn::Customer(say(random, words.refund)));
            turns.push_back(Turn::Team(say(random, words.sorry)));
        }
        // They only look.
        _ => turns.push_back(Turn::Customer(say(random, words.small_talk))),
    }
    turns
}

#[cfg(test)]
mod tests;
