//! Money as Meta wants it.

use kilat_domain::Money;
use serde_json::json;

use super::major_units;

#[test]
fn amounts_are_in_major_units_by_iso_4217() {
    let cases = [
        (15_000_000, "IDR", json!(150_000)),
        (150_050, "IDR", json!(1500.5)),
        (1_999, "USD", json!(19.99)),
        (500, "JPY", json!(500)),
        (1_500, "KWD", json!(1.5)),
        (-250, "EUR", json!(-2.5)),
    ];
    for (minor, currency, expected) in cases {
        assert_eq!(major_units(&Money { minor, currency: currency.into() }), expected, "{minor} {currency}");
    }
}
