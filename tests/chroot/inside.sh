#!/usr/bin/env bash
# The half of run.sh that lives in its own mount and process namespaces:
#   inside.sh NEW-ROOT USER MAKE-TARGET...     (USER is empty for root)
# Fills NEW-ROOT's mounts, makes it the root, and runs each target, timed.
set -euo pipefail

new_root="$1" user="$2"
shift 2

# Bound at the path it has outside, because rustup's toolchains may be links with absolute paths.
bind_read_only() {
    if [[ -d $1 ]]; then mkdir -p "$new_root$1"; else
        mkdir -p "$new_root${1%/*}"
        touch "$new_root$1"
    fi
    mount --bind "$1" "$new_root$1"
    mount -o remount,bind,ro "$new_root$1"
}

# pivot_root(2) wants a mount point; the binds below must land on this mount, not under it.
mount --bind "$new_root" "$new_root"

cargo_bin="$(dirname "$(command -v rustup)")"
rustup_home="${RUSTUP_HOME:-$HOME/.rustup}"
bind_read_only "$cargo_bin"
bind_read_only "$rustup_home"
# A user must be able to pass through root's home to a toolchain bound below it.
chmod a+x "$new_root/root"

# How this machine reaches its package registries: proxies, index settings, certificates. The
# bundle gets a name of its own: the package ca-certificates rewrites the usual one.
settings=()
bundle="${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"
if [[ -f $bundle ]]; then
    cp "$bundle" "$new_root/etc/host-ca.crt"
    for name in SSL_CERT_FILE PIP_CERT REQUESTS_CA_BUNDLE CARGO_HTTP_CAINFO; do
        settings+=("$name=/etc/host-ca.crt")
    done
fi
while IFS='=' read -r name value; do
    case "$name" in
    [Hh][Tt][Tt][Pp]_[Pp][Rr][Oo][Xx][Yy] | [Hh][Tt][Tt][Pp][Ss]_[Pp][Rr][Oo][Xx][Yy] | \
        [Nn][Oo]_[Pp][Rr][Oo][Xx][Yy] | PIP_INDEX_URL | PIP_DEFAULT_TIMEOUT | CARGO_REGISTRIES_* | CARGO_NET_* | \
        RUSTUP_AUTO_INSTALL | CI) settings+=("$name=$value") ;;
    esac
done < <(env)
[[ ! -f /etc/pip.conf ]] || cp /etc/pip.conf "$new_root/etc/pip.conf"

mount -t proc proc "$new_root/proc"
mount --rbind /sys "$new_root/sys"
mount --rbind /dev "$new_root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$new_root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$new_root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$new_root/run"

# A chroot may not make user namespaces (user_namespaces(7)); a pivoted root may, as on a machine.
cd "$new_root"
mkdir .outside
pivot_root . .outside
umount --lazy /.outside
rmdir /.outside

home=/root become=()
if [[ -n $user ]]; then
    home="/home/$user"
    become=(setpriv --reuid "$user" --regid "$user" --init-groups)
fi
cd "$home/karakuri"
for target in "$@"; do
    SECONDS=0
    status=0
    "${become[@]}" env --ignore-environment HOME="$home" LANG=C.UTF-8 TERM=dumb RUSTUP_HOME="$rustup_home" \
        PATH="$cargo_bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "${settings[@]}" \
        make "$target" </dev/null || status=$?
    echo "chroot: make $target ended with $status after ${SECONDS} s"
    ((status == 0)) || exit "$status"
done
