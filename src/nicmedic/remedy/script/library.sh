#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# ---- What every script of nicmedic needs of a shell. POSIX sh: dash 0.5.7, busybox ash, bash --posix. ----
#
# Nothing here may wait for ever: a program that the kernel does not let go of (state D) is left behind. Values stand in variables and positional
# parameters and are never evaluated. Programs used: cat, date, ln, ls, mkdir, mv, rm, sleep, sync, and those of the steps.
#
# The script that holds this sets: card_name, card_path, card_bus, card_address, card_driver, card_port, card_permanent (any but the name may be
# empty), here (the folder of the transaction), number (its name), boot_id.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
unset IFS CDPATH ENV BASH_ENV
umask 077
set -f
newline='
'
nic=''
said=/dev/null
seen=/dev/null
now=/dev/null
failed_steps=''
failed_words=''

# ---- Time and processes, from /proc alone ----

# -> uptime_s, uptime_text. Counts on while the machine sleeps, and nobody can set it.
read_uptime() {
    uptime_text=0
    read -r uptime_text _ 2>/dev/null </proc/uptime
    uptime_s=${uptime_text%%.*}
}

# PID -> process_state, process_parent, process_start. Fails when there is no such process.
read_process() {
    process_state='' process_parent='' process_start=''
    read -r process_line 2>/dev/null <"/proc/$1/stat" || return 1
    case $process_line in *') '*) ;; *) return 1 ;; esac
    # shellcheck disable=SC2086 # words are wanted; the name, which may hold anything, is cut off
    set -- ${process_line##*) }
    [ $# -ge 20 ] || return 1
    process_state=$1 process_parent=$2
    shift 19
    process_start=$1
}

# PID START: whether that very process still runs.
is_running() {
    read_process "$1" && [ "$process_start" = "$2" ] || return 1
    case $process_state in Z | X | x) return 1 ;; esac
}

# A short rest; a whole second where sleep knows no fractions.
nap() {
    sleep 0.1 2>/dev/null || sleep 1
}

has_program() {
    command -v "$1" >/dev/null 2>&1
}

# SECONDS: wait so long for the process $child. Returns its status; 124: it was killed; 125: not even that ended it, it stays behind.
await_child() {
    if ! read_process "$child"; then
        wait "$child"
        return
    fi
    child_start=$process_start
    read_uptime
    child_end_s=$((uptime_s + $1 + 1))
    child_looks=0
    while is_running "$child" "$child_start"; do
        child_looks=$((child_looks + 1))
        [ "$child_looks" -gt 50 ] || continue # most programs need some milliseconds: look on for so long, then rest between looks
        read_uptime
        if [ "$uptime_s" -ge "$child_end_s" ]; then
            end_child
            return
        fi
        nap
    done
    wait "$child"
}

end_child() {
    kill -KILL "-$child" 2>/dev/null # its whole session, where it has one of its own
    kill -KILL "$child" 2>/dev/null
    child_looks=0
    while [ "$child_looks" -lt 10 ]; do
        if ! is_running "$child" "$child_start"; then
            wait "$child" 2>/dev/null
            return 124
        fi
        child_looks=$((child_looks + 1))
        nap
    done
    return 125
}

# Only in a child: the file that takes what it prints may have gone, with /run or with a disk; what it does matters more.
find_said() {
    { true >"$said"; } 2>/dev/null || said=/dev/null
}

# SECONDS FUNCTION [ARGUMENT]...: a function of this script, limited in time; what it prints is in the file $said.
limit() {
    limit_s=$1
    shift
    {
        find_said
        "$@" >"$said" 2>&1
    } </dev/null &
    child=$!
    await_child "$limit_s"
}

# SECONDS FUNCTION [ARGUMENT]...: the same on a disk that may hang. One that did is not asked again for a while: each question would stay behind.
ask_disk() {
    if [ -n "$disk_again_s" ]; then
        read_uptime
        [ "$uptime_s" -ge "$disk_again_s" ] || return 125
    fi
    disk_again_s=''
    limit "$@"
    disk_status=$?
    case $disk_status in 124 | 125) read_uptime && disk_again_s=$((uptime_s + 20)) ;; esac
    return "$disk_status"
}
disk_again_s=''

