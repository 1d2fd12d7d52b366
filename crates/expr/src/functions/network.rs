//! IP addresses and networks.

use std::net::IpAddr;

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::network::{Network, plain};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "ip",
        style: Style::Both,
        signatures: &["(string) -> net.IP", "(net.CIDR) -> net.IP"],
        run: ip,
    },
    Function {
        name: "isIP",
        style: Style::Global,
        signatures: &["(string) -> bool"],
        run: |cx, args| asked(cx, args, |text| Network::ip(text).is_ok()),
    },
    Function {
        name: "ip.isCanonical",
        style: Style::Global,
        signatures: &["(string) -> bool"],
        run: is_canonical,
    },
    Function {
        name: "cidr",
        style: Style::Global,
        signatures: &["(string) -> net.CIDR"],
        run: |cx, args| read(cx, args, Network::cidr),
    },
    Function {
        name: "isCIDR",
        style: Style::Global,
        signatures: &["(string) -> bool"],
        run: |cx, args| asked(cx, args, |text| Network::cidr(text).is_ok()),
    },
    Function {
        name: "family",
        style: Style::Member,
        signatures: &["(net.IP) -> int"],
        run: |_, args| Ok(Value::Int(if of_ip(args)?.is_ipv4() { 4 } else { 6 })),
    },
    Function {
        name: "isUnspecified",
        style: Style::Member,
        signatures: IS,
        run: |_, args| Ok(Value::Bool(of_ip(args)?.is_unspecified())),
    },
    Function {
        name: "isLoopback",
        style: Style::Member,
        signatures: IS,
        run: |_, args| Ok(Value::Bool(of_ip(args)?.is_loopback())),
    },
    Function {
        name: "isLinkLocalMulticast",
        style: Style::Member,
        signatures: IS,
        run: |_, args| Ok(Value::Bool(is_link_local_multicast(of_ip(args)?))),
    },
    Function {
        name: "isLinkLocalUnicast",
        style: Style::Member,
        signatures: IS,
        run: |_, args| Ok(Value::Bool(is_link_local_unicast(of_ip(args)?))),
    },
    Function {
        name: "isGlobalUnicast",
        style: Style::Member,
        signatures: IS,
        run: |_, args| Ok(Value::Bool(is_global_unicast(of_ip(args)?))),
    },
    Function {
        name: "containsIP",
        style: Style::Member,
        signatures: &["(net.CIDR, net.IP) -> bool", "(net.CIDR, string) -> bool"],
        run: |cx, args| contains(cx, args, Network::ip),
    },
    Function {
        name: "containsCIDR",
        style: Style::Member,
        signatures: &["(net.CIDR, net.CIDR) -> bool", "(net.CIDR, string) -> bool"],
        run: |cx, args| contains(cx, args, Network::cidr),
    },
    Function {
        name: "masked",
        style: Style::Member,
        signatures: &["(net.CIDR) -> net.CIDR"],
        run: |_, args| match args {
            [Value::Network(net @ Network::Cidr(..))] => Ok(Value::Network(net.masked())),
            _ => Err(Fault::NoOverload),
        },
    },
    Function {
        name: "prefixLength",
        style: Style::Member,
        signatures: &["(net.CIDR) -> int"],
        run: |_, args| match args {
            [Value::Network(Network::Cidr(_, bits))] => Ok(Value::Int(i64::from(*bits))),
            _ => Err(Fault::NoOverload),
        },
    },
];

const IS: &[&str] = &["(net.IP) -> bool"];

type Read = fn(&str) -> Result<Network, &'static str>;

fn ip(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    match args {
        [Value::Network(Network::Cidr(ip, _))] => Ok(Value::Network(Network::Ip(*ip))),
        _ => read(cx, args, Network::ip),
    }
}

fn read(cx: &mut Context<'_>, args: &[Value], how: Read) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_bytes(text.len())?;
    match how(text) {
        Ok(network) => Ok(Value::Network(network)),
        Err(why) => {
            let start: String = text.chars().take(60).collect();
            fail(format!("`{}` {why}", start.escape_debug()))
        }
    }
}

fn asked(cx: &mut Context<'_>, args: &[Value], is: fn(&str) -> bool) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_bytes(text.len())?;
    Ok(Value::Bool(is(text)))
}

fn is_canonical(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let value = read(cx, args, Network::ip)?;
    let is_same = matches!((args, &value), ([Value::String(text)], Value::Network(ip))
        if ip.to_string() == **text);
    Ok(Value::Bool(is_same))
}

fn contains(cx: &mut Context<'_>, args: &[Value], how: Read) -> Outcome {
    let [Value::Network(outer @ Network::Cidr(..)), inner] = args else {
        return Err(Fault::NoOverload);
    };
    let inner = match inner {
        Value::Network(inner) => *inner,
        other => match read(cx, std::slice::from_ref(other), how)? {
            Value::Network(inner) => inner,
            _ => return Err(Fault::NoOverload),
        },
    };
    Ok(Value::Bool(outer.contains(inner)))
}

/// The address, as IPv4 where it is one.
fn of_ip(args: &[Value]) -> Result<IpAddr, Fault> {
    match args {
        [Value::Network(Network::Ip(ip))] => Ok(plain(*ip)),
        _ => Err(Fault::NoOverload),
    }
}

fn is_link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    }
}

fn is_link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// As Go's `IsGlobalUnicast`, which Kubernetes uses: private addresses count.
fn is_global_unicast(ip: IpAddr) -> bool {
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !(is_broadcast
        || ip.is_unspecified()
        || ip.is_loopback()
        || ip.is_multicast()
        || is_link_local_unicast(ip))
}
