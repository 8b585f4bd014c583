//! Which addresses may be connected to.
//!
//! Input: an IP address. Output: why it is refused, or nothing. IPv4 addresses inside IPv6 ones (mapped) are unwrapped
//! first; IPv6 ranges that carry an IPv4 address otherwise (6to4, NAT64, Teredo, compatible) are refused as a whole.
//! Absent: names and URLs (`client.rs`). Source: IANA special-purpose address registries and the list in PARTNERS.md part 9.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges that are not public: network, prefix length, what it is.
const IPV4_REFUSED: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared (carrier NAT)"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, LOOPBACK),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved or broadcast"),
];

const IPV6_REFUSED: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    // Also the unspecified address.
    (Ipv6Addr::UNSPECIFIED, 96, "IPv4-compatible or unspecified"),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, "NAT64"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "local NAT64"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "discard"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments (Teredo, benchmarking, ORCHID)"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, "segment routing"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "private"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

const LOOPBACK: &str = "loopback";

/// Why an address is refused; `None` where it may be connected to.
pub(crate) fn refusal(address: IpAddr, allow_loopback: bool) -> Option<&'static str> {
    let found = match address.to_canonical() {
        IpAddr::V4(v4) => IPV4_REFUSED
            .iter()
            .find(|(network, prefix, _)| {
                let mask = u32::MAX << (32 - prefix);
                v4.to_bits() & mask == network.to_bits()
            })
            .map(|range| range.2),
        IpAddr::V6(v6) => IPV6_REFUSED
            .iter()
            .find(|(network, prefix, _)| {
                let mask = u128::MAX << (128 - prefix);
                v6.to_bits() & mask == network.to_bits()
            })
            .map(|range| range.2),
    };
    found.filter(|what| !(allow_loopback && *what == LOOPBACK))
}

#[cfg(test)]
mod tests;