# PROGRAM -> located: its file, since a busybox shell would take its own smaller program of that name; the name alone where there is no file.
locate() {
    located=$1
    case $1 in */*) return ;; esac
    for located in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
        located=$located/$1
        if [ -x "$located" ] && [ -f "$located" ]; then return; fi
    done
    located=$1
}

# SECONDS PROGRAM [ARGUMENT]...: the same for a program, in a session of its own where that can be had, so that its children end with it.
limit_program() {
    limit_s=$1
    locate "$2"
    shift 2
    set -- "$located" "$@"
    if [ -n "$setsid" ]; then
        {
            trap - HUP TERM PIPE # what goes on after us, as dhclient may, can be ended like any other
            find_said
            exec setsid "$@" >"$said" 2>&1
        } </dev/null &
    else
        {
            find_said
            exec "$@" >"$said" 2>&1
        } </dev/null &
    fi
    child=$!
    await_child "$limit_s"
}
setsid=''
has_program setsid && setsid=yes

# TEXT PROGRAM [ARGUMENT]...: whether a line of what the program prints within 5 s holds the text as whole words.
shows() {
    shows_text=$1
    shift
    shows_status=125
    [ "$seen" != /dev/null ] || return 1
    locate "$1"
    shift
    "$located" "$@" >"$seen" 2>/dev/null </dev/null &
    child=$!
    await_child 5
    shows_status=$?
    case $shows_status in 124 | 125) return 1 ;; esac
    holds "$shows_text" "$seen"
}

# TEXT FILE: whether a line of the file holds the text as whole words.
holds() {
    while read -r holds_line || [ -n "$holds_line" ]; do
        # shellcheck disable=SC2086 # runs of blanks become one
        if has_words "$1" $holds_line; then return 0; fi
    done 2>/dev/null <"$2"
    return 1
}

has_words() {
    has_words_text=$1
    shift
    case " $* " in *" $has_words_text "*) return 0 ;; esac
    return 1
}

# ---- Small files. Always called through limit: a disk may hang too ----

write_line() {
    printf '%s\n' "$2" >"$1"
}

append_line() {
    printf '%s\n' "$2" >>"$1"
}

make_folder() {
    mkdir "$1"
}

make_folders() {
    mkdir -p "$1"
}

# TEXT LINK: a symbolic link whose text carries a value; made by one alone.
make_link() {
    ln -s "$1" "$2"
}

# TEXT LINK: the same, in place of one that is there.
replace_link() {
    rm -f "$2.new.$$"
    ln -s "$1" "$2.new.$$" && mv -f "$2.new.$$" "$2"
}

# FILE: onto the disk; an old sync(1) takes no file and writes all.
sync_file() {
    sync "$1" 2>/dev/null || sync
}

remove_all() {
    rm -rf "$@"
}

is_folder() {
    [ -d "$1" ]
}

# What these print is taken from $said. 3: there is nothing; 4: it could not be printed.
show_target() {
    target=$(readlink "$1" 2>/dev/null) || return 3
    [ "$said" != /dev/null ] && printf '%s\n' "$target" || return 4
}

show_file() {
    [ -r "$1" ] || return 3
    [ "$said" != /dev/null ] && cat "$1" || return 4
}

# FUNCTION FILE: asks the disk in a child, which can be left behind. -> shown: where what it printed stands, or, since the disk answers, the file itself
ask_for() {
    shown=$2
    case $2 in "$here"/*) ask_disk 3 "$@" ;; *) limit 3 "$@" ;; esac
    case $? in
    0) shown=$said ;;
    3 | 124 | 125) return 1 ;;
    esac
}

# LINK -> target
read_target() {
    target=''
    ask_for show_target "$1" || return 1
    if [ "$shown" != "$1" ] && read_first "$shown"; then target=$first_line; else target=$(readlink "$1" 2>/dev/null); fi
}

# FILE of the transaction's folder -> first_line
read_kept() {
    first_line=''
    ask_for show_file "$1" && read_first "$shown"
}

# FILE -> first_line
read_first() {
    first_line=''
    read -r first_line 2>/dev/null <"$1" || [ -n "$first_line" ]
}

# For the operator. Printing may block on the terminal of a session that died: then there is nobody to tell.
tell() {
    [ -n "$deaf" ] && return
    printf '%s\n' "$*" &
    child=$!
    await_child 2
    case $? in 124 | 125) deaf=yes ;; esac
}
deaf=''

# ---- The journal: UPTIME TIME BOOT_ID WORD DETAIL ----

# WORD [DETAIL]: into the journal; an outcome also goes to /run when the disk takes nothing.
note() {
    read_uptime
    note_time=$(date -u +%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
    note_line="$uptime_text ${note_time:-1970-01-01T00:00:00Z} ${boot_id:--} $1 ${2:-}"
    [ -z "$torn" ] || note_line="$newline$note_line"
    if ask_disk 5 append_line "$here/journal" "$note_line"; then
        torn=''
        limit 5 sync_file "$here/journal"
        return 0
    fi
    case $1 in probed | undone | undo-failed | rebooted) ;; *) return 1 ;; esac
    if [ -n "$spare" ]; then
        limit 5 append_line "$spare.outcome" "${note_line#"$newline"}"
    fi
    return 1
}
torn=''

# -> last_word: the last that says where it stands; begun: numbers of the changes that were begun, each between blanks; journal_known: empty where that is
# not to be relied on; journal_probed, journal_confirmed
read_journal() {
    last_word='' begun=' ' journal_known='' journal_probed='' journal_confirmed='' torn=''
    if ask_for show_file "$here/journal"; then read_journal_file "$shown"; fi
    journal_torn=$torn
    [ -z "$spare" ] || read_journal_file "$spare.outcome"
    torn=$journal_torn
}

read_journal_file() {
    [ -r "$1" ] || return 1
    while read -r journal_up _ journal_boot journal_word journal_detail || { [ -n "$journal_up" ] && torn=yes; }; do
        [ "$journal_boot" = "$boot_id" ] || [ -z "$boot_id" ] || continue
        case $journal_word in
        planned) journal_known=yes ;;
        probed) journal_probed=yes ;;
        confirmed) journal_confirmed=yes ;;
        applying) begun="$begun${journal_detail%% *} " ;;
        esac
        case $journal_word in '' | probed | extended) ;; *) last_word=$journal_word ;; esac
    done 2>/dev/null <"$1"
}

# ---- One undo at a time ----
#
# The folder undoing/ holds links holder.1, holder.2, ... whose text is "PID START". The highest one is the lock. Whoever finds its process gone makes the
# next: a link is made by one alone, so there is no moment at which two believe that they hold it. "owner" is a copy for readers.

# Takes the lock, waiting up to 120 s for a holder that lives. -> waited. Fails when it still lives then. Where nothing can be written: goes on.
take_lock() {
    waited=''
    read_process "$$"
    my_start=$process_start
    lock=$here/undoing
    ask_disk 5 make_folder "$lock"
    if ! ask_disk 5 is_folder "$lock"; then
        lock=${spare:+$spare.undoing}
        [ -n "$lock" ] || return 0
        limit 5 make_folder "$lock"
    fi
    read_uptime
    lock_end_s=$((uptime_s + 120))
    until try_lock; do
        [ "$lock_result" = held ] || { lock='' && return 0; }
        waited=yes
        read_uptime
        [ "$uptime_s" -lt "$lock_end_s" ] || return 1
        nap
    done
    limit 5 write_line "$lock/owner" "$$ $my_start"
    return 0 # a full disk takes the links, but not the copy
}

try_lock() {
    lock_result=free
    lock_turn=1
    while read_target "$lock/holder.$lock_turn" && [ -n "$target" ]; do
        lock_turn=$((lock_turn + 1))
        lock_holder=$target
        lock_result=held
    done
    if [ "$lock_result" = held ]; then
        [ "$lock_holder" != "$$ $my_start" ] || return 0 # we are the same process, begun again
        is_running "${lock_holder%% *}" "${lock_holder##* }" && return 1
    fi
    limit 5 make_link "$$ $my_start" "$lock/holder.$lock_turn"
    read_target "$lock/holder.$lock_turn"
    [ "$target" = "$$ $my_start" ] && return 0
    if [ -n "$target" ]; then
        lock_result=held # somebody was quicker
    elif limit 5 is_folder "$lock"; then
        lock_result=unwritable
    elif limit 5 make_folder "$lock" || limit 5 is_folder "$lock"; then
        lock_result=held # somebody has just ended and taken the folder along
    else
        lock_result=unwritable
    fi
    return 1
}

drop_lock() {
    [ -z "$lock" ] || limit 5 remove_all "$lock"
}

# ---- The card ----

# FOLDER: where it stands when all links are followed; nothing else in the shell needs a program for that.
resolve() {
    resolved=$(cd -P "$1" 2>/dev/null && pwd -P)
    [ -n "$resolved" ]
}

# -> nic: what the card's interface is called now. Fails when it has none.
find_card() {
    nic=''
    if [ -z "$card_path$card_address" ]; then # no device is known: only the name is left
        [ -e "/sys/class/net/$card_name" ] && nic=$card_name
        [ -n "$nic" ]
        return
    fi
    [ -n "$card_path" ] && find_interface "$card_path" && return 0
    [ -n "$card_bus" ] && [ -n "$card_address" ] && resolve "/sys/bus/$card_bus/devices/$card_address" && find_interface "$resolved"
}

# DEVICE: of its interfaces the one with the port; of several that could be it, the one with the name.
find_interface() {
    interfaces=0
    interface_device=$1
    set +f
    set -- /sys/class/net/*
    set -f
    for interface; do
        resolve "$interface/device" && [ "$resolved" = "$interface_device" ] || continue
        if [ -n "$card_port" ] && read_first "$interface/dev_port" && [ "$first_line" != "$card_port" ]; then continue; fi
        is_permanent_address "${interface##*/}" || continue
        if [ "$nic" = "$card_name" ]; then continue; fi
        interfaces=$((interfaces + 1))
        nic=${interface##*/}
    done
    if [ "$interfaces" -gt 1 ] && [ "$nic" != "$card_name" ]; then nic=''; fi
    [ -n "$nic" ]
}

