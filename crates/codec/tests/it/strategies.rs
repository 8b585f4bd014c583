//! Random structures of every kind, for properties.

use kilat_domain::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn text() -> impl Strategy<Value = Str<'static>> {
    prop_oneof![4 => "\\PC{0,12}", 1 => any::<String>()].prop_map(Str::from)
}

fn word() -> impl Strategy<Value = Str<'static>> {
    "\\PC{1,12}".prop_map(Str::from)
}

fn kept_text() -> impl Strategy<Value = CompactString> {
    text().prop_map(|text| CompactString::from(text.as_str()))
}

fn boxed() -> impl Strategy<Value = Box<str>> {
    text().prop_map(Box::from)
}

fn at() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.0..=Timestamp::MAX.0).prop_map(Timestamp)
}

/// Numbers that a double holds exactly: typed fields are doubles.
fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        (-(1_i64 << 53)..=1 << 53).prop_map(Number::Int),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Number::Float),
    ]
}

fn money() -> impl Strategy<Value = Money> {
    (any::<i64>(), boxed()).prop_map(|(minor, currency)| Money { minor, currency })
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|n| Value::Number(Number::Int(n))),
        number().prop_map(Value::Number),
        text().prop_map(Value::Text),
    ];
    scalar.prop_recursive(4, 24, 4, |inside| {
        prop_oneof![
            vec(inside.clone(), 0..4).prop_map(Value::List),
            entries(inside).prop_map(|object| Value::Object(object.0)),
        ]
    })
}

/// Objects with every key once: a JSON object has no other.
fn entries(value: impl Strategy<Value = Value<'static>>) -> impl Strategy<Value = Object<'static>> {
    vec((text(), value), 0..4).prop_map(|mut entries| {
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(a, _), (b, _)| a == b);
        Object(entries)
    })
}

fn object() -> impl Strategy<Value = Object<'static>> {
    entries(value())
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

prop_compose! {
    fn conversation_facts()(
        id in of(text()), status in of(one_of(ConversationStatus::ALL)), priority in of(one_of(ConversationPriority::ALL)),
        tags in of(vec(text(), 0..3)), assignee in of(text()), started_by in of(one_of(SenderKind::ALL)),
        room_tags in of(vec(text(), 0..3)), attrs in of(object()).boxed(),
    ) -> ConversationFacts<'static> {
        ConversationFacts { id, status, priority, tags, assignee, started_by, room_tags, attrs }
    }
}

prop_compose! {
    fn lead_facts()(
        (id, status, priority, score, tags, audience) in
            (of(text()), of(text()), of(one_of(LeadPriority::ALL)), of(number()), of(vec(text(), 0..3)), of(text())),
        (plan, lists, consent, source, notes, city) in
            (of(text()), of(vec(text(), 0..3)), of(one_of(Consent::ALL)), of(text()), of(text()), of(text())),
        (region, country, name, email, phone) in (of(text()), of(text()), of(text()), of(text()), of(text())),
        value in of((of(money()), of(money())).prop_map(|(actual, estimated)| ValueFacts { actual, estimated })),
        attrs in of(object()).boxed(),
    ) -> LeadFacts<'static> {
        LeadFacts {
            id, status, priority, score, tags, audience, plan, lists, consent, source, notes, city, region, country,
            name, email, phone, value, attrs,
        }
    }
}

prop_compose! {
    fn message()(
        id in of(text()), kind in of(one_of(MessageType::ALL)), text_ in of(text()), reply_to in of(text()),
        reply_to_from in of(one_of(SenderKind::ALL)), quoted_text in of(text()), has_media: Option<bool>,
        private: Option<bool>, history: Option<bool>,
    ) -> Message<'static> {
        Message { id, kind, text: text_, reply_to, reply_to_from, quoted_text, has_media, private, history }
    }
}

fn sender() -> impl Strategy<Value = Sender<'static>> {
    (one_of(SenderKind::ALL), of(text()), of(text()), of(vec(text(), 0..3)), of(object()))
        .prop_map(|(kind, id, name, roles, attrs)| Sender { kind, id, name, roles, attrs })
}

