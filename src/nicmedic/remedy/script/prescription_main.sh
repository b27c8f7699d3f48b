#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later

# ---- The prescription: check, apply, confirm, extend, undo, status ----
#
# A use of it has a folder NAME.1, NAME.2, ... with a copy of this script, what was set before, a journal and a deadline. Its dead-man's switch runs that
# copy. Nothing outlasts a boot but that folder.

script=${0##*/}

show_usage() {
    cat <<END
$title

On host ${plan_hostname:-(not known which)}, network card $card_name, it would:
$summary
It keeps what is set now, starts a dead-man's switch that takes the change back by itself, changes, looks whether traffic still passes,
and asks. Whoever does not answer in time, or cannot, gets the former state back. Nothing outlasts a reboot.

  sh $script check                  changes nothing: is this the host and the card, and is all there that is needed?
  sh $script apply [--timeout 120]  does it; the number is seconds until the switch takes it back
  sh $script confirm                keep it; also from a second login
  sh $script extend 300             so many more seconds to think
  sh $script undo                   take it back now, also after confirm
  sh $script status                 where it stands

  With apply and check: --this-host goes on although the host has another name; --accept-losses although something cannot be put back.
END
}

# STATUS TEXT [NEXT]
refuse() {
    drop_card
    printf '%s\n' "nicmedic: nothing was changed: $2" >&2
    [ -z "${3:-}" ] || printf '%s\n' "          $3" >&2
    leave "$1"
}

# ---- Where it keeps things ----

find_bases() {
    bases=${NICMEDIC_STATE:+$NICMEDIC_STATE/prescriptions}
    case $bases in '' | /*) ;; *) refuse 2 "NICMEDIC_STATE=$NICMEDIC_STATE: not a whole path, which begins with /" ;; esac
    [ -n "$bases" ] || bases="/var/lib/nicmedic/prescriptions /root/.nicmedic/prescriptions /tmp/nicmedic-prescriptions"
}

# -> here, number: of the newest use that was neither undone nor given up, else of the newest; highest: the last number. Fails when there was none.
find_newest() {
    highest=0 newest=0 newest_lasting=0 newest_here='' lasting_here='' here='' number=''
    # shellcheck disable=SC2086 # paths without blanks
    for base in $bases; do
        is_private "$base" || continue
        set +f
        set -- "$base/$prescription".*
        set -f
        for folder; do
            folder_number=${folder##*.}
            case $folder_number in *[!0-9]* | '') continue ;; esac
            if [ "$folder_number" -gt "$highest" ]; then highest=$folder_number; fi
            [ -e "$folder/journal" ] || continue
            if [ "$folder_number" -gt "$newest" ]; then newest=$folder_number newest_here=$folder; fi
            here=$folder
            read_journal
            case $last_word in '' | undone | abandoned) continue ;; esac
            if [ "$folder_number" -gt "$newest_lasting" ]; then newest_lasting=$folder_number lasting_here=$folder; fi
        done
    done
    here=${lasting_here:-$newest_here}
    number=${here##*/}
    [ -n "$here" ]
}

# Who uses the copy in the folder of a use means that one.
find_own() {
    case $self in */prescription.sh) here=${self%/*} number=${self%/*} ;; *) return 1 ;; esac
    number=${number##*/}
    [ -e "$here/journal" ] && [ -e "$here/boot" ]
}

# Nobody else begins a use meanwhile, until the own is to be seen as open. Fails where nothing takes a lock.
take_card() {
    read_process "$$"
    my_start=$process_start
    # shellcheck disable=SC2086 # paths without blanks
    for base in $bases; do
        limit 5 make_folders "$base"
        is_private "$base" || continue
        lock=$base/lock
        limit 5 make_folder "$lock"
        limit 5 is_folder "$lock" || continue
        take_looks=0
        until try_lock; do
            [ "$lock_result" = held ] || continue 2
            take_looks=$((take_looks + 1))
            [ "$take_looks" -lt 10 ] || refuse 25 "somebody else is just beginning, by process ${lock_holder%% *}" "sh $script status"
            nap
        done
        card_lock=$lock lock=''
        return 0
    done
    lock=''
    return 1
}

