//! IP addresses and networks, as Kubernetes' CEL library knows them.
//!
//! Source of the rules: the conformance file `network_ext` and <https://kubernetes.io/docs/reference/using-api/cel>.
//! An IPv6 address that holds an IPv4 one equals that IPv4 address, but may not be written with dots. Zones are
//! refused: they mean something on one machine only.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An address or a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// An address: `192.168.0.1`.
    Ip(IpAddr),
    /// An address and how many of its bits name the network: `192.168.0.0/24`.
    Cidr(IpAddr, u8),
}

impl Network {
    /// The address that the text is; the error is a fragment.
    pub fn ip(text: &str) -> Result<Self, &'static str> {
        Ok(Self::Ip(address(text)?))
    }

    /// The network that the text is; the error is a fragment.
    pub fn cidr(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "is not an address, a slash and the number of bits";
        let (ip, bits) = text.split_once('/').ok_or(WRONG)?;
        let ip = address(ip)?;
        let is_plain = bits.bytes().all(|byte| byte.is_ascii_digit())
            && (bits == "0" || !bits.starts_with('0'));
        match bits.parse::<u8>() {
            Ok(bits) if is_plain && bits <= length(ip) => Ok(Self::Cidr(ip, bits)),
            Ok(_) | Err(_) => Err(WRONG),
        }
    }

    /// The address.
    pub fn address(self) -> IpAddr {
        match self {
            Self::Ip(ip) | Self::Cidr(ip, _) => ip,
        }
    }

    /// The network with the bits behind its length set to zero; an address stays what it is.
    #[must_use]
    pub fn masked(self) -> Self {
        match self {
            Self::Ip(_) => self,
            Self::Cidr(ip, bits) => Self::Cidr(first(ip, bits), bits),
        }
    }

    /// Whether everything in `other` is in it too.
    pub fn contains(self, other: Self) -> bool {
        let (inner, inner_bits) = match other {
            Self::Ip(ip) => (plain(ip), length(plain(ip))),
            Self::Cidr(ip, bits) => (ip, bits),
        };
        match self {
            Self::Ip(_) => self.equals(other),
            Self::Cidr(ip, bits) => {
                ip.is_ipv4() == inner.is_ipv4()
                    && bits <= inner_bits
                    && first(ip, bits) == first(inner, bits)
            }
        }
    }

    /// The language's `==`.
    pub fn equals(self, other: Self) -> bool {
        match (self, other) {
            (Self::Ip(a), Self::Ip(b)) => plain(a) == plain(b),
            (Self::Cidr(..), Self::Cidr(..)) => self == other,
            (Self::Ip(_), Self::Cidr(..)) | (Self::Cidr(..), Self::Ip(_)) => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
                // Written with dots it could not be read again.
                let segments = ip.segments();
                write!(f, "::ffff:{:x}:{:x}", segments[6], segments[7])?;
            }
            ip => write!(f, "{ip}")?,
        }
        match self {
            Self::Ip(_) => Ok(()),
            Self::Cidr(_, bits) => write!(f, "/{bits}"),
        }
    }
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    if text.contains('%') {
        return Err("has a zone, which is not allowed");
    }
    let ip = text.parse().map_err(|_| "is not an IP address")?;
    match ip {
        IpAddr::V6(_) if text.contains('.') => {
            Err("is an IPv4 address written as IPv6, which is not allowed")
        }
        IpAddr::V4(_) | IpAddr::V6(_) => Ok(ip),
    }
}

/// The IPv4 address that an IPv6 address holds, else the address.
pub(crate) fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// Bits of an address.
fn length(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with all but the first bits set to zero.
fn first(ip: IpAddr, bits: u8) -> IpAddr {
    let rest = u32::from(length(ip).saturating_sub(bits));
    match ip {
        IpAddr::V4(ip) => {
            let kept = u32::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V4((u32::from(ip) & kept).into())
        }
        IpAddr::V6(ip) => {
            let kept = u128::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(ip) & kept))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_the_same() {
        for text in ["127.0.0.1", "::1", "2001:db8::68", "::ffff:c0a8:1"] {
            assert_eq!(Network::ip(text).unwrap().to_string(), text);
        }
        for text in ["0.0.0.0/0", "10.1.2.3/8", "2001:db8::/32", "::/0"] {
            assert_eq!(Network::cidr(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn zones_dots_in_ipv6_and_bits_out_of_range_are_refused() {
        assert!(Network::ip("fe80::1%en0").is_err());
        assert!(Network::ip("::ffff:1.2.3.4").is_err());
        for text in [
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0",
            "/8",
        ] {
            assert!(Network::cidr(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_holds_itself_and_what_is_smaller() {
        let whole = Network::cidr("0.0.0.0/0").unwrap();
        let net = Network::cidr("10.1.0.0/16").unwrap();
        assert!(whole.contains(net) && net.contains(net) && !net.contains(whole));
        assert!(net.contains(Network::ip("10.1.255.255").unwrap()));
        assert!(!net.contains(Network::ip("10.2.0.0").unwrap()));
        assert!(!whole.contains(Network::ip("::1").unwrap()));
        let loose = Network::cidr("10.1.2.3/16").unwrap();
        assert_eq!(loose.masked(), net);
    }
}
