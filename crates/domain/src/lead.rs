//! A lead as the engine remembers it.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    Applied, Attributes, Consent, LeadFacts, LeadPriority, Money, Number, On, Patch, SET_BYTES_MAX, Str, Timestamp,
    ValueTarget, kept,
};

/// A lead: what conditions read, what patches change. Absent facts are `None` or empty, which count as missing (D-15).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// Status id of the workspace's registry.
    pub status: CompactString,
    /// Priority.
    pub priority: Option<LeadPriority>,
    /// Score.
    pub score: Option<Number>,
    /// Tags, sorted.
    pub tags: Vec<CompactString>,
    /// Whether outbound messages are suppressed.
    pub blocked: bool,
    /// Customer messages of this lead in the workspace, all conversations; counted up to [`Lead::MESSAGES_MAX`] only, as
    /// what matters is which one is the first (D-22).
    pub messages: u32,
    /// Everything rarely known, boxed so that an idle lead stays small.
    pub profile: Option<Box<Profile>>,
}

/// The rarely known part of a [`Lead`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Audience tag.
    pub audience: Option<CompactString>,
    /// Plan.
    pub plan: Option<CompactString>,
    /// Lists, sorted.
    pub lists: Vec<CompactString>,
    /// Marketing consent.
    pub consent: Option<Consent>,
    /// Source.
    pub source: Option<CompactString>,
    /// Notes.
    pub notes: Option<CompactString>,
    /// City.
    pub city: Option<CompactString>,
    /// Region.
    pub region: Option<CompactString>,
    /// Country, ISO 3166-1 alpha-2, upper case.
    pub country: Option<CompactString>,
    /// Name.
    pub name: Option<CompactString>,
    /// E-mail address.
    pub email: Option<CompactString>,
    /// Phone number.
    pub phone: Option<CompactString>,
    /// What was paid.
    pub actual: Option<Money>,
    /// What is expected.
    pub estimated: Option<Money>,
    /// Campaign parameters as last seen: source, medium, campaign, term, content.
    pub utm: [Option<CompactString>; 5],
    /// Click-to-WhatsApp click id and ad id.
    pub ctwa: [Option<CompactString>; 2],
    /// Country by geolocation, ISO 3166-1 alpha-2, upper case.
    pub geo_country: Option<CompactString>,
    /// Custom attributes.
    pub attrs: Attributes,
}

impl Lead {
    /// Where [`Lead::messages`] stops: a lead that writes every day is not a changed lead every day.
    pub const MESSAGES_MAX: u32 = 2;

    /// A lead first seen: the registry's first status, everything else missing.
    pub fn new(status: &str) -> Lead {
        Lead {
            status: status.into(),
            priority: None,
            score: None,
            tags: Vec::new(),
            blocked: false,
            messages: 0,
            profile: None,
        }
    }

    fn profile_mut(&mut self) -> &mut Profile {
        self.profile.get_or_insert_default()
    }

    /// Folds what an event says of its lead. `status` is already an id of the registry.
    pub fn fold(&mut self, facts: &LeadFacts<'_>, status: Option<&str>) -> bool {
        let mut changed = false;
        if let Some(status) = status {
            changed |= replace_str(&mut self.status, status);
        }
        changed |= replace(&mut self.priority, facts.priority);
        changed |= replace(&mut self.score, facts.score);
        changed |= replace_set(&mut self.tags, facts.tags.as_deref());
        if facts.knows_profile() {
            let profile = self.profile_mut();
            changed |= replace_set(&mut profile.lists, facts.lists.as_deref());
            changed |= replace(&mut profile.consent, facts.consent);
            if let Some(value) = &facts.value {
                changed |= replace(&mut profile.actual, value.actual.clone());
                changed |= replace(&mut profile.estimated, value.estimated.clone());
            }
            for (known, fact) in [
                (&mut profile.audience, &facts.audience),
                (&mut profile.plan, &facts.plan),
                (&mut profile.source, &facts.source),
                (&mut profile.notes, &facts.notes),
                (&mut profile.city, &facts.city),
                (&mut profile.region, &facts.region),
                (&mut profile.name, &facts.name),
                (&mut profile.email, &facts.email),
                (&mut profile.phone, &facts.phone),
            ] {
                changed |= replace_text(known, fact.as_deref());
            }
            if let Some(country) = &facts.country {
                changed |= replace_text(&mut profile.country, Some(&country.to_ascii_uppercase()));
            }
            changed |= profile.attrs.merge(facts.attrs.as_ref());
        }
        changed
    }

