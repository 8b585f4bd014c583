//! Sides are fixed for ever, and shared out evenly.

use super::side;

/// Proves F-222.
#[test]
fn anybody_can_work_a_side_out_again() {
    // python3 -c 'int.from_bytes(hashlib.sha256(b"greeting:wa:628123456789").digest()[:8], "big") % 100'
    assert_eq!(side("greeting", "wa:628123456789"), 2);
    assert_eq!(side("greeting", "wa:628123456788"), 46);
    assert_eq!(side("price", "wa:628123456789"), 93, "each split divides the leads in its own way");
}

#[test]
fn a_half_of_the_sides_is_a_half_of_the_leads() {
    let first = (0..10_000).filter(|n| side("greeting", &format!("wa:62812{n:07}")) < 50).count();
    // The same count by the line above.
    assert_eq!(first, 4_935);
}
