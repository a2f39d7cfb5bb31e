#!/usr/bin/env bash
# Prints the toolchain rustup shall use, or nothing when rust-toolchain.toml decides.
# The pin keeps lints and formatting the same for everyone. A machine that lacks the pinned
# version but has a default toolchain at least as new builds with that one: nothing is downloaded
# that is not needed, and a machine without network still builds.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
command -v rustup >/dev/null || exit 0
pin="$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$root/rust-toolchain.toml")"
installed="$(rustup toolchain list 2>/dev/null || true)"
grep -q "^$pin-" <<<"$installed" && exit 0

default="$(awk '/default/ {print $1; exit}' <<<"$installed")"
[[ -n $default ]] || exit 0
version="$(rustup run "$default" rustc --version | awk '{print $2}')"
oldest="$(printf '%s\n' "$pin" "${version%%-*}" | sort --version-sort | head -n 1)"
[[ $oldest != "$pin" ]] || echo "$default"