prop_compose! {
    pub(crate) fn event()(
        (id, workspace, kind, occurred_at) in (word(), word(), one_of(EventKind::ALL), at()),
        (conversation, lead) in (of(conversation_facts()).boxed(), of(lead_facts()).boxed()),
        channel in of((text(), of(text()), of(text())).prop_map(|(kind, account, source)| Channel { kind, account, source })),
        chat in of(one_of(ChatKind::ALL).prop_map(|kind| Chat { kind })),
        sender in of(sender()).boxed(),
        message in of(message()).boxed(),
        change in of((of(text()), of(text()), of(text())).prop_map(|(field, from, to)| Change { field, from, to })),
        (tag, skill, list) in (
            of((text(), of(text())).prop_map(|(name, on)| TagFact { name, on })),
            of(text().prop_map(|name| Named { name })),
            of(text().prop_map(|name| Membership { name })),
        ),
        utm in of((of(text()), of(text()), of(text()), of(text()), of(text())).prop_map(
            |(source, medium, campaign, term, content)| Utm { source, medium, campaign, term, content },
        )),
        (ctwa, geo) in (
            of((of(text()), of(text())).prop_map(|(clid, source_id)| Ctwa { clid, source_id })),
            of(of(text()).prop_map(|country| Geo { country })),
        ),
        (webhook, ticket, order, call) in
            (of(object()).boxed(), of(object()).boxed(), of(object()).boxed(), of(object()).boxed()),
        (causation_id, root_id, depth) in (of(text()), of(text()), any::<Option<u16>>()),
    ) -> Event<'static> {
        Event {
            id, workspace, kind, occurred_at, conversation, lead, channel, chat, sender, message, change, tag, skill,
            list, utm, ctwa, geo, webhook, ticket, order, call, causation_id, root_id, depth,
        }
    }
}

prop_compose! {
    fn effect()(
        index: i32, action in text(), (from, to, id, reason) in (of(text()), of(text()), of(text()), of(text())),
        until in of(at()),
        result in select(&[Effect::Applied, Effect::Unchanged, Effect::Queued, Effect::Failed, Effect::Suppressed][..]),
    ) -> ActionEffect<'static> {
        ActionEffect { index, action, result, from, to, until, id, reason }
    }
}

prop_compose! {
    pub(crate) fn decision()(
        (event_id, workspace, conversation, lead) in (text(), text(), of(text()), of(text())),
        (at, kind, rule_set) in (at(), one_of(EventKind::ALL), text()),
        fired in vec((text(), any::<i64>(), vec(effect(), 0..3)).prop_map(
            |(rule, version, actions)| Fired { rule, version, actions },
        ), 0..3),
        refused in vec((text(), text()).prop_map(|(rule, reason)| Refused { rule, reason }), 0..3),
        (stopped_by, causation_id, root_id, depth) in (of(text()), of(text()), text(), any::<i32>()),
        scanned_bytes in of(any::<i32>()),
    ) -> Decision<'static> {
        Decision {
            event_id, workspace, conversation, lead, at, kind, rule_set, fired, refused, stopped_by, causation_id,
            root_id, depth, scanned_bytes,
        }
    }
}

prop_compose! {
    fn first_false()(
        (path, field, op) in (text(), text(), text()), (expected, observed) in (value(), value()),
    ) -> FirstFalse<'static> {
        FirstFalse { path, field, op, expected, observed }
    }
}

prop_compose! {
    fn extracted()(
        index: i32, target in text(), candidates in vec(text(), 0..3), (value, reason) in (of(text()), of(text())),
    ) -> Extracted<'static> {
        Extracted { index, target, candidates, value, reason }
    }
}

prop_compose! {
    fn evaluated()(
        rule in text(), version: i64, matched: bool, first_false in of(first_false()),
        conditions in vec((text(), any::<Option<bool>>()).prop_map(|(path, holds)| Held { path, holds }), 0..3),
        extracted in vec(extracted(), 0..2), refused in of(text()),
    ) -> Evaluated<'static> {
        Evaluated { rule, version, matched, first_false, conditions, extracted, refused }
    }
}

