//! Which addresses are of the public internet. Not here: what follows for the others (`guard`).
//!
//! The table is IANA's registries of special-purpose addresses: what is listed there as not globally reachable, and what leads
//! to such an address in disguise. An address that carries an IPv4 one inside is judged by neither half: it is refused, but for
//! the well-known prefix of translators (RFC 6052), which is how names resolve in a network without IPv4.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, as far as reaching it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of the public internet.
    Public,
    /// Of this machine or its own network, or what local proxies and closed networks give to hosts of elsewhere: reached where the
    /// person named the host.
    Near(&'static str),
    /// Never reached: what lends credentials of the machine, speaks to many, or is a disguise.
    Never(&'static str),
}

use Kind::{Near, Never, Public};

/// This is a table: network, length of the prefix, what it is.
const V4: &[(Ipv4Addr, u32, Kind)] = &[
    (Ipv4Addr::UNSPECIFIED, 8, Never("no host")),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Near("a private network")),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Near("a provider's own network")),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Near("this machine")),
    // Where clouds hand out a machine's credentials.
    (Ipv4Addr::new(169, 254, 0, 0), 16, Never("a link-local address")),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Near("a private network")),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Never("a reserved address")),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Near("an address for documentation")),
    (Ipv4Addr::new(192, 31, 196, 0), 24, Never("a reserved address")),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Never("a reserved address")),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Never("a relay of 6to4")),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Near("a private network")),
    (Ipv4Addr::new(192, 175, 48, 0), 24, Never("a reserved address")),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Near("an address for benchmarks")),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Near("an address for documentation")),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Near("an address for documentation")),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Never("a multicast address")),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Never("a reserved address")),
];

/// This is a table: network, length of the prefix, what it is.
const V6: &[(Ipv6Addr, u32, Kind)] = &[
    (Ipv6Addr::LOCALHOST, 128, Near("this machine")),
    // Unspecified, and IPv4-compatible and IPv4-mapped addresses.
    (Ipv6Addr::UNSPECIFIED, 64, Never("an IPv4 address in disguise, or no host")),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Never("a translator's own network")),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, Never("a discarded address")),
    // Teredo, benchmarks, ORCHID and the rest of the special assignments.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Never("a tunnel, or a reserved address")),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Near("an address for documentation")),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Never("a tunnel (6to4)")),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Near("an address for documentation")),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Never("a segment routing network")),
    // Among them the metadata service of a cloud.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Never("a metadata service")),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Near("a private network")),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Never("a link-local address")),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Never("a site-local address")),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Never("a multicast address")),
];

/// The prefix of translators: the last 32 bits are the IPv4 address that is meant.
const TRANSLATED: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// What is global unicast at all: everything else of IPv6 is not given out.
const UNICAST: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);

/// Returns what an address is.
pub(crate) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => of_v6(address),
    }
}

fn of_v4(address: Ipv4Addr) -> Kind {
    let within =
        |network: Ipv4Addr, length: u32| (address.to_bits() ^ network.to_bits()).leading_zeros() >= length;
    V4.iter().find(|(network, length, _)| within(*network, *length)).map_or(Public, |row| row.2)
}

fn of_v6(address: Ipv6Addr) -> Kind {
    let within =
        |network: Ipv6Addr, length: u32| (address.to_bits() ^ network.to_bits()).leading_zeros() >= length;
    if within(TRANSLATED, 96) {
        let [.., a, b, c, d] = address.octets();
        return match of_v4(Ipv4Addr::new(a, b, c, d)) {
            Public => Public,
            Near(_) | Never(_) => Never("an IPv4 address in disguise"),
        };
    }
    let found = V6.iter().find(|(network, length, _)| within(*network, *length));
    found.map_or(if within(UNICAST, 3) { Public } else { Never("an address that nobody has") }, |row| row.2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(address: &str) -> Kind {
        kind(address.parse().unwrap())
    }

    #[test]
    fn what_is_not_public_is_known_by_the_first_and_the_last_of_each_network() {
        for (network, length, expected) in V4 {
            let last = network.to_bits() | (u32::MAX.checked_shr(*length).unwrap_or(0));
            for bits in [network.to_bits(), last] {
                let address = Ipv4Addr::from_bits(bits);
                assert_eq!(kind(address.into()), *expected, "{address}");
                assert!(matches!(kind(address.to_ipv6_mapped().into()), Never(_)), "{address} mapped");
                assert!(matches!(kind(address.to_ipv6_compatible().into()), Never(_) | Near(_)), "{address}");
                let translated = Ipv6Addr::from_bits(TRANSLATED.to_bits() | u128::from(bits));
                assert!(matches!(kind(translated.into()), Never(_)), "{translated}");
                let tunnelled = Ipv6Addr::from_bits((0x2002 << 112) | (u128::from(bits) << 80));
                assert!(matches!(kind(tunnelled.into()), Never(_)), "{tunnelled}");
            }
        }
        for (network, length, expected) in V6 {
            let last = network.to_bits() | u128::MAX.checked_shr(*length).unwrap_or(0);
            assert_ne!(kind(Ipv6Addr::from_bits(last).into()), Public, "{network}");
            if *network != Ipv6Addr::UNSPECIFIED {
                assert_eq!(kind((*network).into()), *expected, "{network}");
            }
        }
    }

    #[test]
    fn just_beside_each_network_it_is_public_again() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "93.184.215.14",
            "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "64:ff9b::5db8:d70e",
        ] {
            assert_eq!(check(address), Public, "{address}");
        }
    }

    #[test]
    fn the_ones_that_attacks_use() {
        assert_eq!(check("127.0.0.1"), Near("this machine"));
        assert_eq!(check("::1"), Near("this machine"));
        assert_eq!(check("192.168.1.1"), Near("a private network"));
        assert_eq!(check("fd12::1"), Near("a private network"));
        assert_eq!(check("198.18.0.7"), Near("an address for benchmarks"));
        assert_eq!(check("203.0.113.7"), Near("an address for documentation"));
        for address in [
            "169.254.169.254",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::",
            "0.0.0.0",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "fe80::1",
            "ff02::1",
            "224.0.0.1",
            "255.255.255.255",
            "4000::1",
        ] {
            assert!(matches!(check(address), Never(_)), "{address}");
        }
    }

    proptest! {
        /// What the standard library knows of an address is never contradicted: it says less, and is older than the table.
        #[test]
        fn nothing_that_the_standard_library_calls_special_is_public(bits in any::<u32>(), high in any::<u128>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified();
            prop_assert!(!special || kind(v4.into()) != Public);
            let v6 = Ipv6Addr::from_bits(high);
            let special = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified() || v6.is_unique_local()
                || v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some();
            prop_assert!(!special || kind(v6.into()) != Public);
        }
    }
}