drop_card() {
    [ -n "$card_lock" ] || return 0
    limit 5 remove_all "$card_lock"
    card_lock=''
}
card_lock=''

# FOLDER: whether it is root's alone; in /tmp somebody else may have made it first.
is_private() {
    [ -d "$1" ] && [ ! -h "$1" ] || return 1
    # shellcheck disable=SC2012 # one folder whose name is ours
    private=$(ls -ldn "$1" 2>/dev/null)
    # shellcheck disable=SC2086 # words are wanted
    set -- $private
    case ${1:-} in d????-??-*) [ "${3:-}" = 0 ] ;; *) return 1 ;; esac
}

# -> here, number. Fails when nothing takes it.
make_use() {
    find_newest
    # shellcheck disable=SC2086 # paths without blanks
    for base in $bases; do
        limit 5 make_folders "$base"
        is_private "$base" || continue
        here=$base/$prescription.$((highest + 1))
        limit 5 make_folder "$here" || continue
        made=$here
        if limit 5 cp "$self" "$here/prescription.sh" && limit 5 write_line "$here/boot" "$boot_id"; then
            number=${here##*/}
            case $base in /tmp/*) tell "warning: only $base can be written: it may be gone after a boot, and so may what was kept" ;; esac
            return 0
        fi
        limit 5 remove_all "$here"
        made=''
    done
    here=''
    return 1
}

# Whether a use is open: begun in this boot, neither confirmed nor undone.
is_open() {
    read_target "$here/decided"
    [ "$target" != confirmed ] || return 1
    read_journal
    case $last_word in planned | armed | applying | applied | undoing) return 0 ;; esac
    return 1
}

# Any prescription that is open on this host: two would undo each other. -> open_number
find_open() {
    open_number=''
    # shellcheck disable=SC2086 # paths without blanks
    for base in $bases; do
        is_private "$base" || continue
        set +f
        set -- "$base"/*.*
        set -f
        for here; do
            if [ -e "$here/journal" ] && is_open; then open_number=${here##*/} open_folder=$here; fi
        done
    done
    [ -n "$open_number" ]
}

# ---- Checks ----

# -> problems, one a line; hints
check_here() {
    problems='' notes=''
    check_host
    if [ "$(id -u 2>/dev/null)" != 0 ]; then add_problem "24 only root may do this"; fi
    [ -r /proc/uptime ] && [ -d /sys/class/net ] || add_problem "23 /proc and /sys are not mounted"
    has_program ip || add_problem "23 there is no ip (iproute2, or busybox with it)"
    number=check
    find_spare # to see its permanent address
    if ! find_card && [ -n "$card_permanent" ]; then
        card_other=$card_permanent card_permanent=''
        if find_card; then add_problem "22 $nic stands where the card should be, but is another one: its permanent address is not $card_other" && return; fi
    fi
    if [ -z "$nic" ]; then
        add_problem "22 the card ${card_address:-$card_name} has no interface here (ip link shows those that there are)"
        return
    fi
    if [ "$nic" != "$card_name" ]; then add_note "the card is called $nic here"; fi
    find_uppers
    if [ -n "$remakes" ] && [ -n "$on_top" ] && [ -z "$accept_losses" ]; then
        add_problem "23 $on_top on top of $nic would be lost, and this script cannot put it back; go on all the same: --accept-losses"
    fi
    check_tools
}

add_problem() {
    problems="$problems$1$newline"
}

add_note() {
    notes="$notes$1$newline"
}

check_host() {
    read_first /etc/machine-id
    if [ -n "$plan_machine_id" ] && [ -n "$first_line" ]; then
        if [ "$first_line" = "$plan_machine_id" ] || [ -n "$this_host" ]; then return; fi
        add_problem "23 this host is another one: its machine-id is $first_line, not $plan_machine_id; go on all the same: --this-host"
        return
    fi
    read_first /proc/sys/kernel/hostname
    if [ -z "$plan_hostname" ]; then
        [ -n "$this_host" ] || add_problem "23 it is not known for which host this was written; if it is this one: --this-host"
    elif [ "$first_line" != "$plan_hostname" ] && [ -z "$this_host" ]; then
        add_problem "23 this host is called $first_line, and this was written for $plan_hostname; go on all the same: --this-host"
    fi
}