prop_compose! {
    pub(crate) fn explanation()(
        (event_id, workspace, conversation, lead) in (text(), text(), of(text()), of(text())),
        (at, kind, rule_set) in (at(), one_of(EventKind::ALL), text()), evaluated in vec(evaluated(), 0..3),
        (stopped_by, causation_id, root_id, depth) in (of(text()), of(text()), text(), any::<i32>()),
        scanned_bytes in of(any::<i32>()),
    ) -> Explanation<'static> {
        Explanation {
            event_id, workspace, conversation, lead, at, kind, rule_set, evaluated, stopped_by, causation_id, root_id,
            depth, scanned_bytes,
        }
    }
}

fn recipient() -> impl Strategy<Value = Recipient<'static>> {
    (text(), of(text()), text()).prop_map(|(channel, account, id)| Recipient { channel, account, id })
}

fn menu() -> impl Strategy<Value = Menu<'static>> {
    let row = (text(), text(), of(text())).prop_map(|(id, title, description)| MenuRow { id, title, description });
    let section = (of(text()), vec(row, 0..3)).prop_map(|(title, rows)| MenuSection { title, rows });
    (text(), vec(section, 0..3)).prop_map(|(button, sections)| Menu { button, sections })
}

prop_compose! {
    fn send_message()(
        (to, text, header, footer) in (recipient(), text(), of(text()), of(text())),
        media in of((one_of(MediaKind::ALL), text(), of(text())).prop_map(|(kind, url, filename)| Media { kind, url, filename })),
        buttons in of(vec((text(), text()).prop_map(|(id, title)| Button { id, title }), 0..3)),
        list in of(menu()),
    ) -> Command<'static> {
        Command::SendMessage(OutboundMessage { to, text, media, header, footer, buttons, list })
    }
}

fn command() -> impl Strategy<Value = Command<'static>> {
    prop_oneof![
        send_message(),
        (recipient(), text(), text(), vec(text(), 0..3))
            .prop_map(|(to, name, language, parameters)| { Command::SendTemplate { to, name, language, parameters } }),
        (text(), object()).prop_map(|(event, payload)| Command::SendWebhook { event, payload }),
        (text(), at(), of(money()), of(text()), of(text()), of(text()), of(text())).prop_map(
            |(name, at, value, ctwa_clid, phone, email, channel)| {
                Command::SendCapiEvent(CapiEvent { name, at, value, ctwa_clid, phone, email, channel })
            }
        ),
        (text(), text()).prop_map(|(channel, text)| Command::NotifySlack { channel, text }),
        (text(), text(), text()).prop_map(|(to, subject, text)| Command::SendEmail { to, subject, text }),
        text().prop_map(|name| Command::RunSkill { name }),
    ]
}

fn destination() -> impl Strategy<Value = Destination<'static>> {
    let kinds =
        [DestinationKind::Webhook, DestinationKind::WhatsappCloud, DestinationKind::MetaCapi, DestinationKind::Slack];
    (text(), select(kinds.to_vec()), text(), of(text()), of(text()), of(text()), of(text())).prop_map(
        |(name, kind, url, secret, previous_secret, account, waba)| Destination {
            name,
            kind,
            url,
            secret,
            previous_secret,
            account,
            waba,
        },
    )
}

prop_compose! {
    pub(crate) fn action()(
        (id, workspace, conversation, lead, event_id, rule) in (text(), text(), text(), of(text()), text(), text()),
        (rule_version, index, created_at, expires_at) in (any::<i64>(), any::<i32>(), at(), of(at())),
        (on_unknown, parallel) in (select(&[OnUnknown::Resend, OnUnknown::Hold][..]), any::<Option<bool>>()),
        gate in (any::<bool>(), of(at())).prop_map(|(blocked, window_closes_at)| Gate { blocked, window_closes_at }),
        destination in of(destination()).boxed(),
        command in command().boxed(),
    ) -> Action<'static> {
        Action {
            id, workspace, conversation, lead, event_id, rule, rule_version, index, created_at, expires_at, parallel,
            on_unknown, gate, destination, command,
        }
    }
}