# INTERFACE: whether ethtool tells the address that is looked for; true where it does not answer. Asked once a name: it costs a program.
is_permanent_address() {
    [ -n "$card_permanent" ] && [ "$checked" != "$1" ] && [ "$seen" != /dev/null ] && has_program ethtool || return 0
    if ! shows 'Permanent address:' ethtool -P "$1"; then
        case $shows_status in 124 | 125) card_permanent='' ;; esac # networking is locked: it will not answer the next time
        return 0
    fi
    read_first "$seen"
    case ${first_line##* } in
    "$card_permanent" | 00:00:00:00:00:00) checked=$1 ;;
    ??:??:??:??:??:??) return 1 ;;
    esac
}
checked=''

# SECONDS: until the card has an interface.
await_card() {
    read_uptime
    card_end_s=$((uptime_s + $1 + 1))
    until find_card; do
        read_uptime
        [ "$uptime_s" -lt "$card_end_s" ] || return 1
        nap
    done
}

# A change that was cut short may have left the card without a driver, or off its bus.
raise_card() {
    await_card 3 && return 0
    [ -n "$card_bus" ] && [ -n "$card_address" ] || return 1
    if [ "$card_bus" = pci ] && ! [ -e "/sys/bus/pci/devices/$card_address" ]; then
        limit 20 write_line /sys/bus/pci/rescan 1
    fi
    if ! [ -e "/sys/bus/$card_bus/devices/$card_address/driver" ]; then
        if [ -n "$card_driver" ] && ! [ -e "/sys/bus/$card_bus/drivers/$card_driver" ]; then limit_program 20 modprobe "$card_driver"; fi
        limit 20 write_line "/sys/bus/$card_bus/drivers/$card_driver/bind" "$card_address" ||
            limit 20 write_line "/sys/bus/$card_bus/drivers_probe" "$card_address"
    fi
    await_card 15
}

