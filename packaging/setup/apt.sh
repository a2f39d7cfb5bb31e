#!/usr/bin/env bash
# Installs the Debian packages of the named lists: setup/apt.sh run build test check
# Only what is missing; where nothing is, apt is not called. Needs root or sudo then.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=packaging/setup/report.sh
source "$here/report.sh"

lists=("${@/%/.txt}")
mapfile -t wanted < <(cd "$here/../apt" && sed 's/#.*//; /^[[:space:]]*$/d' "${lists[@]}" | sort --unique)
((${#wanted[@]} > 0)) || { echo "setup: no packages in the lists $*" >&2; exit 1; }

# dpkg-query fails for a name it never heard of, and still prints the others.
installed="$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)"
missing=()
for package in "${wanted[@]}"; do
    grep --quiet --line-regexp --fixed-strings "installed $package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    fine "Debian packages of the lists $*"
    exit 0
fi

as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        problem "Debian packages are missing and this is not root" "they are: ${missing[*]}" \
            "as root: apt-get install --no-install-recommends ${missing[*]}"
        exit 1
    fi
    as_root=(sudo)
fi
echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
# Wait for another apt instead of failing; a machine being set up often runs one.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q -y)
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
for step in "update" "install --no-install-recommends ${missing[*]}"; do
    # shellcheck disable=SC2086 # a step is a list of words: package names hold no spaces
    if ! "${apt[@]}" $step >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        problem "apt-get ${step%% *} failed" "see its last lines above" \
            "mend what it says (sources, network, held packages), then call again"
        exit 1
    fi
done
