#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes .venv ready on a machine that has git, make and Python 3.11 or newer. Called by the Makefile.
#   setup.sh run    what `nicmedic` itself needs
#   setup.sh dev    also what `make test` needs
#   setup.sh lock   renew requirements-dev.txt with the newest versions
# PYTHON=/path/to/python3 chooses the interpreter.

set -eu
cd "$(dirname "$0")/.."
venv=.venv
log=$venv/setup.log

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# Runs a command whose output matters only if it fails.
quietly() {
    "$@" >>"$log" 2>&1 || {
        status=$?
        tail -n 30 "$log" >&2
        printf 'setup: failed with status %s: %s\n' "$status" "$*" >&2
        exit "$status"
    }
}

# apt_install PACKAGE...: as root, or through sudo; false if there is no way (then $by_hand is what to type).
apt_install() {
    by_hand="apt-get update && apt-get install -y $*"
    command -v apt-get >/dev/null || return 1
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        by_hand="sudo apt-get update && sudo apt-get install -y $*"
        command -v sudo >/dev/null || return 1
        as_root=sudo
        [ -t 0 ] || as_root='sudo -n'
    fi
    say "installing $*"
    # shellcheck disable=SC2086 # two words on purpose
    {
        $as_root apt-get -qq update &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
    } >"${TMPDIR:-/tmp}/nicmedic-apt.$$" 2>&1 </dev/null || {
        tail -n 20 "${TMPDIR:-/tmp}/nicmedic-apt.$$" >&2
        rm -f "${TMPDIR:-/tmp}/nicmedic-apt.$$"
        return 1
    }
    rm -f "${TMPDIR:-/tmp}/nicmedic-apt.$$"
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for python in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$python" >/dev/null && new_enough "$python"; then
            return 0
        fi
    done
    fail "no Python 3.11 or newer found (python3 is: $(python3 --version 2>&1 || true))" \
        "install one (Debian 12 and newer: apt-get install python3), or name it: make ${1:-test} PYTHON=/path/to/python3"
}

make_venv() { # FOLDER
    rm -rf "$1"
    # Debian's python3 lacks ensurepip until python3-venv is there.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install "python$version-venv" || fail "this Python cannot make a virtual environment; type this, then make again:" \
            "    $by_hand"
    fi
    "$python" -m venv "$1" || fail "$python -m venv $1 failed"
}

system_tools() {
    missing=
    for pair in journalctl:systemd /lib/systemd/systemd-journal-remote:systemd-journal-remote busybox:busybox \
        bzip2:bzip2 xz:xz-utils zip:zip zstd:zstd unshare:util-linux script:bsdutils udevadm:udev \
        grub-script-check:grub-common grub-emu:grub-emu mke2fs:e2fsprogs; do
        command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
    done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # a list of packages
    install_or_tell $missing
}

# By itself: some distributions have no such package, and the others shall come all the same.
browser() {
    for program in chromium chromium-browser google-chrome; do
        ! command -v "$program" >/dev/null || return 0
    done
    install_or_tell chromium
}

# The virtual machines' tools; the list is lab/debian-packages.txt.
lab_tools() {
    [ "$(uname -m)" = x86_64 ] || return 0
    missing=$("$venv/bin/python" -m lab missing) || fail "python -m lab missing failed"
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # a list of packages
    install_or_tell $missing
}

install_or_tell() { # PACKAGE...
    apt_install "$@" || {
        say "the tests that need these will be skipped: $*"
        say "to have them, type: $by_hand"
    }
}

dev_group() { "$1/bin/python" -c '
import tomllib
with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["dependency-groups"]["dev"], sep="\n")'; }

install_nicmedic() { # PIP-OPTION...
    # --only-binary: where there is no wheel, compiling the scanner would take long and need a tool chain.
    if ! "$venv/bin/pip" install -q "$@" --only-binary hyperscan -e '.[fast]' >>"$log" 2>&1; then
        quietly "$venv/bin/pip" install -q "$@" -e .
        say "hyperscan cannot be had for this machine: going on without it (same answers, slower on large logs)"
    fi
    # An editable install leaves compiling to the first run, which PYTHONDONTWRITEBYTECODE would make every run.
    "$venv/bin/python" -m compileall -q src
}

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
case ${1:-} in
run | dev)
    find_python "$1"
    if [ ! -x $venv/bin/pip ] || ! new_enough $venv/bin/python; then
        say "making $venv with $("$python" --version)"
        make_venv $venv
    fi
    : >$log
    if [ "$1" = run ]; then
        say "installing nicmedic into $venv"
        install_nicmedic
    else
        system_tools
        browser
        say "installing nicmedic and what its tests need into $venv"
        install_nicmedic -c requirements-dev.txt
        dev_group $venv >$venv/dev-group.txt
        quietly $venv/bin/pip install -q -c requirements-dev.txt -r $venv/dev-group.txt
        lab_tools
        touch $venv/.ready-run
    fi
    touch "$venv/.ready-$1"
    ;;
lock)
    find_python lock
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    make_venv "$scratch/venv"
    log=$scratch/log
    dev_group "$scratch/venv" >"$scratch/dev-group.txt"
    quietly "$scratch/venv/bin/pip" install -q -r "$scratch/dev-group.txt" -e '.[fast]'
    {
        printf '# The versions that make test runs with; made by "make lock". Not what nicmedic needs: that is in pyproject.toml.\n'
        "$scratch/venv/bin/pip" freeze -q --exclude nicmedic | grep '=='
    } >"$scratch/requirements-dev.txt"
    mv "$scratch/requirements-dev.txt" requirements-dev.txt
    ;;
*) fail "usage: tools/setup.sh run|dev|lock" ;;
esac
