#!/usr/bin/env bash
# Installs the Debian packages of the named lists: setup/apt.sh run build test check
# Only what is missing; where nothing is, apt is not called. Needs root or sudo then.
# A line `a|b` is what two versions of Debian call the same: either is enough.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=packaging/setup/report.sh
source "$here/report.sh"

lists=("${@/%/.txt}")
mapfile -t wanted < <(cd "$here/../apt" && sed 's/#.*//; /^[[:space:]]*$/d' "${lists[@]}" | sort --unique)
((${#wanted[@]} > 0)) || { echo "setup: no packages in the lists $*" >&2; exit 1; }

# Servers that Debian starts with the machine once their package is there. Only benchmarks start them,
# each for itself; nobody who measures wants a port opened.
declare -A servers=([xrdp.service]=xrdp [xrdp-sesman.service]=xrdp)

# dpkg-query fails for a name it never heard of, and still prints the others.
mapfile -t names < <(printf '%s\n' "${wanted[@]//|/$'\n'}")
installed="$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "${names[@]}" 2>/dev/null || true)"
is_installed() {
    grep --quiet --line-regexp --fixed-strings "${@/#/--regexp=installed }" <<<"$installed"
}
missing=()
for package in "${wanted[@]}"; do
    IFS='|' read -ra names <<<"$package"
    is_installed "${names[@]}" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    fine "Debian packages of the lists $*"
    exit 0
fi

as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        problem "Debian packages are missing and this is not root" "they are: ${missing[*]}" \
            "as root: apt-get install --no-install-recommends ${missing[*]%%|*}"
        exit 1
    fi
    as_root=(sudo)
fi
echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
# Wait for another apt instead of failing; a machine being set up often runs one.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q -y)
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
must() {
    local what="$1"
    shift
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        problem "$what failed" "see its last lines above" \
            "mend what it says (sources, network, held packages), then call again"
        exit 1
    fi
}
must "apt-get update" "${apt[@]}" update
chosen=()
for package in "${missing[@]}"; do
    IFS='|' read -ra names <<<"$package"
    for name in "${names[@]}"; do
        [[ $name != "${names[-1]}" ]] && ! apt-cache show "$name" >/dev/null 2>&1 && continue
        chosen+=("$name")
        break
    done
done
for unit in "${!servers[@]}"; do
    [[ " ${chosen[*]} " == *" ${servers[$unit]} "* ]] || continue
    echo "setup: $unit stays off (systemctl unmask $unit turns it on)"
    must "masking $unit" "${as_root[@]}" ln -sf /dev/null "/etc/systemd/system/$unit"
done
must "apt-get install" "${apt[@]}" install --no-install-recommends "${chosen[@]}"
