//! What is read from the machine: the time, randomness, and who sits here.

use anyhow::Result;
use model::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time now.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// 64 random bits.
///
/// # Errors
/// When the system has none.
pub(crate) fn random() -> Result<u64> {
    Ok(server::local::random()?)
}

/// Who asks: the user's name, or number.
pub(crate) fn person() -> String {
    let name = std::env::var("USER").ok().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}
