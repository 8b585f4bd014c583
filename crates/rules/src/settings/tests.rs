//! The registry and the defaults (D-8).

use super::Settings;
use crate::load;

fn settings(yaml: &str) -> Settings {
    let loaded = load("f", &format!("workspace: acme\nsettings: {yaml}\n"));
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    loaded.documents[0].settings().clone()
}

/// Proves D-8.
#[test]
fn the_default_registry_is_the_vendors_with_new_first() {
    let settings = Settings::default();
    assert_eq!(settings.first_status(), "new");
    let mut ids: Vec<&str> = settings.statuses().iter().map(|status| &*status.id).collect();
    ids.sort_unstable();
    let mut known = "pageview new contacted responded qualified hot proposal negotiation invoice won lost"
        .split(' ')
        .collect::<Vec<_>>();
    known.sort_unstable();
    assert_eq!(ids, known);
    assert_eq!(settings.status("purchase"), Some("won"));
    assert_eq!(settings.status("won"), Some("won"));
    assert_eq!(settings.status("New"), None, "ids are compared exactly (D-9)");
    assert_eq!((&*settings.currency, settings.locale.tag()), ("IDR", "id-ID"));
    assert_eq!(settings.timezone.iana_name(), Some("Asia/Jakarta"));
    assert!(!settings.strict_loops);
}

#[test]
fn an_own_registry_replaces_the_default_one() {
    let settings = settings("{statuses: [lead, {id: customer, aliases: [won], label: {en: Customer, id: Pelanggan}}]}");
    assert_eq!(settings.first_status(), "lead");
    assert_eq!(settings.status("won"), Some("customer"));
    assert_eq!(settings.status("new"), None);
    assert_eq!(settings.statuses()[1].labels[1], ("id".into(), "Pelanggan".into()));
}

#[test]
fn without_business_hours_nothing_is_closed() {
    assert_eq!(Settings::default().closed_since(kilat_domain::Timestamp(0)), None);
    let settings = settings("{timezone: UTC, business_hours: {thu: [[\"00:00\", \"12:00\"]]}}");
    // 1970-01-01 was a Thursday.
    let noon = kilat_domain::Timestamp(12 * 3_600_000);
    assert_eq!(settings.closed_since(kilat_domain::Timestamp(0)), None);
    assert_eq!(settings.closed_since(noon), Some(noon));
}

#[test]
fn a_workspace_is_spread_over_one_partition_unless_it_says_more_and_over_64_at_most() {
    assert_eq!(Settings::default().spread(), 1);
    assert_eq!(settings("{spread: 64}").spread(), 64);
    for bad in ["0", "65", "-1", "2.5", "many"] {
        let loaded = load("f", &format!("workspace: acme\nsettings: {{spread: {bad}}}\n"));
        let [found] = &loaded.diagnostics[..] else { panic!("{bad}: {:#?}", loaded.diagnostics) };
        assert!(["K0215", "K0103"].contains(&found.code), "{bad}: {found}");
    }
}