# What takes the place of a program that is missing.
check_tools() {
    if ! has_program ethtool; then
        for need in $needs_ethtool; do
            case $need in
            link | renegotiate)
                if has_program mii-tool; then
                    add_note 'no ethtool here: mii-tool does it'
                elif has_program nmcli; then
                    add_note 'no ethtool here: nmcli does it'
                else
                    add_problem "15 neither ethtool nor mii-tool nor nmcli is here, and $need needs one of them"
                fi
                ;;
            *)
                if has_program nmcli; then
                    add_note "no ethtool here: nmcli does $need, which takes the link down for a moment"
                else
                    add_problem "15 neither ethtool nor nmcli is here, and $need needs one of them"
                fi
                ;;
            esac
        done
        [ -n "$needs_ethtool" ] || add_note 'no ethtool here: what only it shows is not kept; this change does not touch it'
    fi
    has_program setsid || has_program nohup || has_program systemd-run || add_note 'no setsid, nohup or systemd-run: the switch is a plain background shell'
}

# ---- nmcli in place of ethtool: in memory only, so that a boot undoes it ----

# -> nm_profile
find_profile() {
    look_at nmcli -g GENERAL.CON-UUID device show "$nic"
    read_first "$seen"
    nm_profile=$first_line
    [ -n "$nm_profile" ]
}

# PROPERTY VALUE...: sets them; what they were is kept first, so that restore_profile finds it.
set_profile() {
    find_profile || return 1
    while [ $# -gt 0 ]; do
        look_at nmcli -g "$1" connection show "$nm_profile" || return 1
        read_first "$seen"
        [ "$first_line" != -- ] || first_line=''
        limit 5 append_line "$here/before/profile" "$nm_profile $1 $first_line" || return 1
        limit_program 20 nmcli connection modify --temporary "$nm_profile" "$1" "$2" || return
        shift 2
    done
    activate_profile
}

activate_profile() {
    limit_program 60 nmcli connection up "$nm_profile" ifname "$nic"
}

restore_profile() {
    [ -s "$here/before/profile" ] || return 0
    nm_profiles=''
    while read -r nm_profile nm_property nm_value <&5; do
        case " $nm_profiles " in *" $nm_profile "*) ;; *) nm_profiles="$nm_profiles $nm_profile" ;; esac
        set_it 20 nmcli connection modify --temporary "$nm_profile" "$nm_property" "$nm_value"
    done 5<"$here/before/profile"
    for nm_profile in $nm_profiles; do
        set_it 60 nmcli connection up "$nm_profile" ifname "$nic"
    done
}

# SECONDS -s|-r|-K|... INTERFACE WORD...: ethtool, or what is there.
use_ethtool() {
    ethtool_s=$1
    shift
    if has_program ethtool; then
        limit_program "$ethtool_s" ethtool "$@"
        return
    fi
    ethtool_option=$1
    shift 2
    case $ethtool_option in
    -r)
        if has_program mii-tool; then limit_program "$ethtool_s" mii-tool -r "$nic"; else find_profile && activate_profile; fi
        ;;
    -s)
        case "$* " in
        *'autoneg on advertise 0x'*) set_mode advertise yes ;;
        *'autoneg off '*) set_mode force no ;;
        *) return 127 ;;
        esac
        ;;
    -K)
        nm_words=''
        while [ $# -ge 2 ]; do
            nm_words="$nm_words ethtool.feature-$1 $2"
            shift 2
        done
        # shellcheck disable=SC2086 # words are wanted
        set_profile $nm_words
        ;;
    -A) set_profile ethtool.pause-autoneg off ethtool.pause-rx off ethtool.pause-tx off ;;
    --set-eee) set_profile ethtool.eee-enabled no ;;
    -G | -C)
        if [ "$ethtool_option" = -G ]; then nm_words=ethtool.ring-$1; else nm_words=ethtool.coalesce-$1; fi
        set_profile "$nm_words" "$2"
        ;;
    *) return 127 ;;
    esac
}

