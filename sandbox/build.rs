//! Compiles the lists of system calls for the target, so that no process has to when it starts. One
//! file for each filter: its instructions as `struct sock_filter` (linux/filter.h), little-endian.

#[expect(unreachable_pub, reason = "public in the library, which has the same file")]
#[path = "src/seccomp/program.rs"]
mod program;
#[path = "src/seccomp/rules.rs"]
mod rules;

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use seccompiler::TargetArch;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/seccomp");
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for entry in fs::read_dir("src/seccomp")? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let json = rules::for_arch(&fs::read_to_string(&path)?, &arch).map_err(|e| failed(&e))?;
        let target = TargetArch::try_from(arch.as_str()).map_err(|e| failed(&e))?;
        let filters = program::compile(&json, target).map_err(|e| failed(&e))?;
        for (name, program) in filters {
            let mut bytes = Vec::new();
            for instruction in program {
                bytes.extend(instruction.code.to_le_bytes());
                bytes.extend([instruction.jt, instruction.jf]);
                bytes.extend(instruction.k.to_le_bytes());
            }
            fs::write(out.join(format!("{name}.bpf")), bytes)?;
        }
    }
    Ok(())
}
