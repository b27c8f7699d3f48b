#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later

# ---- How a transaction is undone ----
#
# The script that holds this defines undo_changes.

status_undone=0
status_failed=1
status_nothing=3

# Where outcomes and scratch go that the folder does not take: memory, if there is such a place.
find_spare() {
    spare='' said=/dev/null seen=/dev/null now=/dev/null
    if [ -d /run ]; then
        limit 5 make_folders /run/nicmedic
        [ -d /run/nicmedic ] && spare=/run/nicmedic/$number
    fi
    scratch=${spare:-${here:+$here/.undo}}
    if [ -n "$scratch" ] && ask_disk 5 write_line "$scratch.$$.said" ''; then
        said=$scratch.$$.said
        seen=$scratch.$$.seen
        now=$seen.now
    fi
}

drop_scratch() {
    [ "$said" != /dev/null ] || return 0
    set -- "$said" "$seen" "$now"
    said=/dev/null seen=/dev/null now=/dev/null
    limit 5 remove_all "$@"
}

# SCRIPT WORD [COUNT]: a shell that finds no memory or no process for a child ends at once, wherever it is. From now on it is begun again then, as the
# same process, a second later, for an hour.
keep_going() {
    again_script=$1 again_word=$2 again_count=${3:-0}
    case $again_count in *[!0-9]* | ?????*) again_count=0 ;; esac
    [ "$again_count" -ge 3600 ] || trap go_again EXIT
}

# Without a process there is no sleep either: it looks at the time until that is another.
go_again() {
    read_uptime
    again_s=$uptime_s
    while [ "$uptime_s" = "$again_s" ] && [ "$uptime_s" != 0 ]; do read_uptime; done
    exec /bin/sh "$again_script" "$again_word" "$((again_count + 1))"
}

# STATUS
leave() {
    trap - EXIT
    drop_scratch
    exit "$1"
}

# Until the time is over, or somebody decides. An extension only changes the file.
await_deadline() {
    deadline_s='' deadline_looks=0 deadline_hung=''
    while :; do
        read_target "$here/decided"
        [ -z "$target" ] || return 0
        if read_kept "$here/deadline"; then
            deadline_looks=0
            case $first_line in
            *.*) deadline_s=$((${first_line%%.*} + 1)) ;;
            *) deadline_s=$first_line ;;
            esac
        else
            deadline_looks=$((deadline_looks + 1)) # the last one that was read holds on; if there never was one, it is over
        fi
        if [ -z "$disk_again_s" ]; then
            deadline_hung=''
            read_kept "$here/applier"
            applier_known=$first_line
        fi
        read_uptime
        if [ -n "$deadline_s" ]; then
            if [ "$uptime_s" -ge "$deadline_s" ]; then
                [ -n "$disk_again_s" ] && [ -z "$deadline_hung" ] || return 0
                disk_again_s='' deadline_hung=yes # the disk hung: once more, for it may answer again, and somebody may have decided
                continue
            fi
        elif [ "$deadline_looks" -gt 5 ]; then
            return 0
        fi
        sleep 1
    done
}

# Whoever still applies is stopped for good, and what it started too, so that the two do not work against each other. Not if it is it that called us.
end_applier() {
    if read_kept "$here/applier"; then applier_known=$first_line; elif [ -z "$disk_again_s" ]; then return 0; fi
    first_line=$applier_known
    applier=${first_line%% *}
    applier_start=${first_line##* }
    case $applier in '' | *[!0-9]* | 0 | 1) return 0 ;; esac
    is_running "$applier" "$applier_start" || return 0
    ancestor=$$
    while [ "${ancestor:-0}" -gt 1 ]; do
        [ "$ancestor" != "$applier" ] || return 0
        read_process "$ancestor" || break
        ancestor=$process_parent
    done
    kill -STOP "$applier" 2>/dev/null
    end_children "$applier"
    kill -KILL "$applier" 2>/dev/null
    applier_looks=0
    while is_running "$applier" "$applier_start" && [ "$applier_looks" -lt 10 ]; do
        applier_looks=$((applier_looks + 1))
        nap
    done
}

# PID...: all that stand below these, however deep.
end_children() {
    while [ $# -gt 0 ]; do
        end_parents=" $* "
        set +f
        set -- /proc/[0-9]*
        set -f
        end_found=''
        for end_entry; do
            read_process "${end_entry#/proc/}" || continue
            case $end_parents in *" $process_parent "*) ;; *) continue ;; esac
            end_pid=${end_entry#/proc/}
            if [ "$end_pid" = $$ ] || [ "$end_pid" = 1 ]; then continue; fi
            kill -STOP "$end_pid" 2>/dev/null
            end_found="$end_found $end_pid"
        done
        # shellcheck disable=SC2086 # numbers
        set -- $end_found
        end_all="$end_all$end_found"
    done
    # shellcheck disable=SC2086 # numbers
    [ -z "$end_all" ] || kill -KILL $end_all 2>/dev/null
}
end_all='' applier_known=''

# REASON: decides that it is undone. Fails when it is confirmed and this reason does not outweigh that. -> was_confirmed
decide_undo() {
    was_confirmed=$journal_confirmed # also when an undo after that was cut short
    ask_disk 5 make_link undo "$here/decided"
    read_target "$here/decided"
    [ "$target" = confirmed ] || return 0
    [ "$1" = operator ] || return 1
    was_confirmed=yes
    ask_disk 5 replace_link undo "$here/decided"
    return 0
}

keep_failed() {
    if ask_disk 5 write_line "$here/failed" "${failed_steps%"$newline"}"; then
        limit 5 sync_file "$here/failed"
    elif [ -n "$spare" ]; then
        limit 5 write_line "$spare.failed" "${failed_steps%"$newline"}"
    fi
}

end_other_boot() {
    read_target "$here/decided"
    read_journal
    if [ "$target" != confirmed ] && [ "$last_word" != rebooted ]; then note rebooted; fi
    tell "nicmedic: nothing to undo: the machine was booted since, and that undid transaction $number"
    leave "$status_nothing"
}

undo_transaction() {
    read_target "$here/decided"
    if [ "$target" = confirmed ] && [ "$why" != operator ]; then leave "$status_nothing"; fi
    if ! take_lock; then
        tell "nicmedic: transaction $number is being undone by process $lock_holder, which has not ended for two minutes"
        leave "$status_failed"
    fi
    read_journal
    case $last_word/$waited in
    undone/yes)
        drop_lock
        leave "$status_undone"
        ;;
    undone/)
        drop_lock
        tell "nicmedic: nothing to undo: transaction $number was undone before"
        leave "$status_nothing"
        ;;
    undo-failed/yes)
        drop_lock
        leave "$status_failed"
        ;;
    esac
    if ! decide_undo "$why"; then
        drop_lock
        leave "$status_nothing"
    fi
    end_applier
    read_journal
    note undoing "$why"
    undo_changes
    if [ -z "$failed_steps" ]; then
        note undone
        ask_disk 5 remove_all "$here/failed"
        drop_lock
        tell "nicmedic: undone: ${nic:-$card_name} is as it was before transaction $number"
        leave "$status_undone"
    fi
    keep_failed
    note undo-failed "$failed_words"
    drop_lock
    tell "nicmedic: CHANGED: not all of transaction $number could be undone. Type:"
    tell "${failed_steps%"$newline"}"
    leave "$status_failed"
}