# advertise|force yes|no: 100 Mb/s full duplex, the one mode that remedies ask for.
set_mode() {
    if has_program mii-tool; then
        limit_program 10 mii-tool "--$1=100baseTx-FD" "$nic"
    else
        set_profile 802-3-ethernet.auto-negotiate "$2" 802-3-ethernet.speed 100 802-3-ethernet.duplex full
    fi
}

# ---- Probes: only what passed before may fail the change ----

find_gateways() {
    gateways=''
    while read -r gateway_family gateway_line; do
        case $gateway_line in default' '*) ;; *) continue ;; esac
        # shellcheck disable=SC2086 # words are wanted
        add_gateway $gateway_line
    done <"$here/before/routes"
}

add_gateway() {
    gateway='' gateway_device=''
    while [ $# -gt 1 ]; do
        case $1 in
        via) gateway=$2 ;;
        dev) gateway_device=$2 ;;
        esac
        shift
    done
    [ -n "$gateway" ] && [ -n "$gateway_device" ] || return 0
    gateways="$gateways${gateways:+ }$gateway_family/$gateway/$gateway_device"
}

# PROBE
run_probe() {
    find_card || return 1
    case $1 in
    carrier) read_first "/sys/class/net/$nic/carrier" && [ "$first_line" = 1 ] ;;
    -4/*) ping_gateway ping "${1#*/}" || arping_gateway "${1#*/}" ;;
    -6/*) ping_gateway "$ping6" "${1#*/}" ;;
    esac
}

ping_gateway() {
    gateway_device=${2##*/}
    if [ "$gateway_device" = "$card_was" ]; then gateway_device=$nic; fi
    has_program "$1" && limit_program 3 "$1" -c 1 -W 1 -I "$gateway_device" "${2%/*}"
}

arping_gateway() {
    has_program arping && limit_program 3 arping -c 1 -w 1 -I "$gateway_device" "${1%/*}"
}

# -> passed: the probes that pass, of carrier and the gateways; those that fail are tried three times.
choose_probes() {
    passed='' card_was=$nic
    ping6='ping'
    has_program ping6 && ping6=ping6
    find_gateways
    for probe in carrier $gateways; do
        if run_probe "$probe" || run_probe "$probe" || run_probe "$probe"; then passed="$passed${passed:+ }$probe"; fi
    done
}

# SECONDS: until all that passed before pass three times in a row, a second apart. -> silent: the one that does not
await_probes() {
    read_uptime
    probes_end_s=$((uptime_s + $1)) probes_row=0
    while [ "$probes_row" -lt 3 ]; do
        silent=''
        for probe in $passed; do
            run_probe "$probe" || { silent=$probe && break; }
        done
        if [ -z "$silent" ]; then probes_row=$((probes_row + 1)); else probes_row=0; fi
        [ "$probes_row" -lt 3 ] || break
        read_uptime
        [ "$uptime_s" -lt "$probes_end_s" ] || return 1
        [ -z "$interrupted" ] || return 1
        sleep 1
    done
}

say_probe() {
    case $1 in
    carrier) printf 'the link is down' ;;
    *) gateway_words=${1#*/} && printf 'the gateway %s does not answer' "${gateway_words%/*}" ;;
    esac
}

# ---- The switch: another process, which runs the copy of this script in the folder ----

