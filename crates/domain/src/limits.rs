//! How much the state keeps of what events say, so that no sender makes a lead that fits no record.
//!
//! A record of the log holds 1 MiB (Kafka's default). A lead or a conversation is written whole, and stays well below that
//! whatever is said of it, in one event or in many: longer texts are kept up to their limit, and members and attributes
//! beyond it are left out. Rules see what the state keeps.

/// Longest text kept of one fact, in bytes.
pub const FACT_BYTES_MAX: usize = 8 << 10;
/// Most bytes the members of one set have together.
pub const SET_BYTES_MAX: usize = 32 << 10;
/// Most bytes the custom attributes of one lead or conversation have together.
pub const ATTRIBUTES_BYTES_MAX: usize = 64 << 10;

/// As much of a text as is kept.
pub fn kept(text: &str) -> &str {
    &text[..text.floor_char_boundary(FACT_BYTES_MAX)]
}
