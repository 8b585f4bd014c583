//! D-27's vectors.

use super::{canonical, whatsapp_lead_id};

/// Proves F-31 and D-27.
#[test]
fn every_spelling_of_a_number_is_one_number() {
    for spelling in [
        "628123456789",
        "+62 812-3456-789",
        "+62 (812) 3456 789",
        "0062 812 3456 789",
        "628123456789@s.whatsapp.net",
        "628123456789:12@s.whatsapp.net",
        "628123456789.0:3@s.whatsapp.net",
        "628123456789@c.us",
        "wa:628123456789",
        "whatsapp:+628123456789",
        "tel:+62-812-3456-789",
        " 628123456789 ",
        "+62\u{2011}812\u{a0}3456 789",
    ] {
        assert_eq!(canonical(spelling, None), "628123456789", "{spelling:?}");
        assert_eq!(whatsapp_lead_id(spelling), "wa:628123456789");
    }
    assert_eq!(canonical("0812-3456-789", Some("62")), "628123456789");
    assert_eq!(canonical("0812-3456-789", None), "08123456789");
}

/// Proves D-27.
#[test]
fn a_hidden_number_keeps_its_own_id_without_the_device() {
    assert_eq!(canonical("123456789012345@lid", None), "123456789012345@lid");
    assert_eq!(canonical("123456789012345:7@lid", None), "123456789012345@lid");
}

#[test]
fn what_is_no_number_stays_as_it_is() {
    for id in
        ["120363025246125486@g.us", "status@broadcast", "agent-7", "budi", "", "12", "ID.1234abcd", "@s.whatsapp.net"]
    {
        assert_eq!(canonical(id, Some("62")), id.trim(), "{id:?}");
    }
}

#[test]
fn no_number_is_longer_than_e164_allows() {
    assert_eq!(canonical("+1234567890123456", None), "+1234567890123456");
    assert_eq!(canonical("+123456789012345", None), "123456789012345");
}
