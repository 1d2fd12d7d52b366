//! base64 and JSON.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::value::{Bytes, Text, Value};

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "base64.encode",
        style: Style::Global,
        signatures: &["(bytes) -> string"],
        run: base64_encode,
    },
    Function {
        name: "base64.decode",
        style: Style::Global,
        signatures: &["(string) -> bytes"],
        run: base64_decode,
    },
    Function {
        name: "json.encode",
        style: Style::Global,
        signatures: &["(A) -> string"],
        run: json_encode,
    },
    Function {
        name: "json.decode",
        style: Style::Global,
        signatures: &["(string) -> dyn"],
        run: json_decode,
    },
];

/// Writes padding, reads with or without it, and leaves bits that make no byte alone. Line breaks are no part of it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn base64_encode(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::Bytes(bytes)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_string(bytes.len().saturating_mul(4) / 3)?;
    Ok(Value::String(Text::new(
        BASE64.encode(&**bytes),
        bytes.is_tainted(),
    )))
}

fn base64_decode(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_string(text.len())?;
    let unbroken: Vec<u8>;
    let letters = if text.contains(['\r', '\n']) {
        let letters = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n'));
        unbroken = letters.collect();
        &unbroken
    } else {
        text.as_bytes()
    };
    match BASE64.decode(letters) {
        Ok(bytes) => Ok(Value::Bytes(Bytes::new(bytes, text.is_tainted()))),
        Err(error) => fail(format!("not base64: {error}")),
    }
}

fn json_encode(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [value] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_items(value.weight() as usize)?;
    let text = value.to_json()?.to_string();
    cx.charge_string(text.len())?;
    Ok(Value::String(Text::new(text, value.is_tainted())))
}

fn json_decode(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text)] = args else {
        return Err(Fault::NoOverload);
    };
    cx.charge_items(text.len())?;
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(json) => {
            let value = Value::from_json(&json);
            Ok(if text.is_tainted() {
                value.tainted()
            } else {
                value
            })
        }
        Err(error) => fail(format!("not JSON: {error}")),
    }
}
