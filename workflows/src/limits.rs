//! The resources of a run: one table of names, defaults and hard ceilings.
//!
//! [`LimitTable`] is the same table with another content in each place: what stands in a manifest
//! (`Option<Spanned<u64>>`), what it asks for (`Option<u32>`), what a run gets ([`Limits`]).

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident = $default:literal, at most $ceiling:literal;)*) => {
        /// One value for each limit.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, bound(deserialize = "T: Default + Deserialize<'de>"))]
        pub struct LimitTable<T> {
            $($(#[doc = $doc])* pub $name: T,)*
        }

        /// The names, in the order of the table.
        pub const NAMES: &[&str] = &[$(stringify!($name),)*];

        /// What a run gets when its manifest does not say.
        pub const DEFAULTS: Limits = LimitTable { $($name: $default,)* };

        /// What no manifest and no policy can exceed.
        pub const CEILINGS: Limits = LimitTable { $($name: $ceiling,)* };

        impl<T> LimitTable<T> {
            /// Applies `f` to each limit and its name, in the order of the table.
            ///
            /// # Errors
            /// The first that `f` returns.
            pub fn try_map<U, E>(
                self,
                mut f: impl FnMut(&'static str, T) -> Result<U, E>,
            ) -> Result<LimitTable<U>, E> {
                Ok(LimitTable { $($name: f(stringify!($name), self.$name)?,)* })
            }

            /// The limit called `name`, if there is one.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<&T> {
                match name {
                    $(stringify!($name) => Some(&self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

/// What a run gets.
pub type Limits = LimitTable<u32>;
/// What a manifest asks for; the default where it does not say.
pub type AskedLimits = LimitTable<Option<u32>>;

limits! {
    /// Wall time of the run, in seconds.
    wall_s = 600, at most 14_400;
    /// Processor time of the script, in seconds.
    cpu_s = 120, at most 3_600;
    /// Share of the processors for the script, in percent of one, where a cgroup can be had.
    cpu_percent = 100, at most 6_400;
    /// Memory of the script with the files it writes to `/work`, `/files`, `/tmp` and `/dev/shm`, in
    /// MiB; without a cgroup, private memory of each process.
    memory_mb = 512, at most 8_192;
    /// What the script may print to stdout and stderr together, in KiB.
    output_kb = 1_024, at most 65_536;
    /// How many acts (clicks, keys, launches…) the run may carry out.
    actions = 2_000, at most 100_000;
    /// How many acts in any one second.
    actions_per_s = 50, at most 200;
    /// Processes and threads of the script at one time.
    processes = 32, at most 512;
    /// The largest file the script may write, in MiB.
    file_mb = 64, at most 1_024;
    /// The size of `/work` and of `/files`, in MiB each.
    work_mb = 128, at most 4_096;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_within_its_ceiling_and_every_name_is_found() {
        for name in NAMES {
            let (default, ceiling) = (DEFAULTS.get(name), CEILINGS.get(name));
            assert!(default.is_some() && default <= ceiling, "{name}");
        }
        assert_eq!(DEFAULTS.get("wall"), None);
    }
}