prop_compose! {
    pub(crate) fn action_result()(
        (action_id, workspace, conversation, action) in (text(), text(), text(), text()),
        outcome in select(
            &[Outcome::Sending, Outcome::Delivered, Outcome::Failed, Outcome::Unknown, Outcome::Suppressed][..],
        ),
        (reason, detail, partner_ref) in (of(text()), of(text()), of(text())),
        (attempts, http_status, endpoint_ms, at) in (any::<i32>(), any::<Option<i32>>(), any::<i64>(), at()),
    ) -> ActionResult<'static> {
        ActionResult {
            action_id, workspace, conversation, action, outcome, reason, detail, attempts, http_status, partner_ref,
            endpoint_ms, at,
        }
    }
}

prop_compose! {
    pub(crate) fn lead_record()(
        workspace in text(), lead in text(), updated_at in at(), facts in lead_facts().boxed(), blocked: bool,
    ) -> LeadRecord<'static> {
        LeadRecord { workspace, lead, updated_at, facts, blocked }
    }
}

prop_compose! {
    pub(crate) fn rule_set()(
        workspace in text(), hash in text(), source in text(), published_at in at(), published_by in of(text()),
    ) -> RuleSetRecord<'static> {
        RuleSetRecord { workspace, hash, source, published_at, published_by }
    }
}

prop_compose! {
    pub(crate) fn rule_status()(
        workspace in text(), hash in text(), live: bool, error in of(text()), live_hash in of(text()), at in at(),
    ) -> RuleSetStatus<'static> {
        RuleSetStatus { workspace, hash, live, error, live_hash, at }
    }
}

/// Attributes as they come to be: from facts.
fn attributes() -> impl Strategy<Value = Attributes> {
    object().boxed().prop_map(|facts| {
        let mut conversation = Conversation::new(Timestamp(0));
        conversation.fold(&ConversationFacts { attrs: Some(facts), ..ConversationFacts::default() });
        conversation.attrs
    })
}

prop_compose! {
    fn profile()(
        (audience, plan, lists, consent, source, notes) in
            (of(kept_text()), of(kept_text()), vec(kept_text(), 0..3), of(one_of(Consent::ALL)), of(kept_text()), of(kept_text())),
        (city, region, country, name, email, phone) in
            (of(kept_text()), of(kept_text()), of(kept_text()), of(kept_text()), of(kept_text()), of(kept_text())),
        (actual, estimated, geo_country, attrs) in (of(money()), of(money()), of(kept_text()), attributes()),
        utm in proptest::array::uniform5(of(kept_text())),
        ctwa in proptest::array::uniform2(of(kept_text())),
    ) -> Profile {
        Profile {
            audience, plan, lists, consent, source, notes, city, region, country, name, email, phone, actual, estimated,
            utm, ctwa, geo_country, attrs,
        }
    }
}

prop_compose! {
    pub(crate) fn lead()(
        status in kept_text(), priority in of(one_of(LeadPriority::ALL)), score in of(number()), tags in vec(kept_text(), 0..3),
        blocked: bool, messages: u32, profile in of(profile().prop_map(Box::new)).boxed(),
    ) -> Lead {
        Lead { status, priority, score, tags, blocked, messages, profile }
    }
}

prop_compose! {
    fn past_message()(
        at in (0..5_i64).prop_map(Timestamp), sender in one_of(SenderKind::ALL), kind in one_of(MessageType::ALL),
        has_media: bool,
        is_reply: bool, text in of(boxed()),
    ) -> PastMessage {
        PastMessage { at, sender, kind, has_media, is_reply, text }
    }
}

prop_compose! {
    fn details()(
        (snoozed_until, notes) in (of(at()), of(kept_text())),
        week in proptest::collection::btree_map(0..9_i32, any::<u32>(), 0..4),
        mut history in vec(past_message(), 0..5),
    ) -> Details {
        history.sort_by_key(|message| message.at);
        let week = week.into_iter().map(|(hour, messages)| HourCount { hour, messages }).collect();
        Details { snoozed_until, notes, week, history }
    }
}

