#!/usr/bin/env bash
# Proves the README's commands on a Debian in which nothing was installed before:
#   tests/chroot/run.sh [--user] [--work-tree] bookworm|trixie MAKE-TARGET...
# Boots nothing: a minimal root file system (mmdebstrap, plus make), this machine's kernel, its Rust
# toolchain bound in read-only, and a fresh clone of HEAD. All of it lives in mount and process
# namespaces of its own, which take mounts and processes with them when this script ends.
#   --user       as a user with sudo instead of root
#   --work-tree  the files of the work tree instead of HEAD
# Needs root, mmdebstrap, git, rustup and the network.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
readonly INSIDE="$root/tests/chroot/inside.sh"

usage() {
    sed -n '2,/^set /{/^#/s/^# \?//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
}

as_user='' source_tree=HEAD
while [[ ${1:-} == --* ]]; do
    case "$1" in
    --user) as_user=newcomer ;;
    --work-tree) source_tree=work-tree ;;
    *) usage ;;
    esac
    shift
done
(($# >= 2)) || usage
suite="$1"
shift

for tool in mmdebstrap git rustup unshare; do
    command -v "$tool" >/dev/null || { echo "chroot: $tool is missing: install it first" >&2; exit 1; }
done
((EUID == 0)) || { echo "chroot: needs root for its namespaces and mounts" >&2; exit 1; }

scratch="$(mktemp -d "${TMPDIR:-/var/tmp}/karakuri-chroot.XXXXXX")"
inner=''
# The mounts are seen by the inner process only: what is removed here is what was made here.
# shellcheck disable=SC2317 # called by the trap
clean_up() {
    if [[ -n $inner ]]; then
        # unshare ignores milder signals; the process namespace dies with it (--kill-child).
        kill -KILL "$inner" 2>/dev/null || true
        wait "$inner" || true
    fi
    rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
chmod 0755 "$scratch"
new_root="$scratch/root"

# The mirror this machine itself uses, and how it reaches it (proxies, certificates, clocks).
# shellcheck disable=SC2016 # apt-get fills these in
mirror="$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' | awk '$1 == "Debian" {print $2; exit}')"
apt-config dump | grep --extended-regexp '^Acquire::(http|https|Check)' >"$scratch/apt.conf" || true

SECONDS=0
packages='make'
[[ -z $as_user ]] || packages+=',sudo'
mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt="$scratch/apt.conf" \
    "$suite" "$new_root" "$mirror"
cp "$scratch/apt.conf" "$new_root/etc/apt/apt.conf.d/90host"
cp --dereference /etc/resolv.conf /etc/hosts "$new_root/etc/"
echo "chroot: $suite made in ${SECONDS} s, $(du --summarize --block-size=1M "$new_root" | cut -f 1) MiB"

home="$new_root/root"
if [[ -n $as_user ]]; then
    home="$new_root/home/$as_user"
    chroot "$new_root" useradd --create-home --shell /bin/bash "$as_user"
    echo "$as_user ALL=(ALL) NOPASSWD: ALL" >"$new_root/etc/sudoers.d/$as_user"
fi
if [[ $source_tree == HEAD ]]; then
    git clone --quiet --no-hardlinks "$root" "$home/karakuri"
else
    mkdir "$home/karakuri"
    git -C "$root" ls-files -z --cached --others --exclude-standard |
        tar --directory "$root" --create --null --files-from=- --ignore-failed-read |
        tar --directory "$home/karakuri" --extract
fi
[[ -z $as_user ]] || chroot "$new_root" chown -R "$as_user:" "/home/$as_user/karakuri"

# In the background, so that a signal to this script is acted on at once.
unshare --mount --propagation private --pid --fork --kill-child \
    "$INSIDE" "$new_root" "$as_user" "$@" &
inner=$!
status=0
wait "$inner" || status=$?
inner=''
echo "chroot: $suite ${as_user:-root}: make $*: $( ((status == 0)) && echo passed || echo "failed ($status)")"
exit "$status"
