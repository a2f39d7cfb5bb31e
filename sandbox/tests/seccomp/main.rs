//! The lists of system calls, as the kernel understands them.
//!
//! Every rule, every condition of a rule and every call number is put to the compiled filters. For
//! that their actions are replaced: a call that would be allowed is answered with one errno, a
//! refused one with another, so that no call of these tests ever reaches the kernel, however wrong
//! a filter may be. What is expected is worked out from the JSON by [`rules`] and, where it matters
//! most, written out by hand in [`walls`]. [`programs`] then runs real programs under the real
//! filters. Needs /usr/bin/python3 and bash.
#![cfg(test)]

mod ask;
mod cases;
mod generated;
mod programs;
mod rules;
mod walls;
