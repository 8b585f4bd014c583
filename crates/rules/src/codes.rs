//! Every code a rule file can be answered with.
//!
//! In: nothing. Out: one [`Code`] per kind of finding, with its severity and a page's first line.
//! CO-1: a code never changes its meaning and is never used again after it is dropped.
//! CO-2: every code has a fixture under `golden/codes/` that triggers it and nothing else.
//! Groups: K00 the text, K01 its structure, K02 names and types, K03 limits, K04 references, K05 patterns and money,
//! K06 rules that load and probably do not do what is meant.

use crate::diagnostic::Severity;

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `K` and four digits.
    pub code: &'static str,
    /// Its name in JSON output and in talk.
    pub name: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// A rule file that it is found in, and nothing else.
    pub example: &'static str,
}

macro_rules! codes {
    ($($severity:ident { $($name:ident = $code:literal $slug:literal: $meaning:literal;)+ })+) => {
        $($(
            #[doc = $meaning]
            pub(crate) const $name: &Code =
                &Code {
                    code: $code,
                    name: $slug,
                    severity: Severity::$severity,
                    meaning: $meaning,
                    example: include_str!(concat!("../golden/codes/", $code, ".yaml")),
                };
        )+)+

        /// Every code.
        pub const ALL: &[&Code] = &[$($($name,)+)+];
    };
}