prop_compose! {
    pub(crate) fn conversation()(
        (lead, status, priority) in
            (of(kept_text()), one_of(ConversationStatus::ALL), one_of(ConversationPriority::ALL)),
        (tags, room_tags, assignee) in (vec(kept_text(), 0..3), vec(kept_text(), 0..3), of(kept_text())),
        (started_by, customer) in (of(one_of(SenderKind::ALL)), of(kept_text())),
        channel in proptest::array::uniform3(of(kept_text())),
        (customer_messages, team_messages, session_messages) in any::<(u32, u32, u32)>(),
        (last_customer_at, created_at, attrs) in (of(at()), at(), attributes()),
        details in of(details().prop_map(Box::new)).boxed(),
    ) -> Conversation {
        Conversation {
            lead, status, priority, tags, room_tags, assignee, started_by, channel, customer, customer_messages,
            team_messages, session_messages, last_customer_at, created_at, attrs, details,
        }
    }
}

pub(crate) fn marks() -> impl Strategy<Value = Vec<Mark>> {
    let mark = (boxed(), at(), any::<bool>(), any::<i64>()).prop_map(|(rule, at, quarantined, version)| Mark {
        rule,
        at,
        quarantined,
        version,
    });
    vec(mark, 0..3)
}

/// A few whole values and deltas.
fn packed_entries<T: Packed + std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Entries<'static>> {
    let packed = |(value, marks): (T, Vec<Mark>)| {
        let mut packed = Vec::new();
        value.pack(&marks, &mut packed);
        packed
    };
    let pair = (value.clone(), marks()).prop_map(packed);
    let entry = (text(), text(), of(0..u32::MAX), pair, (value, marks()).prop_map(packed));
    vec(entry, 0..3).prop_map(|values| {
        let mut entries = Entries::default();
        for (workspace, id, place, value, newer) in values {
            let (mut delta, (known, _)) = (Vec::new(), T::unpack(&value).unwrap());
            entries.push(&Entry::Whole { place, workspace: &workspace, id: &id, value: &value });
            T::diff(&value, known.counts(), &newer, &mut delta).unwrap();
            entries.push(&Entry::Delta { place: place.unwrap_or(0), delta: &delta });
        }
        entries
    })
}

prop_compose! {
    pub(crate) fn state_block()(
        (partition, sequence, chain) in any::<(i32, i64, i64)>(),
        (now, clock, rule_epoch) in (at(), of(at()), any::<i64>()),
        inputs in vec(any::<(i32, i64, i64)>().prop_map(|(input, from, next)| InputRange { input, from, next }), 0..3),
        (fates, decisions, actions) in (vec(any::<i64>(), 0..3), any::<i64>(), any::<i64>()),
        (lead_entries, conversation_entries) in (packed_entries(lead().boxed()), packed_entries(conversation().boxed())),
        seen in vec((any::<i32>(), vec(any::<i64>(), 0..3)).prop_map(|(day, keys)| SeenDay { day, keys }), 0..3),
        disabled in vec((
            text(), text(), any::<i64>(), any::<bool>(),
            vec((boxed(), at()).prop_map(|(conversation, at)| LoopHit { conversation, at }), 0..3),
        ).prop_map(|(workspace, rule, version, disabled, hits)| DisabledRule { workspace, rule, version, hits, disabled }), 0..2),
        anchors in anchors(),
        spreads in vec((text(), any::<(i32, i32, i64)>()).prop_map(|(workspace, (shares, to, waiting))| Spread { workspace, shares, to, waiting }), 0..2),
    ) -> StateBlock<'static> {
        StateBlock {
            partition, sequence, chain, is_older: false, now, clock, rule_epoch, inputs, fates, decisions, actions, lead_entries, conversation_entries, seen, disabled, anchors, spreads,
        }
    }
}

fn anchors() -> impl Strategy<Value = Vec<Anchor>> {
    vec(any::<(i64, i32)>().prop_map(|(key, anchor)| Anchor { key, anchor }), 0..3)
}

prop_compose! {
    pub(crate) fn spread_step()(
        workspace in text(),
        kind in select(StepKind::ALL),
        (router, share, to, next) in any::<(i32, i32, i32, i64)>(),
        (lead_entries, conversation_entries) in (packed_entries(lead().boxed()), packed_entries(conversation().boxed())),
        anchors in anchors(),
    ) -> SpreadStep<'static> {
        SpreadStep { workspace, router, kind, share, to, next, lead_entries, conversation_entries, anchors }
    }
}
