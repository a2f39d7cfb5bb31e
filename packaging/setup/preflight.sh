#!/usr/bin/env bash
# Checks that this machine can build and run Karakuri, before anything is installed.
# Each failed check prints what, why and the mend; all are shown, then the exit code is 1.
# Needs only what Debian marks essential (bash, perl-base, util-linux, coreutils).
set -uo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
# shellcheck source=packaging/setup/report.sh
source "$here/report.sh"

readonly KERNEL_MIN=6.12 LANDLOCK_MIN=6 RUST_MIN=1.95
# What a whole build and its tests leave in the target directory, with room to spare.
readonly BUILD_GIB=6 ASSETS_GIB=1

failed=0
fail() {
    problem "$@"
    failed=1
}

# at_least WANTED SEEN: compares version numbers.
at_least() {
    [[ $(printf '%s\n' "$1" "$2" | sort --version-sort | head -n 1) == "$1" ]]
}

check_machine() {
    local arch
    arch="$(uname -m)"
    if [[ $arch == x86_64 ]]; then
        fine "processor is $arch"
    else
        fail "the processor is $arch" "the locked ONNX Runtime is built for x86_64 only" \
            "use an x86_64 machine"
    fi
}

check_distribution() {
    local id version name
    # shellcheck source=/dev/null
    read -r id version name < <(. /etc/os-release && echo "${ID:-?} ${VERSION_ID:-?} ${PRETTY_NAME:-?}")
    if [[ $id == debian && ($version == 12 || $version == 13) ]]; then
        fine "distribution is $name"
    else
        fail "the distribution is $name" \
            "package names and versions are known for Debian 12 and 13 only" "use Debian 12 or 13"
    fi
}

check_kernel() {
    local kernel
    kernel="$(uname -r)"
    if at_least "$KERNEL_MIN" "${kernel%%-*}"; then
        fine "kernel is $kernel"
    else
        fail "the kernel is $kernel" "the sandbox needs Linux $KERNEL_MIN or later" \
            "on Debian 12 enable bookworm-backports, 'apt install -t bookworm-backports linux-image-amd64' and reboot"
    fi
}

check_landlock() {
    local abi
    # landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) is system call 444 on x86_64.
    abi="$(perl -e 'print syscall(444, 0, 0, 1)')"
    if ((abi >= LANDLOCK_MIN)); then
        fine "Landlock ABI is $abi"
    elif ((abi > 0)); then
        fail "Landlock has ABI $abi" "the sandbox needs ABI $LANDLOCK_MIN (signal and socket scopes)" \
            "boot a kernel $KERNEL_MIN or later"
    else
        fail "Landlock is not enabled" "it is one of the sandbox's walls and none may be missing" \
            "add 'landlock' to the kernel's lsm= boot parameter (a container's seccomp profile can forbid it too)"
    fi
}

check_namespaces() {
    local how=(--user --map-root-user)
    ((EUID != 0)) || how=()
    if unshare "${how[@]}" --mount --pid --net --ipc --uts --fork true 2>/dev/null; then
        fine "namespaces can be made"
    elif ((EUID == 0)); then
        fail "root may not make namespaces here" "each run lives in namespaces of its own" \
            "give the container CAP_SYS_ADMIN, or use a virtual machine"
    else
        fail "user namespaces are not allowed" "without root each run lives in user namespaces" \
            "'sysctl user.max_user_namespaces=15000' (and kernel.unprivileged_userns_clone=1 where it exists), or run as root"
    fi
}

check_rust() {
    local version
    if ! command -v rustc >/dev/null; then
        fail "rustc is not in PATH" "Karakuri is built from source" \
            "install rustup (https://rustup.rs), or put ~/.cargo/bin into PATH"
        return
    fi
    if ! version="$(cd "$root" && rustc --version 2>&1)"; then
        fail "rustc does not answer: ${version%%$'\n'*}" "Karakuri is built from source" \
            "'rustup toolchain install' in this directory"
        return
    fi
    version="$(awk '{print $2}' <<<"$version")"
    if ! at_least "$RUST_MIN" "${version%%-*}"; then
        fail "rustc is $version" "the workspace needs $RUST_MIN or later" "rustup update stable"
    elif ! (cd "$root" && cargo --version) >/dev/null 2>&1; then
        fail "cargo does not answer" "it builds the workspace" "'rustup toolchain install' in this directory"
    else
        fine "rustc is $version"
    fi
}

# check_space DIRECTORY GIB WHAT
check_space() {
    local directory="$1" free
    while [[ ! -d $directory ]]; do directory="$(dirname "$directory")"; done
    free="$(df --output=avail --block-size=1G "$directory" | tail -n 1)"
    if ((free >= $2)); then
        fine "$directory has ${free//[[:space:]]/} GiB free for $3"
    else
        fail "$directory has ${free//[[:space:]]/} GiB free" "$3 needs about $2 GiB" \
            "free some space, or set ${4} to a directory on a larger disk"
    fi
}

check_machine
check_distribution
check_kernel
check_landlock
check_namespaces
check_rust
# A target directory that was built in has most of its size already.
[[ -d ${CARGO_TARGET_DIR:?}/release ]] || check_space "$CARGO_TARGET_DIR" "$BUILD_GIB" "the build" CARGO_TARGET_DIR
check_space "${KARAKURI_ASSETS:?}" "$ASSETS_GIB" "ONNX Runtime and the models" KARAKURI_ASSETS
exit "$failed"