codes! {
    Error {
        SYNTAX = "K0001" "syntax": "The text is neither YAML nor JSON.";
        DUPLICATE_KEY = "K0002" "duplicate_key": "A key stands twice in one object, so one of the two values would be lost.";
        FILE_TOO_LARGE = "K0003" "file_too_large": "The file is larger, deeper or holds more values than a rule file may.";
        UNKNOWN_ANCHOR = "K0004" "unknown_anchor": "An alias refers to an anchor that is not complete where the alias stands.";

        UNKNOWN_KEY = "K0101" "unknown_key": "A key is not part of the rule language.";
        MISSING_KEY = "K0102" "missing_key": "A key that cannot be left out is absent.";
        WRONG_TYPE = "K0103" "wrong_type": "A value has the wrong type.";
        BAD_ID = "K0104" "bad_id": "A rule id is not `[a-z0-9][a-z0-9_-]{0,63}`.";
        DUPLICATE_ID = "K0105" "duplicate_id": "Two rules of one workspace have the same id.";
        DUPLICATE_WORKSPACE = "K0106" "duplicate_workspace": "Two documents of one file are for the same workspace.";

        UNKNOWN_TRIGGER = "K0201" "unknown_trigger": "A trigger is not the name of an event type.";
        UNKNOWN_FIELD = "K0202" "unknown_field": "A field is not part of the rule language.";
        UNKNOWN_OPERATOR = "K0203" "unknown_operator": "An operator is not part of the rule language.";
        OPERATOR_NOT_FOR_TYPE = "K0204" "operator_not_for_type": "An operator does not work on the type of this field (D-16).";
        WRONG_VALUE = "K0205" "wrong_value": "The value of a condition does not fit its field and operator (D-16).";
        UNKNOWN_WORD = "K0206" "unknown_word": "A word is not one of those this place knows.";
        UNKNOWN_ACTION = "K0207" "unknown_action": "An action's type is not part of the rule language.";
        UNKNOWN_STATUS = "K0208" "unknown_status": "A lead status is not in the workspace's registry (D-8).";
        UNKNOWN_COUNTRY = "K0209" "unknown_country": "A country is not an ISO 3166-1 alpha-2 code.";
        BAD_TIME = "K0210" "bad_time": "A time, a date or a window of time cannot be read.";
        BAD_DURATION = "K0211" "bad_duration": "A duration cannot be read.";
        UNKNOWN_TIMEZONE = "K0212" "unknown_timezone": "A time zone is not an IANA name.";
        BAD_CURRENCY = "K0213" "bad_currency": "A currency is not an ISO 4217 code.";
        NO_BUSINESS_HOURS = "K0214" "no_business_hours": "A rule asks for business hours and the settings have none.";
        OUT_OF_RANGE = "K0215" "out_of_range": "A number is outside its range.";
        BAD_REGISTRY = "K0216" "bad_registry": "The status registry names one status or alias twice, or is empty.";
        BAD_PARAM = "K0217" "bad_param": "A param is declared wrongly, or its value does not fit its type.";
        UNKNOWN_PARAM = "K0218" "unknown_param": "Something names a param that the document does not declare.";
        BAD_HISTORY = "K0219" "bad_history": "A condition on history lacks what it needs, or asks for what no past message has.";

        TOO_MANY_CONDITIONS = "K0301" "too_many_conditions": "A rule has more conditions than it may (F-224).";
        TOO_MANY_ACTIONS = "K0302" "too_many_actions": "A rule has more actions than it may (F-225).";
        TOO_DEEP = "K0303" "too_deep": "Groups of conditions nest deeper than they may (D-12).";
        TOO_LONG = "K0304" "too_long": "A text or a list is longer than it may be.";

        UNKNOWN_ENDPOINT = "K0401" "unknown_endpoint": "An action goes to an endpoint that the document does not declare.";
        WRONG_ENDPOINT = "K0402" "wrong_endpoint": "An action goes to an endpoint of a kind that cannot do it.";
        MISSING_PIXEL = "K0403" "missing_pixel": "A conversion event has no Conversions API endpoint to go to (F-111).";
        LITERAL_SECRET = "K0404" "literal_secret": "A secret stands in the file instead of a reference to it.";
        BAD_ENDPOINT = "K0405" "bad_endpoint": "An endpoint lacks what its kind needs, or has an address that cannot be used.";

        BAD_PATTERN = "K0501" "bad_pattern": "A pattern cannot be compiled, or is too large (D-6).";
        PATTERN_WITHOUT_GROUP = "K0502" "pattern_without_group": "A pattern that extracts has no group to extract (F-73).";
        BAD_TARGET = "K0503" "bad_target": "The target of an extraction cannot take its value.";
        BROKEN_PRESET = "K0504" "broken_preset": "The pattern is a preset whose classes were lost in print and which matches nothing (D-1).";
        CORPUS_BROKEN = "K0505" "corpus_broken": "A preset, a pattern or a condition does not do with the texts of its corpus what the corpus says.";
    }
    Warning {
        DERIVED_ID = "K0601" "derived_id": "A rule has no id; one is derived from its name and changes with it.";
        BIDIRECTIONAL_SEND = "K0602" "bidirectional_send": "A rule answers both sides of the conversation, its own team included (F-72).";
        NEVER_MATCHES = "K0603" "never_matches": "A condition can never hold.";
        NO_DESTINATION = "K0604" "no_destination": "An action has no endpoint that could take it; it will fail when its time comes.";
        NO_ACTIONS = "K0605" "no_actions": "A rule does nothing when it fires.";
        UNKNOWN_TOKEN = "K0606" "unknown_token": "A template names a field that does not exist; it renders as nothing (D-70).";
        UNSIGNED_WEBHOOK = "K0607" "unsigned_webhook": "A webhook has no secret, so its receiver cannot tell who sent it.";
        GROUP_NOT_ALLOWED = "K0608" "group_not_allowed": "A rule for group chats changes leads and does not allow it (D-26).";
        CONTRADICTION = "K0610" "contradiction": "Conditions of one rule can never hold together, so the rule never fires.";
        ALWAYS_HOLDS = "K0611" "always_holds": "A condition always holds, by itself or wherever another one of its rule does, so it decides nothing.";
        NOT_BROUGHT = "K0612" "not_brought": "A condition asks for something that none of the rule's triggers brings.";
        CONTAINED_KEYWORD = "K0613" "contained_keyword": "A keyword is found wherever another one of its list is found, so it adds nothing.";
        BROAD_KEYWORD = "K0614" "broad_keyword": "A keyword is a single letter or digit, which nearly every message contains.";
        ANSWERS_ITSELF = "K0615" "answers_itself": "A rule answers messages of bots or automations, its own among them.";
        UNREACHABLE_RULE = "K0616" "unreachable_rule": "A rule is never reached: one before it stops the pass and holds wherever it does.";
        CONFLICTING_WRITES = "K0617" "conflicting_writes": "One event can make two actions that undo each other (F-217).";
        CYCLE = "K0618" "cycle": "Rules cause each other without an end (F-185); the loop guard will take them out of service (D-38).";
        DUPLICATE_RULE = "K0619" "duplicate_rule": "Two rules are the same but for their names.";
        NO_EVENT_SOURCE = "K0620" "no_event_source": "No connected channel can bring the messages that a rule waits for (F-85).";
        NEAR_LIMIT = "K0621" "near_limit": "Something is close to a limit that it may not exceed.";
        SPREAD_GROUP = "K0622" "spread_group": "A rule changes leads from group chats in a workspace whose leads are spread over partitions.";
        EVERY_WORKSPACE = "K0609" "every_workspace": "A document with rules names no workspace, so its rules hold for all that have none of their own.";
    }
}

/// The code of this name, such as `K0102`.
pub fn find(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|known| known.code.eq_ignore_ascii_case(code)).copied()
}

#[cfg(test)]
mod tests;
