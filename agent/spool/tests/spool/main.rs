//! The spool through its public functions: on a disk that records, fails and loses what was not
//! synced.
#![cfg(test)]

mod corruption;
mod disk;
mod faults;
mod lifecycle;
mod model;
mod oracle;
mod power_loss;
mod quota;
mod rig;
