//! That the stand-ins refuse what real partners refuse.

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &[u8] = br#"{"test": 2432232314}"#;

fn headers(id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)] {
        headers.insert(name, value.parse().expect("a header value"));
    }
    headers
}

#[test]
fn the_published_example_of_a_signature_is_accepted() {
    // The worked example of the Svix documentation; `openssl dgst -sha256 -mac HMAC` computes the same.
    let signed = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        "v1,old= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
    assert_eq!(signed_id(SECRET, &signed, BODY, 1_614_265_330), Ok("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert_eq!(signed_id(SECRET, &signed, BODY, 1_614_265_330 + 301), Err("webhook-timestamp is too far off"));
    assert_eq!(signed_id(SECRET, &signed, b"{}", 1_614_265_330), Err("the signature does not match"));
    assert_eq!(signed_id("whsec_AAAA", &signed, BODY, 1_614_265_330), Err("the signature does not match"));
    assert_eq!(signed_id(SECRET, &HeaderMap::new(), BODY, 0), Err("no webhook-id"));
}

#[test]
fn whatsapp_events_need_the_click_and_an_allowed_name() {
    let event = |name: &str, user: Value| {
        json!({"event_name": name, "event_time": 1_795_143_600, "event_id": "a1", "action_source": "business_messaging",
            "messaging_channel": "whatsapp", "user_data": user})
    };
    let user = json!({"whatsapp_business_account_id": "20000", "ctwa_clid": "Af1"});
    assert_eq!(capi_in_order(&[event("LeadSubmitted", user.clone())]), Ok(()));
    assert!(capi_in_order(&[]).is_err());
    assert!(capi_in_order(&[event("Lead", user.clone())]).is_err());
    assert!(capi_in_order(&[event("Purchase", user)]).is_err(), "no currency");
    assert!(capi_in_order(&[event("LeadSubmitted", json!({"ctwa_clid": "Af1"}))]).is_err());
}

#[test]
fn misbehaviour_depends_on_seed_key_and_attempt_only_and_ends_with_the_third() {
    let moods = |book: &mut Book, keys: &mut dyn Iterator<Item = u32>| {
        let mut moods: Vec<(u32, Mood)> =
            keys.map(|key| (key, book.take(Partner::Webhook, &format!("action-{key}")))).collect();
        moods.sort_unstable();
        moods
    };
    let (mut one, mut two) = (Book::new(1), Book::new(1));
    assert_eq!(moods(&mut one, &mut (0..2000)), moods(&mut two, &mut (0..2000).rev()));
    assert_eq!(moods(&mut one, &mut (0..2000)), moods(&mut two, &mut (0..2000).rev()));
    assert!(moods(&mut one, &mut (0..2000)).iter().all(|(_, mood)| *mood == Mood::Takes));
    let tally = *one.tally(Partner::Webhook);
    assert_eq!(tally.requests, 6000);
    assert_eq!(tally.taken, 2000, "everything is taken in the end, once");
    assert_eq!(tally.taken + tally.repeated + tally.throttled + tally.broken, tally.requests);
    assert!(tally.throttled > 0 && tally.broken > 0 && tally.silent > 0);
}
