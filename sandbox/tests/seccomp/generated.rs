//! What follows from the JSON: for every rule, every condition and every number.

use karakuri_sandbox::seccomp::{self, List};

use crate::ask::ANSWERS;
use crate::cases;
use crate::rules::Filter;

fn each_filter(check: impl Fn(&List, &'static str, &Filter)) {
    for list in &seccomp::ALL {
        for name in list.filters() {
            check(list, name, &Filter::of(list, name));
        }
    }
}

#[test]
fn every_rule_matches_a_call_that_meets_its_conditions() {
    each_filter(|_, name, filter| {
        for rule in &filter.rules {
            for fill in [0, u64::MAX] {
                let met = cases::witness(rule, fill);
                assert!(ANSWERS.matched(name, &met), "{name}: {rule:?} does not match {met:x?}");
            }
        }
    });
}

#[test]
fn no_condition_is_without_effect() {
    each_filter(|_, name, filter| {
        for rule in filter.rules.iter().filter(|rule| !rule.conditions.is_empty()) {
            for condition in &rule.conditions {
                // What one rule refuses another may allow, but not whatever the other arguments are.
                let refused = [0, u64::MAX].into_iter().any(|fill| {
                    let met = cases::witness(rule, fill);
                    cases::violations(rule, &met).iter().any(|call| {
                        call.1[condition.index] != met.1[condition.index]
                            && !ANSWERS.matched(name, call)
                    })
                });
                assert!(refused, "{name}: {rule:?}: {condition:?} refuses nothing");
            }
        }
    });
}

#[test]
fn the_kernel_answers_every_call_as_the_rules_say() {
    each_filter(|_, name, filter| {
        for call in ANSWERS.calls() {
            let expected = filter.matches(call);
            assert_eq!(ANSWERS.matched(name, call), expected, "{name}: {call:x?}");
        }
    });
}

/// The monitor's filter stays in force for all that it starts, and the one for karakuri-desktop's
/// start for its later life: what is missing there nobody can have.
#[test]
fn an_inherited_list_allows_what_the_lists_after_it_allow() {
    let pairs = seccomp::ALL.iter().skip(1).map(|list| (&seccomp::MONITOR, list));
    for (inherited, later) in pairs.chain([(&seccomp::START, &seccomp::DESKTOP)]) {
        for call in ANSWERS.calls() {
            let needed = ANSWERS.allowed(later, call);
            assert!(
                !needed || ANSWERS.allowed(inherited, call),
                "{call:x?} is in {:?} but not in {:?}",
                later.filters(),
                inherited.filters(),
            );
        }
    }
}

/// A call for i386 has other numbers: where the machine has that entry, it ends the process.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_call_for_another_architecture_kills() {
    use serde_json::json;

    use crate::ask::{Ended, hex, python, verdicts};
    let enter = |program: &str| -> Ended {
        let question = json!({"program": program, "calls": [[0, [0, 0, 0, 0, 0, 0]]]});
        python("ask.py", &["i386"], &question)
    };
    if enter("").answers == [0] {
        // A kernel without the entry needs no wall there.
        return;
    }
    each_filter(|list, name, _| {
        let ended = enter(&hex(&verdicts(list, name)));
        assert_eq!((ended.signal, ended.answers), (libc::SIGSYS, vec![0]), "{name}");
    });
}