arm_switch() {
    armed=''
    limit 5 remove_all "$here/switch"
    if [ -d /run/systemd/system ] && has_program systemd-run; then
        # begun again after a signal, and a shutdown does not wait for it; an old systemd takes no such properties
        { run_by_systemd --property=Restart=on-abort --property=TimeoutStopSec=5s || run_by_systemd; } && await_switch && armed="systemd nicmedic-$number.service" && return 0
    fi
    if has_program setsid; then
        (setsid sh "$here/prescription.sh" run-switch </dev/null >/dev/null 2>&1 &)
        armed=setsid
    elif has_program nohup; then
        (nohup sh "$here/prescription.sh" run-switch </dev/null >/dev/null 2>&1 &)
        armed='nohup'
    else
        (
            trap '' HUP
            sh "$here/prescription.sh" run-switch </dev/null >/dev/null 2>&1 &
        )
        armed='background shell'
    fi
    await_switch
}

# [PROPERTY]...
run_by_systemd() {
    limit_program 20 systemd-run --unit="nicmedic-$number" --description="takes back what a prescription changed on $card_name" "$@" \
        /bin/sh "$here/prescription.sh" run-switch
}

# It is nobody's child, so that it may end whoever applies. It writes its number down itself: so it is known to have begun.
await_switch() {
    switch_looks=0
    until is_armed; do
        switch_looks=$((switch_looks + 1))
        [ "$switch_looks" -lt 50 ] || return 1
        nap
    done
}

is_armed() {
    read_kept "$here/switch" && is_running "${first_line%% *}" "${first_line##* }"
}

run_switch() {
    trap '' HUP INT QUIT TERM PIPE
    deaf=yes
    read_process "$$"
    limit 5 write_line "$here/switch" "$$ $process_start"
    await_deadline
    find_spare # what stood there when it began to wait may be gone
    why=switch
    undo_transaction
}

# SECONDS from now
set_deadline() {
    read_uptime
    limit 5 write_line "$here/deadline.new" "$((uptime_s + $1))" && limit 5 mv -f "$here/deadline.new" "$here/deadline" && limit 5 sync_file "$here/deadline"
}

# -> left_s
read_left() {
    left_s=0
    read_uptime
    if read_first "$here/deadline"; then left_s=$((first_line - uptime_s)); fi
}

# ---- Undo: what differs from before is set again ----

undo_changes() {
    if [ -n "$journal_known" ] && [ "$begun" = ' ' ]; then return; fi # nothing was begun
    read_kept "$here/before/uppers"
    if [ -n "$disk_again_s" ]; then # there is no way around it: what was set before stands there
        failed_steps="sh $here/prescription.sh undo$newline"
        failed_words="$here does not answer"
        return
    fi
    if ! raise_card; then
        failed_steps=$lost_steps$newline
        failed_words='the card has no interface'
        tell "failed: $failed_words"
        return
    fi
    restore_profile
    # shellcheck disable=SC2086 # words are wanted
    if [ -n "$was_confirmed" ]; then restore_groups $setting_groups; else restore_groups $setting_groups $stack_groups; fi
}

# ---- What the operator types ----

read_options() {
    timeout_s=120 this_host='' accept_losses=''
    while [ $# -gt 0 ]; do
        case $1 in
        --timeout) shift && timeout_s=${1:-x} ;;
        --timeout=*) timeout_s=${1#*=} ;;
        --this-host) this_host=yes ;;
        --accept-losses) accept_losses=yes ;;
        *) refuse 2 "$1: not understood" "sh $script" ;;
        esac
        [ $# -eq 0 ] || shift
    done
    timeout_s=${timeout_s%s}
    strip_zeros "$timeout_s"
    timeout_s=$stripped
    case $timeout_s in '' | *[!0-9]* | ??????*) refuse 2 "--timeout $timeout_s: not a number of seconds" "sh $script apply --timeout 120" ;; esac
    [ "$timeout_s" -ge 30 ] || refuse 2 "--timeout $timeout_s: at least 30 seconds, or there is no time to look and to answer"
}

# NUMBER -> stripped: a shell takes leading zeros for octal.
strip_zeros() {
    stripped=$1
    while :; do
        case $stripped in 0?*) stripped=${stripped#0} ;; *) return ;; esac
    done
}

do_check() {
    read_options "$@"
    check_here
    if [ -n "$problems" ]; then
        printf '%s\n' 'nicmedic: apply would refuse:'
        print_problems
        leave 23
    fi
    printf '%s\n' "nicmedic: this is the host, and $nic is the card; apply would:" "$summary"
    [ -z "$notes" ] || printf '%s' "$notes"
    printf '%s\n' "Type: sh $script apply"
    leave 0
}

