//! The calls that are put to every filter.

use std::collections::BTreeSet;

use crate::rules::{Call, Filter, Rule, number_of};

/// Beyond the newest call there is, so that new ones are asked about too.
const NUMBERS: std::ops::RangeInclusive<i64> = 0..=511;
/// uretprobe and uprobe of x86_64: the kernel does not show them to filters, and ends a process that
/// makes them outside of a probe with SIGILL (`seccomp_uprobe_exception`, Linux 6.14).
const UNFILTERED: &[i64] = if cfg!(target_arch = "x86_64") { &[335, 336] } else { &[] };
/// Marks a call as one of the x32 ABI, which shares the architecture of x86_64 (`__X32_SYSCALL_BIT`).
const X32: i64 = 0x4000_0000;
/// What arguments without a condition are filled with.
const FILLS: [u64; 2] = [0, u64::MAX];

/// Every number, and every rule of `filters` with its conditions met and with each single bit of
/// them violated.
pub(crate) fn of<'a>(filters: impl Iterator<Item = &'a Filter>) -> BTreeSet<Call> {
    let mut calls = BTreeSet::new();
    for number in NUMBERS.filter(|number| !UNFILTERED.contains(number)) {
        calls.extend(FILLS.map(|fill| Call(number, [fill; 6])));
        calls.insert(Call(number | X32, [0; 6]));
    }
    for rule in filters.flat_map(|filter| &filter.rules) {
        for fill in FILLS {
            let met = witness(rule, fill);
            calls.insert(met);
            calls.extend(violations(rule, &met));
        }
    }
    calls
}

/// A call that meets all conditions of `rule`; the bits no condition looks at are those of `fill`,
/// so that a comparison of 32 bits also meets an argument with its high half set.
pub(crate) fn witness(rule: &Rule, fill: u64) -> Call {
    let mut arguments = [fill; 6];
    for condition in &rule.conditions {
        let argument = &mut arguments[condition.index];
        *argument = *argument & !condition.mask() | condition.value & condition.mask();
    }
    Call(number_of(&rule.syscall).unwrap(), arguments)
}

/// `met` with each bit that a condition looks at turned over, one at a time.
pub(crate) fn violations(rule: &Rule, met: &Call) -> Vec<Call> {
    let mut calls = Vec::new();
    for condition in &rule.conditions {
        for bit in (0..u64::BITS).map(|bit| 1u64 << bit).filter(|bit| condition.mask() & bit != 0) {
            let mut call = *met;
            call.1[condition.index] ^= bit;
            calls.push(call);
        }
    }
    calls
}
