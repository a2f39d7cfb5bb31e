//! Which characters names in a manifest may have.

/// Which characters a name may have.
#[derive(Clone, Copy)]
pub(super) struct NameRule {
    first: fn(char) -> bool,
    rest: fn(char) -> bool,
    /// What is told of a name that breaks it.
    pub(super) text: &'static str,
}

impl NameRule {
    pub(super) fn holds(self, name: &str) -> bool {
        name.len() <= 64
            && name.starts_with(self.first)
            && name.chars().all(|c| (self.first)(c) || (self.rest)(c))
    }
}

pub(super) const WORKFLOW_NAME: NameRule = NameRule {
    first: |c| c.is_ascii_lowercase(),
    rest: |c| c.is_ascii_digit() || c == '-',
    text: "must be lower-case letters, digits and `-`, start with a letter, at most 64 characters",
};
pub(super) const KEY_NAME: NameRule = NameRule {
    first: |c| c.is_ascii_lowercase(),
    rest: |c| c.is_ascii_digit() || matches!(c, '_' | '.'),
    text: "must be lower-case letters, digits, `_` and `.`, start with a letter, at most 64 characters",
};
pub(super) const PROGRAM_NAME: NameRule = NameRule {
    first: |c| c.is_ascii_alphanumeric(),
    rest: |c| matches!(c, '-' | '_' | '.' | '+'),
    text: "must be the name of a program in /usr/bin, without a directory or arguments",
};
