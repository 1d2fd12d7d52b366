//! What the machine has for tasks.

use model::plan::Resources;
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;

/// The CPUs and the memory of the machine. Nothing is known of other things that tasks may ask for.
#[must_use]
pub fn resources() -> Resources {
    Resources {
        cpu_milli: cpus().saturating_mul(1000),
        memory_bytes: memory_bytes(),
        counted: BTreeMap::new(),
    }
}

/// The CPUs that this process may use.
#[must_use]
pub fn cpus() -> u32 {
    let cpus = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(cpus).unwrap_or(u32::MAX)
}

/// The memory of the machine, or what its control group may take if that is less.
fn memory_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total(&text))
        .unwrap_or(u64::MAX);
    let bounds = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let bounds = bounds.into_iter().filter_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        text.trim().parse::<u64>().ok()
    });
    bounds.fold(machine, u64::min)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts_memory_in_kib() {
        let text = "MemTotal:       16384 kB\nMemFree:  1 kB\n";
        assert_eq!(total(text), Some(16 * 1024 * 1024));
    }
}
