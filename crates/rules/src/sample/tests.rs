//! Shares that are kept, alike every time.

use super::Sample;
use crate::load;

fn sample(share: &str) -> Option<Sample> {
    let text = format!("workspace: acme\nsettings: {{explain: {{sample: {share}}}}}\nrules: []\n");
    let loaded = load("sample.yaml", &text);
    loaded.documents.first().map(|document| {
        let again = load("again.json", &document.canonical_json());
        assert_eq!(again.documents[0].settings(), document.settings(), "{share}");
        document.settings().explain()
    })
}

#[test]
fn a_share_of_the_ids_is_taken_and_a_larger_share_takes_them_too() {
    let ids: Vec<String> = (0..10_000).map(|n| format!("wamid.{n}")).collect();
    let taken = |share: &str| -> Vec<bool> {
        let sample = sample(share).expect("a share");
        ids.iter().map(|id| sample.takes(id)).collect()
    };
    let count = |share: &str| taken(share).into_iter().filter(|taken| *taken).count();
    assert_eq!((count("0"), count("1"), count("1.0")), (0, 10_000, 10_000));
    // Four standard deviations of a fair choice.
    assert!((60..=140).contains(&count("0.01")), "{}", count("0.01"));
    assert!((4_800..=5_200).contains(&count("0.5")), "{}", count("0.5"));
    let (fewer, more) = (taken("0.01"), taken("0.5"));
    assert!(fewer.iter().zip(&more).all(|(fewer, more)| !fewer || *more));
}

#[test]
fn what_is_no_share_is_refused() {
    for share in ["2", "-0.1", "1.5", "half", "true"] {
        assert_eq!(sample(share), None, "{share}");
    }
}
