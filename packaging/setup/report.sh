# shellcheck shell=bash
# How the set-up scripts speak; sourced by them.

# problem WHAT WHY MEND: one finding that stops the set-up.
problem() {
    printf 'problem: %s\n  why:  %s\n  mend: %s\n' "$1" "$2" "$3" >&2
}

# fine WHAT: one check that passed; shown by `make doctor` only.
fine() {
    [[ -z ${KARAKURI_DOCTOR:-} ]] || printf 'ok: %s\n' "$1"
}