print_problems() {
    printf '%s' "$problems" | while read -r _ problem; do printf '  %s\n' "$problem"; done
}

do_apply() {
    read_options "$@"
    check_here
    if [ -n "$problems" ]; then
        printf '%s\n' 'nicmedic: nothing was changed:' >&2
        print_problems >&2
        leave "${problems%% *}"
    fi
    made='' planned=''
    trap interrupt HUP INT TERM QUIT
    take_card || : # then nothing takes a use either, and that is told
    if find_open; then
        here=''
        refuse 25 "$open_number is open: neither confirmed nor undone" "sh $open_folder/prescription.sh status"
    fi
    make_use || refuse 27 'no place takes what must be kept (tried /var/lib/nicmedic, /root, /tmp)' 'df; mount'
    drop_scratch
    find_spare
    [ "$seen" != /dev/null ] || refuse 27 "$here cannot be written"
    [ -z "$spare" ] || limit 5 remove_all "$spare.outcome" "$spare.failed" # of another one that had this number
    save_state || abandon 27 "the present state cannot be kept in $here"
    choose_probes
    note planned "$title" || abandon 27 "$here/journal cannot be written"
    planned=yes
    set_deadline "$timeout_s" || abandon 27 "$here/deadline cannot be written"
    arm_switch || abandon 26 "the dead-man's switch does not start"
    note armed "$armed"
    drop_card
    read_process "$$"
    limit 5 write_line "$here/applier" "$$ $process_start"
    limit 20 sync
    apply_all
}

# While nothing is changed yet.
interrupt() {
    trap '' HUP INT TERM QUIT
    [ -z "$planned" ] || abandon 130 'interrupted'
    [ -z "$made" ] || limit 5 remove_all "$made"
    refuse 130 'interrupted'
}

# STATUS TEXT
abandon() {
    note abandoned "$2"
    refuse "$1" "$2"
}

apply_all() {
    interrupted=''
    trap '' HUP PIPE
    trap 'interrupted=yes' INT TERM QUIT
    [ -z "$notes" ] || tell "${notes%"$newline"}"
    tell "nicmedic: changing $nic; without an answer it is taken back in $timeout_s s (switch: $armed)"
    for change in $changes; do
        note applying "$change" || give_up 40 'the journal cannot be written'
        apply_change "$change"
        [ -z "$failed_steps" ] || give_up 40 "failed: $failed_words"
        [ -z "$interrupted" ] || give_up 130 'interrupted'
        case $restarts in
        *" $change "*)
            # shellcheck disable=SC2086 # words are wanted
            restore_groups $stack_groups
            [ -z "$failed_steps" ] || give_up 40 "could not be put back: $failed_words"
            ;;
        esac
        note applied "$change"
    done
    read_process "$$"
    limit 5 write_line "$here/prober" "$$ $process_start"
    limit 5 remove_all "$here/applier"
    await_probes "$settle_s" || { [ -z "$interrupted" ] || give_up 130 'interrupted'; give_up 41 "$(say_probe "$silent")"; }
    note probed "passed: ${passed:-none passed before}"
    show_differences
    ask
}

# STATUS REASON: takes it back at once.
give_up() {
    tell "nicmedic: $2; taking it back"
    failed_steps='' failed_words='' why=failure
    trap '' INT TERM QUIT
    status_undone=$1 status_failed=50 status_nothing=42
    undo_transaction
}

# What reads differently now.
show_differences() {
    differences=''
    # shellcheck disable=SC2086 # words are wanted
    for group in $setting_groups; do
        read_group "$group" "$now"
        while IFS= read -r difference <&5; do
            has_line "$difference" "$here/before/$group" || add_difference "$difference"
        done 5<"$now"
    done
    if [ -n "$differences" ]; then
        tell "${differences%"$newline"}"
    elif [ -n "$setting_groups" ]; then
        tell '  nothing reads differently than before'
    fi
}