    /// Applies a patch that concerns leads; `None` where the patch concerns the conversation.
    pub fn apply(&mut self, patch: &Patch) -> Option<Applied> {
        Some(match patch {
            Patch::LeadStatus(status) => Applied::text("lead.status", &mut self.status, status),
            Patch::LeadPriority(priority) => Applied::symbol("lead.priority", &mut self.priority, *priority),
            Patch::Tag { on: On::Lead, name, add } => Applied::member("lead.tags", &mut self.tags, name, *add),
            Patch::Blocked(blocked) => {
                let from = std::mem::replace(&mut self.blocked, *blocked);
                Applied::of("lead.blocked", from != *blocked, Some(from.to_string()), Some(blocked.to_string()))
            }
            Patch::Value { target, money, .. } => {
                let profile = self.profile_mut();
                let (field, known) = match target {
                    ValueTarget::Actual => ("lead.value.actual", &mut profile.actual),
                    ValueTarget::Estimated => ("lead.value.estimated", &mut profile.estimated),
                };
                let from = known.replace(money.clone());
                let print = |money: &Money| format!("{} {}", money.minor, money.currency);
                Applied::of(field, from.as_ref() != Some(money), from.as_ref().map(print), Some(print(money)))
            }
            Patch::Audience(audience) => {
                Applied::optional_text("lead.audience", &mut self.profile_mut().audience, Some(audience))
            }
            Patch::List { name, add } => Applied::member("lead.lists", &mut self.profile_mut().lists, name, *add),
            Patch::Consent(consent) => Applied::symbol("lead.consent", &mut self.profile_mut().consent, *consent),
            Patch::LeadText { field, text } => {
                let (name, known) = self.profile_mut().text_mut(field)?;
                Applied::optional_text(name, known, Some(text))
            }
            Patch::Note { on: On::Lead, text } => Applied::note("lead.notes", &mut self.profile_mut().notes, text),
            Patch::Score(score) => {
                let from = self.score.replace(*score);
                Applied::of("lead.score", from != Some(*score), from.map(|n| n.to_string()), Some(score.to_string()))
            }
            Patch::Attribute { on: On::Lead, path, value } => self.profile_mut().attrs.set("lead.attrs", path, value),
            _ => return None,
        })
    }
}

impl Profile {
    /// The text field of this name (`city`, `notes` …) with its full name, for `set_field`.
    fn text_mut(&mut self, field: &str) -> Option<(&'static str, &mut Option<CompactString>)> {
        Some(match field {
            "plan" => ("lead.plan", &mut self.plan),
            "source" => ("lead.source", &mut self.source),
            "notes" => ("lead.notes", &mut self.notes),
            "city" => ("lead.city", &mut self.city),
            "region" => ("lead.region", &mut self.region),
            "country" => ("lead.country", &mut self.country),
            "name" => ("lead.name", &mut self.name),
            "email" => ("lead.email", &mut self.email),
            "phone" => ("lead.phone", &mut self.phone),
            _ => return None,
        })
    }
}

