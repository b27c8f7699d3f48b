#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later

# ---- The undo of one transaction ----

usage="usage: sh undo.sh [operator|switch|probes|failure|boot]   undoes this transaction; switch: once its time is over"

# The folder in which this script stands is that of its transaction.
find_folder() {
    case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
    resolve "$here" || return 1
    here=$resolved
    number=${here##*/}
    [ -f "$here/undo.sh" ] && [ -f "$here/plan.json" ]
}

# All changes that were begun, the newest first, then what stood on the card.
undo_changes() {
    if [ -n "$journal_known" ] && [ "$begun" = ' ' ]; then return; fi # nothing was begun
    if ! raise_card; then
        failed_steps="$lost_steps$newline"
        failed_words='the card has no interface'
        tell "failed: $failed_words"
    fi
    put_back=''
    # shellcheck disable=SC2086 # numbers
    for change in $changes; do
        if [ -n "$journal_known" ]; then
            case $begun in *" $change "*) ;; *) continue ;; esac
        fi
        undo_change "$change"
        case $moving in *" $change "*) put_back=yes ;; esac
    done
    # after a confirmation the card was the operator's, who may have changed what stands on it
    if [ -n "$put_back" ] && [ -z "$was_confirmed" ]; then put_stack_back; fi
}

main() {
    why=${1:-operator}
    case $why in
    switch | operator | probes | failure | boot) ;;
    *)
        printf '%s\n' "$usage" >&2
        exit 2
        ;;
    esac
    trap '' HUP INT QUIT TERM PIPE
    exec </dev/null
    { : >&1; } 2>/dev/null || exec >/dev/null
    { : >&2; } 2>/dev/null || exec 2>/dev/null
    case $0 in /*) keep_going "$0" "$why" "${2:-}" ;; esac
    if ! find_folder; then
        trap - EXIT
        printf '%s\n' "nicmedic: nothing was undone: which transaction? Run this file where it stands, in the folder of its transaction." >&2
        exit 2
    fi
    cd / || :
    keep_going "$here/undo.sh" "$why" "${2:-}"
    read_first /proc/sys/kernel/random/boot_id
    boot_id=$first_line
    find_spare
    if [ -n "$plan_boot_id" ] && [ -n "$boot_id" ] && [ "$boot_id" != "$plan_boot_id" ]; then
        end_other_boot
    fi
    if [ "$why" = switch ]; then
        await_deadline
        find_spare # what stood there when it began to wait may be gone
    fi
    undo_transaction
}
