//! karakuri-courier as a process behind its walls, against SeaweedFS (store, and lender of roles) and
//! moto (KMS). Faults come from proxies on loopback; credentials from a `credential_process` alone.
#![cfg(test)]

mod auditor;
mod bucket;
mod egress;
mod faults;
mod identity;
mod keys;
mod local;
mod parts;
mod proxy;
mod rig;
mod servers;
mod tls;