add_difference() {
    case $group in
    mtu) if [ "${1% *}" = @ ]; then set -- "$nic mtu ${1##* }"; else set -- "${1% *} mtu ${1##* }"; fi ;;
    files) file_path "${1%% *}" && set -- "$path ${1#* }" ;;
    ring) set -- "ring $1" ;;
    pause) set -- "pause $1" ;;
    esac
    differences="$differences  now: $1$newline"
}

# Without a terminal nobody is asked, and nothing waits.
ask() {
    read_target "$here/decided"
    if [ "$target" = undo ]; then
        tell 'nicmedic: not confirmed in time: it was taken back, or is just being'
        leave 42
    fi
    read_left
    tell "nicmedic: changed. In $left_s s it is taken back unless you keep it."
    is_armed || arm_switch || tell "$switch_gone"
    [ -n "$passed" ] || tell '  No probe passed before the change, so none can tell whether it helped.'
    if ! [ -t 0 ] || ! [ -t 1 ]; then
        tell "  To keep it: sh $here/prescription.sh confirm"
        leave 0
    fi
    tell "  Type keep, undo, or extend SECONDS. From a second login: sh $here/prescription.sh confirm"
    watch_decision &
    watcher=$!
    trap walk_away INT TERM QUIT
    answer=''
    while :; do
        printf '> '
        read -r answer answer_s || { answer=gone && break; }
        case $answer in
        keep | confirm | undo) break ;;
        extend) do_extend_here "$answer_s" ;;
        *) tell '  keep, undo, or extend SECONDS' ;;
        esac
    done
    end_watcher
    case $answer in
    keep | confirm) confirm_here ;;
    undo)
        why=operator status_failed=50 status_nothing=42
        trap '' INT TERM QUIT
        undo_transaction
        ;;
    *) leave 42 ;; # the session died; the switch knows what to do
    esac
}

switch_gone='  BEWARE: the switch does not run and cannot be started: nothing takes the change back but you. Type undo, or keep.'

end_watcher() {
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
}

# Ctrl-C is no answer.
walk_away() {
    trap '' INT TERM QUIT
    end_watcher
    read_target "$here/decided"
    read_left
    printf '\n'
    case $target in
    undo) tell 'nicmedic: it was taken back, or is just being' ;;
    confirmed) tell 'nicmedic: kept by somebody else' ;;
    *) tell "nicmedic: STILL CHANGED; in $left_s s it is taken back. Or type: sh $here/prescription.sh undo    to keep it: sh $here/prescription.sh confirm" ;;
    esac
    leave 130
}

# Tells time, and that somebody else has decided, while the shell waits for an answer.
watch_decision() {
    trap - INT TERM QUIT
    while :; do
        read_target "$here/decided"
        case $target in
        confirmed) printf '\nkept by somebody else; press Enter, then Ctrl-C\n' && return ;;
        undo) printf '\ntaken back; press Ctrl-C\n' && return ;;
        esac
        read_left
        case $left_s in 10 | 20 | 30 | 60 | 90) printf '\n%s s left; keep, undo, or extend SECONDS > ' "$left_s" ;; esac
        sleep 1
    done
}

confirm_here() {
    limit 5 make_link confirmed "$here/decided"
    read_target "$here/decided"
    case $target in
    confirmed)
        note confirmed
        tell "nicmedic: kept until the next boot: $title"
        leave 0
        ;;
    undo)
        tell 'nicmedic: too late: it was taken back, or is just being'
        leave 42
        ;;
    *)
        tell "nicmedic: cannot be kept: $here/decided cannot be written; the switch takes it back"
        leave 27
        ;;
    esac
}

# For what speaks of a use that there is already.
find_use() {
    find_own || find_newest || refuse 28 'it was never applied here' "sh $script apply"
    find_spare
    read_first "$here/boot"
    plan_boot_id=$first_line
}

