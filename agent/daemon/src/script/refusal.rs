//! What a script's last words say about a wall it met, and what would open it. A hint for the
//! author only: the words are the script's own.

use karakuri_workflow::manifest::FilesAccess;

const USED_UP: &str =
    "limits.processes and limits.memory_mb in workflow.toml bound what it may use";

/// The permission or the place that what was refused needs, if the words tell.
pub fn hint(last_words: &str, files: FilesAccess) -> Option<&'static str> {
    if last_words.ends_with("MemoryError") {
        return Some(USED_UP);
    }
    let errno = last_words.split_once("[Errno ")?.1.split_once(']')?.0;
    let about = |directory: &str| {
        let quoted = [format!("'{directory}'"), format!("'{directory}/")];
        quoted.iter().any(|text| last_words.contains(text.as_str()))
    };
    match (errno, files) {
        ("2", FilesAccess::None) if about("/files") => {
            Some("permissions.files = \"read\" or \"write\" in workflow.toml would show it /files")
        }
        ("1" | "13" | "30", FilesAccess::None | FilesAccess::Read) if about("/files") => {
            Some("permissions.files = \"write\" in workflow.toml would let it write to /files")
        }
        ("13", _) if ["/work", "/tmp", "/dev/shm"].into_iter().any(about) => Some(
            "what a script writes cannot be executed; put programs into the bundle, which is /bundle",
        ),
        ("30", _) => Some("only /work, /tmp, /dev/shm and, if granted, /files can be written to"),
        ("28" | "27", _) => {
            Some("limits.work_mb and limits.file_mb in workflow.toml bound its files")
        }
        ("11" | "12", _) => Some(USED_UP),
        ("1" | "38", _) => Some(
            "no permission grants this call to a script; `karakuri sandbox explain` lists what it \
             may do",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_what_would_grant_it() {
        let said = |words, files, part: &str| {
            let hint = hint(words, files).unwrap();
            assert!(hint.contains(part), "{words}: {hint}");
        };
        let none = FilesAccess::None;
        said(
            "FileNotFoundError: [Errno 2] No such file or directory: '/files/a'",
            none,
            "\"read\"",
        );
        let read_only = "OSError: [Errno 30] Read-only file system: '/files/a'";
        said(read_only, FilesAccess::Read, "\"write\"");
        said("PermissionError: [Errno 13] Permission denied: '/work/tool'", none, "/bundle");
        said("OSError: [Errno 30] Read-only file system: '/usr/x'", none, "/work");
        said("PermissionError: [Errno 1] Operation not permitted", none, "no permission grants");
        said("BlockingIOError: [Errno 11] Resource temporarily unavailable", none, "processes");
        said("MemoryError", none, "memory_mb");
        assert_eq!(hint("ValueError: 42", none), None);
        assert_eq!(hint("FileNotFoundError: [Errno 2] No such file: '/bundle/x'", none), None);
    }
}