impl LeadFacts<'_> {
    fn knows_profile(&self) -> bool {
        self.audience.is_some()
            || self.plan.is_some()
            || self.lists.is_some()
            || self.consent.is_some()
            || self.source.is_some()
            || self.notes.is_some()
            || self.city.is_some()
            || self.region.is_some()
            || self.country.is_some()
            || self.name.is_some()
            || self.email.is_some()
            || self.phone.is_some()
            || self.value.is_some()
            || self.attrs.is_some()
    }
}

pub(crate) fn replace<T: PartialEq>(known: &mut Option<T>, fact: Option<T>) -> bool {
    match fact {
        Some(fact) if known.as_ref() != Some(&fact) => {
            *known = Some(fact);
            true
        }
        _ => false,
    }
}

pub(crate) fn replace_str(known: &mut CompactString, fact: &str) -> bool {
    let fact = kept(fact);
    let differs = **known != *fact;
    if differs {
        *known = fact.into();
    }
    differs
}

/// Replaces a text by a stated one that differs, as far as it is kept.
pub fn replace_text(known: &mut Option<CompactString>, fact: Option<&str>) -> bool {
    match fact.map(kept) {
        Some(fact) if known.as_deref() != Some(fact) => {
            *known = Some(fact.into());
            true
        }
        _ => false,
    }
}

pub(crate) fn replace_set(known: &mut Vec<CompactString>, fact: Option<&[Str<'_>]>) -> bool {
    let Some(fact) = fact else { return false };
    let mut set: Vec<CompactString> = fact.iter().map(|name| CompactString::from(name.as_str())).collect();
    set.sort_unstable();
    set.dedup();
    let mut bytes = 0;
    set.retain(|name| {
        let fits = bytes + name.len() <= SET_BYTES_MAX;
        bytes += if fits { name.len() } else { 0 };
        fits
    });
    let differs = *known != set;
    *known = set;
    differs
}

/// The record of `kilat.leads.v1`: a lead as the engine sees it, for data teams. Key: `workspace/lead`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadRecord<'a> {
    /// Whose lead it is.
    #[serde(borrow)]
    pub workspace: Str<'a>,
    /// Its id.
    pub lead: Str<'a>,
    /// When it last changed, by event time.
    pub updated_at: Timestamp,
    /// Everything known of it.
    pub facts: LeadFacts<'a>,
    /// Whether outbound messages are suppressed.
    pub blocked: bool,
}

impl<'a> LeadRecord<'a> {
    /// The record for `lead` as it stands.
    pub fn of(workspace: &'a str, id: &'a str, lead: &'a Lead, updated_at: Timestamp) -> LeadRecord<'a> {
        let set = |names: &'a [CompactString]| {
            (!names.is_empty()).then(|| names.iter().map(|name| Str::from(&**name)).collect::<Vec<_>>())
        };
        let mut facts = LeadFacts {
            id: Some(id.into()),
            status: Some(Str::from(&*lead.status)),
            priority: lead.priority,
            score: lead.score,
            tags: set(&lead.tags),
            ..LeadFacts::default()
        };
        if let Some(profile) = lead.profile.as_deref() {
            let text = |text: &'a Option<CompactString>| text.as_deref().map(Str::from);
            facts.audience = text(&profile.audience);
            facts.plan = text(&profile.plan);
            facts.lists = set(&profile.lists);
            facts.consent = profile.consent;
            facts.source = text(&profile.source);
            facts.notes = text(&profile.notes);
            facts.city = text(&profile.city);
            facts.region = text(&profile.region);
            facts.country = text(&profile.country);
            facts.name = text(&profile.name);
            facts.email = text(&profile.email);
            facts.phone = text(&profile.phone);
            if profile.actual.is_some() || profile.estimated.is_some() {
                facts.value =
                    Some(crate::ValueFacts { actual: profile.actual.clone(), estimated: profile.estimated.clone() });
            }
            facts.attrs = profile.attrs.facts();
        }
        LeadRecord { workspace: workspace.into(), lead: id.into(), updated_at, facts, blocked: lead.blocked }
    }
}
