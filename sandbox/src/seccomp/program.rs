//! From a list's rules to the instructions of its filters; also part of the build script, which turns
//! the lists into programs.
//!
//! seccompiler compares the number with one rule after the other, five instructions a call. Every
//! process that installs a filter waits until the kernel has compiled it and has run it for every
//! number there is (`seccomp_cache_prepare` in kernel/seccomp.c), so its length is time before the
//! start. A call that is judged by its number alone is therefore found by bisection, and only what
//! looks at arguments is left to seccompiler's instructions:
//!
//! ```text
//! seccompiler: another architecture ends the process; load the number
//! bisection of the numbers without conditions: its leaves answer, or jump behind it
//! seccompiler: the whole program for the rules with conditions
//! ```

use std::collections::HashMap;

use seccompiler::{BpfProgram, TargetArch, sock_filter};
use serde_json::Value;

/// linux/bpf_common.h, with the operand in the instruction.
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;
/// What every program of seccompiler begins with: the architecture, and the number loaded.
const PROLOGUE: usize = 4;

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// seccompiler does not take the list.
    #[error("{0}")]
    Rules(#[from] seccompiler::Error),
    /// It made something else of the list than is known here.
    #[error("filter {0}: unexpected instructions; check the version of seccompiler")]
    Instructions(String),
}

/// Compiles every filter of a list that [`super::List::rules_for`] returned for the same `arch`.
///
/// # Errors
/// When the list is not in seccompiler's format.
pub fn compile(
    list: &Value,
    arch: TargetArch,
) -> Result<HashMap<String, BpfProgram>, CompileError> {
    let of = |conditions: bool| {
        let mut part = list.clone();
        let filters = part.as_object_mut().into_iter().flat_map(|filters| filters.values_mut());
        for rules in filters.filter_map(|filter| filter["filter"].as_array_mut()) {
            rules.retain(|rule| rule.get("args").is_some() == conditions);
        }
        seccompiler::compile_from_json(part.to_string().as_bytes(), arch)
    };
    let (by_number, mut by_argument) = (of(false)?, of(true)?);
    let programs = by_number.into_iter().map(|(name, plain)| {
        let program = by_argument.remove(&name).and_then(|rest| join(&plain, rest));
        Ok((name.clone(), program.ok_or(CompileError::Instructions(name))?))
    });
    programs.collect()
}

/// Bisects what `plain` compares one after the other, and goes on with `rest` for everything else.
fn join(plain: &[sock_filter], rest: BpfProgram) -> Option<BpfProgram> {
    let (prologue, rules) = plain.split_at_checked(PROLOGUE)?;
    let equal = |step: &&sock_filter| step.code == JUMP_EQUAL;
    let mut numbers: Vec<u32> = rules.iter().filter(equal).map(|step| step.k).collect();
    if numbers.is_empty() {
        return Some(rest);
    }
    // The last instruction is the answer to what no rule names.
    let answer = rules[..rules.len() - 1].iter().find(|step| step.code == RETURN)?;
    numbers.sort_unstable();
    let mut program = prologue.to_vec();
    program.extend(bisect(&stretches(&numbers), answer)?);
    let length = program.len();
    for (place, step) in program.iter_mut().enumerate().filter(|(_, step)| step.code == JUMP) {
        step.k = u32::try_from(length - place - 1).ok()?;
    }
    program.extend(rest);
    Some(program)
}

/// Numbers from `first` up to the next stretch.
#[derive(Debug)]
struct Stretch {
    first: u32,
    answered: bool,
}

fn stretches(sorted: &[u32]) -> Vec<Stretch> {
    let mut found = vec![Stretch { first: 0, answered: false }];
    for &number in sorted {
        match found.last_mut() {
            // The gap before it is empty.
            Some(last) if last.first == number => last.answered = true,
            _ => found.push(Stretch { first: number, answered: true }),
        }
        found.push(Stretch { first: number + 1, answered: false });
    }
    found.dedup_by(|next, last| next.answered == last.answered);
    found
}

/// A search tree; none where it is too large for its jumps.
fn bisect(stretches: &[Stretch], answer: &sock_filter) -> Option<BpfProgram> {
    if let [leaf] = stretches {
        let behind = sock_filter { code: JUMP, jt: 0, jf: 0, k: 0 };
        return Some(vec![if leaf.answered { answer.clone() } else { behind }]);
    }
    let (below, above) = stretches.split_at(stretches.len() / 2);
    let (low, high) = (bisect(below, answer)?, bisect(above, answer)?);
    let (jt, k) = (u8::try_from(low.len()).ok()?, above[0].first);
    let fork = sock_filter { code: JUMP_GREATER_OR_EQUAL, jt, jf: 0, k };
    Some([vec![fork], low, high].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seccomp::ALL;

    const LOAD: u16 = 0x20;
    const AND: u16 = 0x54;
    const JUMP_GREATER: u16 = 0x25;

    /// What a program answers to a call, as the kernel runs it. `data` is `struct seccomp_data`
    /// (linux/seccomp.h) as words.
    fn answer(program: &[sock_filter], data: [u32; 16]) -> u32 {
        let (mut at, mut register) = (0, 0);
        loop {
            let step = &program[at];
            let k = usize::try_from(step.k).unwrap();
            let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
            at += 1;
            match step.code {
                LOAD => register = data[k / 4],
                AND => register &= step.k,
                JUMP => at += k,
                JUMP_EQUAL => at += jump(register == step.k),
                JUMP_GREATER => at += jump(register > step.k),
                JUMP_GREATER_OR_EQUAL => at += jump(register >= step.k),
                RETURN => return step.k,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    #[test]
    fn it_answers_as_seccompilers_own_program_and_is_shorter() {
        // Numbers of both architectures, of x32 (bit 30), and the highest.
        let numbers = (0..1024).chain(0x4000_0000..0x4000_0400).chain([u32::MAX]);
        let numbers: Vec<u32> = numbers.collect();
        for (list, arch) in ALL.iter().flat_map(|list| [(list, "x86_64"), (list, "aarch64")]) {
            let rules = list.rules_for(arch).unwrap();
            let target = TargetArch::try_from(arch).unwrap();
            let ours = compile(&rules, target).unwrap();
            let text = rules.to_string();
            let theirs = seccompiler::compile_from_json(text.as_bytes(), target).unwrap();
            assert_eq!(ours.len(), theirs.len());
            for (name, program) in &ours {
                let whole = &theirs[name];
                assert!(program.len() < whole.len() || whole.len() < 100, "{name}");
                // AUDIT_ARCH of this architecture and of i386.
                for arch in [whole[1].k, 0x4000_0003] {
                    for (number, argument) in numbers
                        .iter()
                        .flat_map(|number| [(number, 0), (number, 2), (number, 0x5413)])
                    {
                        let mut data = [argument; 16];
                        (data[0], data[1]) = (*number, arch);
                        let (found, wanted) = (answer(program, data), answer(whole, data));
                        assert_eq!(found, wanted, "{name}: {number:#x}");
                    }
                }
            }
        }
    }
}
