//! The files vision loads and the digests they must have.
//!
//! The digests are taken from `packaging/assets.lock` while this crate is compiled: a name that is
//! missing there, or a digest that is not 64 hexadecimal digits, does not compile. Each table is
//! read as set-up writes it: `name`, then `sha256`, one key a line. The test below holds this
//! reading against a full TOML parser.

const LOCK: &str = include_str!("../../../../packaging/assets.lock");

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// A file that vision loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asset {
    /// ONNX Runtime.
    Runtime,
    /// Text detection, PP-OCRv6 tiny.
    TinyDetection,
    /// Text recognition, PP-OCRv6 tiny.
    TinyRecognition,
    /// Characters of [`Asset::TinyRecognition`], one a line.
    TinyDictionary,
    /// Text recognition, PP-OCRv6 small.
    SmallRecognition,
    /// Characters of [`Asset::SmallRecognition`], one a line.
    SmallDictionary,
}

impl Asset {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Runtime,
        Self::TinyDetection,
        Self::TinyRecognition,
        Self::TinyDictionary,
        Self::SmallRecognition,
        Self::SmallDictionary,
    ];

    /// Its name in `packaging/assets.lock` and in the assets directory.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Runtime => "libonnxruntime.so",
            Self::TinyDetection => "ppocrv6-tiny-det.onnx",
            Self::TinyRecognition => "ppocrv6-tiny-rec.onnx",
            Self::TinyDictionary => "ppocrv6-tiny-dict.txt",
            Self::SmallRecognition => "ppocrv6-small-rec.onnx",
            Self::SmallDictionary => "ppocrv6-small-dict.txt",
        }
    }

    /// The asset of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|asset| asset.name() == name)
    }

    /// The SHA-256 that its bytes must have.
    #[must_use]
    pub const fn digest(self) -> &'static Digest {
        const fn pinned(asset: Asset) -> Digest {
            digest_of(LOCK.as_bytes(), asset.name().as_bytes())
        }
        match self {
            Self::Runtime => const { &pinned(Self::Runtime) },
            Self::TinyDetection => const { &pinned(Self::TinyDetection) },
            Self::TinyRecognition => const { &pinned(Self::TinyRecognition) },
            Self::TinyDictionary => const { &pinned(Self::TinyDictionary) },
            Self::SmallRecognition => const { &pinned(Self::SmallRecognition) },
            Self::SmallDictionary => const { &pinned(Self::SmallDictionary) },
        }
    }
}

/// The digest that follows `name = "<name>"` in `lock`.
const fn digest_of(lock: &[u8], name: &[u8]) -> Digest {
    let start = after(lock, 0, b"\nname = \"", name);
    let hex = after(lock, start, b"\nsha256 = \"", b"");
    assert!(hex <= after(lock, start, b"\n\n", b""), "sha256 must stand in the same table");
    let mut digest = [0; 32];
    let mut i = 0;
    while i < digest.len() {
        digest[i] = 16 * nibble(lock[hex + 2 * i]) + nibble(lock[hex + 2 * i + 1]);
        i += 1;
    }
    assert!(lock[hex + 64] == b'"', "a sha256 has 64 hexadecimal digits");
    digest
}

/// The place after `key` directly followed by `value` and, if there is a value, its closing quote.
const fn after(lock: &[u8], from: usize, key: &[u8], value: &[u8]) -> usize {
    let mut at = from;
    while at + key.len() + value.len() < lock.len() {
        let end = at + key.len() + value.len();
        let closed = value.is_empty() || lock[end] == b'"';
        if closed && holds(lock, at, key) && holds(lock, at + key.len(), value) {
            return end;
        }
        at += 1;
    }
    assert!(key.len() == 2, "packaging/assets.lock lacks a file that vision loads");
    lock.len()
}

const fn holds(lock: &[u8], at: usize, part: &[u8]) -> bool {
    let mut i = 0;
    while i < part.len() {
        if lock[at + i] != part[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn nibble(digit: u8) -> u8 {
    let hexadecimal = matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    assert!(hexadecimal, "a sha256 is written in lower case hexadecimal digits");
    if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_are_those_a_toml_parser_reads() {
        let lock: toml::Table = toml::from_str(LOCK).unwrap();
        for asset in Asset::ALL {
            let files = lock["file"].as_array().unwrap();
            let entry = files.iter().find(|f| f["name"].as_str() == Some(asset.name())).unwrap();
            let hex: String = asset.digest().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(entry["sha256"].as_str(), Some(hex.as_str()), "{}", asset.name());
        }
    }
}