# NAME: that the card shall have.
rename_card() {
    find_card || return 1
    [ "$nic" = "$1" ] && return 0
    read_first "/sys/class/net/$nic/flags"
    limit_program 10 ip link set dev "$nic" down
    limit_program 10 ip link set dev "$nic" name "$1" && return 0
    case $first_line in *[13579bdf]) limit_program 10 ip link set dev "$nic" up ;; esac # the name is taken: up it serves better than down
    return 1
}

# ---- Steps ----

# TIMES REST needed|optional TEXT FUNCTION [ARGUMENT]...: a step, tried so often. Which failed is kept for people in failed_steps, one a line.
try() {
    try_times=$1 try_rest_s=$2 try_needed=$3 try_text=$4
    shift 4
    while :; do
        "$@" && return 0
        try_status=$?
        try_times=$((try_times - 1))
        case $try_status in 121 | 125) break ;; esac # no interface; what the kernel did not let go of hangs the next time as well
        [ "$try_times" -gt 0 ] || break
        sleep "$try_rest_s"
    done
    case $try_status in
    121) try_why='the card has no interface' ;;
    124) try_why='took too long' ;;
    125) try_why='hangs in the kernel' ;;
    127) try_why='not installed' ;;
    *) try_why="status $try_status" && if [ "$said" != /dev/null ]; then read_first "$said" && try_why="$try_why: $first_line"; fi ;;
    esac
    try_why="$try_text ($try_why)"
    tell "failed: $try_why"
    if [ "$try_needed" = needed ]; then
        failed_steps="$failed_steps$try_text$newline"
        failed_words="${failed_words:+$failed_words; }$try_why"
    fi
    return 1
}