do_confirm() {
    find_use
    is_open || refuse 28 "$number is not open: $(say_state)"
    if read_first "$here/applier" && is_running "${first_line%% *}" "${first_line##* }"; then
        refuse 28 "$number is not done yet: wait for it" "sh $script status"
    fi
    if [ -z "$journal_probed" ] && read_kept "$here/prober" && is_running "${first_line%% *}" "${first_line##* }"; then
        refuse 28 "$number is not done yet: it looks whether traffic passes" "sh $script status"
    fi
    [ -n "$journal_probed" ] || refuse 28 "$number was cut short, so the switch takes it back" "sh $script undo"
    confirm_here
}

do_extend() {
    find_use
    is_open || refuse 28 "$number is not open: $(say_state)"
    do_extend_here "${1:-}"
    leave "$extend_status"
}

do_extend_here() {
    extend_status=27
    strip_zeros "$1"
    case $stripped in
    '' | *[!0-9]* | ??????*) extend_status=2 && tell 'nicmedic: extend needs a number of seconds, such as 300' ;;
    *)
        read_left
        [ "$left_s" -gt 0 ] || left_s=0
        if set_deadline "$((left_s + stripped))"; then
            extend_status=0
            note extended "$stripped"
            is_armed || arm_switch || { extend_status=26 && tell "$switch_gone"; }
            read_left
            tell "nicmedic: $left_s s left"
        else
            tell "nicmedic: $here/deadline cannot be written; $left_s s left"
        fi
        ;;
    esac
}

do_undo() {
    find_use
    why=operator
    trap '' HUP INT QUIT TERM PIPE
    status_failed=50 status_nothing=28
    [ -z "$boot_id" ] || [ "$plan_boot_id" = "$boot_id" ] || end_other_boot
    undo_transaction
}

say_state() {
    read_target "$here/decided"
    read_journal
    case $target/$last_word in
    */undone) printf 'undone' ;;
    */undo-failed) printf 'CHANGED: not all of it could be undone; type: cat %s/failed' "$here" ;;
    confirmed/*) printf 'kept' ;;
    undo/*) printf 'being undone' ;;
    */abandoned) printf 'given up before anything was changed' ;;
    /) printf 'the machine was booted since, which undid it' ;;
    */planned | */armed) printf 'about to begin' ;;
    */applying) printf 'being changed' ;;
    *) printf 'changed, and waits for confirm' ;;
    esac
}

do_status() {
    if ! find_own && ! find_newest; then
        printf '%s\n' "nicmedic: never applied here: $title"
        leave 0
    fi
    read_left
    printf '%s\n' "nicmedic: $number: $(say_state)"
    if is_open; then
        if is_armed; then switch_words='the switch runs'; else switch_words='THE SWITCH DOES NOT RUN'; fi
        printf '%s\n' "  $left_s s left; $switch_words"
    fi
    printf '%s\n' "  journal: $here/journal"
    leave 0
}

main() {
    self=$0
    case $self in /*) ;; *) self=$(pwd)/$self ;; esac
    verb=${1:-}
    [ $# -eq 0 ] || shift
    spare='' here='' lock=''
    find_bases
    read_first /proc/sys/kernel/random/boot_id
    boot_id=$first_line
    { : >&1; } 2>/dev/null || exec >/dev/null
    { : >&2; } 2>/dev/null || exec 2>/dev/null
    [ -f "$self" ] || refuse 2 'this must be a file: save it, then sh FILE'
    case $verb in
    run-switch)
        keep_going "$self" run-switch "${1:-}"
        exec </dev/null
        here=${self%/*} number=${here##*/}
        cd / || :
        find_spare
        run_switch
        ;;
    confirm | undo | status | extend | apply) [ "$(id -u 2>/dev/null)" = 0 ] || refuse 24 'only root may do this' ;;
    esac
    case $verb in
    check) do_check "$@" ;;
    apply) do_apply "$@" ;;
    confirm) do_confirm ;;
    extend) do_extend "$@" ;;
    undo) do_undo ;;
    status) do_status ;;
    '' | help | -h | --help) show_usage && leave 0 ;;
    *) refuse 2 "$verb: not understood" "sh $script" ;;
    esac
}
