#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later

# ---- What is set and what stands on the card: read, kept, put back ----
#
# A group is one kind of setting. read_GROUP prints it, one thing a line, in words that say how to set it again. What it printed before the change is
# kept in before/GROUP. restore_GROUP is called with the file of what is set now and sets what differs, so it may be called again at any time.
# Groups in the order in which they are put back:

all_groups='name mac features ring coalesce pause eee link mtu files sysctl up master port addresses neighbours routes rules'

path=''
backslash="\\"

# GROUP FILE: into the file; it stays empty where nothing can be read.
read_group() {
    find_card || return 121
    : >"$2" || return 1
    "read_$1" >"$2" 2>/dev/null
}

# SECONDS FILE PROGRAM [ARGUMENT]...: what a program prints, into a file.
capture() {
    capture_s=$1 capture_file=$2
    locate "$3"
    shift 3
    "$located" "$@" >"$capture_file" 2>/dev/null </dev/null &
    child=$!
    await_child "$capture_s"
}

# PROGRAM [ARGUMENT]...: into the file $seen.
look_at() {
    capture 5 "$seen" "$@"
}

# FILE FILE: whether both hold the same.
is_same() {
    [ "$(cat "$1" 2>/dev/null)" = "$(cat "$2" 2>/dev/null)" ]
}

# LINE FILE: whether the file holds exactly this line.
has_line() {
    while IFS= read -r has_line_text || [ -n "$has_line_text" ]; do
        [ "$has_line_text" = "$1" ] && return 0
    done 2>/dev/null <"$2"
    return 1
}

# FILE FILE FUNCTION: calls the function with each line of the first file that the second does not hold.
each_missing() {
    each_status=0
    while IFS= read -r each_line <&4 || [ -n "$each_line" ]; do
        has_line "$each_line" "$2" && continue
        "$3" "$each_line" || each_status=1
    done 4<"$1"
    return "$each_status"
}

# SECONDS PROGRAM [ARGUMENT]...: a command that sets something; one that fails is told as it would be typed.
set_it() {
    set_s=$1
    shift
    try 1 0 needed "$*" limit_program "$set_s" "$@"
}

# The same where failing is no failure: it may be there already, or come by itself.
set_if_possible() {
    limit_program 10 "$@"
    return 0
}

restore_name() {
    read_first "$here/before/name" && rename_card "$first_line"
}

read_name() {
    printf '%s\n' "$nic"
}

read_mac() {
    cat "/sys/class/net/$nic/address"
}

restore_mac() {
    read_first "$here/before/mac" && set_it 10 ip link set dev "$nic" address "$first_line"
}

# Kernel names where ethtool tells them, else the short names of old ones. A heading over several features is not set itself.
read_features() {
    look_at ethtool -k "$nic" || return 0
    heading='' heading_value=''
    while IFS= read -r feature_line; do
        case $feature_line in *': on'* | *': off'*) ;; *) continue ;; esac
        feature=${feature_line%%:*}
        case $feature_line in
        *'[requested on]'*) feature_value=on ;;
        *'[requested off]'*) feature_value=off ;;
        *': on'*) feature_value=on ;;
        *) feature_value=off ;;
        esac
        case $feature in
        '	'*) heading='' ;;
        *) print_heading ;;
        esac
        case $feature_line in *'[fixed]'*) heading='' && continue ;; esac
        case $feature in
        '	'*) printf '%s %s\n' "${feature#?}" "$feature_value" ;;
        *) heading=$feature heading_value=$feature_value ;;
        esac
    done <"$seen"
    print_heading
}

print_heading() {
    case $heading in
    '') return ;;
    rx-checksumming) heading=rx ;;
    tx-checksumming) heading=tx ;;
    scatter-gather) heading=sg ;;
    tcp-segmentation-offload | 'tcp segmentation offload') heading=tso ;;
    udp-fragmentation-offload | 'udp fragmentation offload') heading=ufo ;;
    generic-segmentation-offload | 'generic segmentation offload') heading=gso ;;
    generic-receive-offload) heading=gro ;;
    large-receive-offload) heading=lro ;;
    rx-vlan-offload) heading=rxvlan ;;
    tx-vlan-offload) heading=txvlan ;;
    ntuple-filters) heading=ntuple ;;
    receive-hashing) heading=rxhash ;;
    esac
    printf '%s %s\n' "$heading" "$heading_value"
    heading=''
}

# All at once, as one may need another; then, for a kernel or tool that refuses the whole, each alone.
restore_features() {
    features_now=$1
    set --
    while read -r feature feature_value; do
        has_line "$feature $feature_value" "$features_now" || set -- "$@" "$feature" "$feature_value"
    done <"$here/before/features"
    [ $# -eq 0 ] || limit_program 20 ethtool -K "$nic" "$@"
    read_group features "$now"
    each_missing "$here/before/features" "$now" set_feature
}

set_feature() {
    set_it 10 ethtool -K "$nic" "${1% *}" "${1##* }"
}

read_ring() {
    look_at ethtool -g "$nic" || return 0
    ring=''
    while IFS=' 	:' read -r ring_name ring_value _; do
        case $ring_name/$ring_value in
        Current/*) ring=now ;;
        RX/[0-9]* | TX/[0-9]*) [ "$ring" != now ] || printf '%s %s\n' "$ring_name" "$ring_value" ;;
        esac
    done <"$seen"
}

restore_ring() {
    each_missing "$here/before/ring" "$1" set_ring
}

set_ring() {
    case $1 in
    RX*) set_it 20 ethtool -G "$nic" rx "${1##* }" ;;
    *) set_it 20 ethtool -G "$nic" tx "${1##* }" ;;
    esac
}

read_coalesce() {
    look_at ethtool -c "$nic" || return 0
    while read -r coalesce_name coalesce_value coalesce_third coalesce_fourth coalesce_fifth _; do
        case $coalesce_name/$coalesce_value in
        Adaptive/RX:)
            case $coalesce_third in on | off) printf 'adaptive-rx %s\n' "$coalesce_third" ;; esac
            case $coalesce_fourth/$coalesce_fifth in TX:/on | TX:/off) printf 'adaptive-tx %s\n' "$coalesce_fifth" ;; esac
            ;;
        *:/[0-9]*) printf '%s %s\n' "${coalesce_name%:}" "$coalesce_value" ;;
        esac
    done <"$seen"
}

restore_coalesce() {
    each_missing "$here/before/coalesce" "$1" set_coalesce
}

set_coalesce() {
    set_it 10 ethtool -C "$nic" "${1% *}" "${1##* }"
}

read_pause() {
    look_at ethtool -a "$nic" || return 0
    while read -r pause_name pause_value _; do
        case $pause_name in
        Autonegotiate:) printf 'autoneg %s\n' "$pause_value" ;;
        RX:) printf 'rx %s\n' "$pause_value" ;;
        TX:) printf 'tx %s\n' "$pause_value" ;;
        esac
    done <"$seen"
}

restore_pause() {
    set --
    while read -r pause_name pause_value; do
        set -- "$@" "$pause_name" "$pause_value"
    done <"$here/before/pause"
    [ $# -eq 0 ] || set_it 10 ethtool -A "$nic" "$@"
}

read_eee() {
    look_at ethtool --show-eee "$nic" || return 0
    if holds 'EEE status: enabled' "$seen"; then
        printf 'eee on\n'
    elif holds 'EEE status: disabled' "$seen"; then
        printf 'eee off\n'
    fi
}

restore_eee() {
    read_first "$here/before/eee" && set_it 10 ethtool --set-eee "$nic" eee "${first_line#eee }"
}

# What is advertised as a mask of link modes, exactly; of a forced link its speed and duplex.
read_link() {
    if has_program ethtool; then
        look_at ethtool "$nic" || return 0
        link_list='' link_autoneg='' link_speed='' link_duplex='' link_mask=0 link_unknown=''
        while IFS= read -r link_line; do
            case $link_line in
            *'Link partner'*) link_list='' ;;
            *'Advertised link modes:'*) link_list=yes && link_line=${link_line#*:} ;;
            *'Auto-negotiation: on'*) link_autoneg=on ;;
            *'Auto-negotiation: off'*) link_autoneg=off ;;
            *'Speed: '[0-9]*) link_speed=${link_line##*: } && link_speed=${link_speed%%[!0-9]*} ;;
            *'Duplex: Full'*) link_duplex=full ;;
            *'Duplex: Half'*) link_duplex=half ;;
            esac
            case $link_line in *:*) link_list='' ;; esac
            # shellcheck disable=SC2086 # words are wanted
            [ -z "$link_list" ] || add_modes $link_line
        done <"$seen"
        print_link
    elif has_program mii-tool; then
        look_at mii-tool -v "$nic" || return 0
        link_autoneg=''
        while read -r mii_first mii_rest; do
            case "$mii_first $mii_rest" in
            'basic mode:'*autonegotiation*) link_autoneg=on ;;
            'basic mode:'*) printf 'mii force %s\n' "$(name_mii_mode "$mii_rest")" ;;
            'advertising: '*) [ "$link_autoneg" != on ] || printf 'mii advertise %s\n' "$(join_commas "${mii_rest%flow-control}")" ;;
            esac
        done <"$seen"
    fi
}

print_link() {
    if [ "$link_autoneg" = on ] && [ "$link_mask" -gt 0 ] && [ -z "$link_unknown" ]; then
        printf 'autoneg on advertise 0x%x\n' "$link_mask"
    elif [ "$link_autoneg" = on ]; then
        printf 'autoneg on\n'
    elif [ "$link_autoneg" = off ] && [ -n "$link_speed" ] && [ -n "$link_duplex" ]; then
        printf 'speed %s duplex %s autoneg off\n' "$link_speed" "$link_duplex"
    fi
}

# MODE...: bits of include/uapi/linux/ethtool.h that a shell's 63 bits can hold; others make the mask unknown.
add_modes() {
    for mode; do
        case $mode in
        10baseT/Half) mode_bit=0 ;;
        10baseT/Full) mode_bit=1 ;;
        100baseT/Half) mode_bit=2 ;;
        100baseT/Full) mode_bit=3 ;;
        1000baseT/Half) mode_bit=4 ;;
        1000baseT/Full) mode_bit=5 ;;
        10000baseT/Full) mode_bit=12 ;;
        2500baseX/Full) mode_bit=15 ;;
        1000baseKX/Full) mode_bit=17 ;;
        10000baseKX4/Full) mode_bit=18 ;;
        10000baseKR/Full) mode_bit=19 ;;
        40000baseKR4/Full) mode_bit=23 ;;
        40000baseCR4/Full) mode_bit=24 ;;
        40000baseSR4/Full) mode_bit=25 ;;
        40000baseLR4/Full) mode_bit=26 ;;
        25000baseCR/Full) mode_bit=31 ;;
        25000baseKR/Full) mode_bit=32 ;;
        25000baseSR/Full) mode_bit=33 ;;
        1000baseX/Full) mode_bit=41 ;;
        10000baseCR/Full) mode_bit=42 ;;
        10000baseSR/Full) mode_bit=43 ;;
        10000baseLR/Full) mode_bit=44 ;;
        2500baseT/Full) mode_bit=47 ;;
        5000baseT/Full) mode_bit=48 ;;
        */Full | */Half) link_unknown=yes && continue ;;
        *) continue ;;
        esac
        link_mask=$((link_mask | 1 << mode_bit))
    done
}

name_mii_mode() {
    case $1 in
    *'100 Mbit, full'*) echo 100baseTx-FD ;;
    *'100 Mbit, half'*) echo 100baseTx-HD ;;
    *'10 Mbit, full'*) echo 10baseT-FD ;;
    *) echo 10baseT-HD ;;
    esac
}

join_commas() {
    # shellcheck disable=SC2086 # words are wanted
    set -- $1
    joined=''
    for joined_word; do joined="${joined:+$joined,}$joined_word"; done
    printf '%s' "$joined"
}

restore_link() {
    read_first "$here/before/link" || return 0
    # shellcheck disable=SC2086 # words that read_link made
    set -- $first_line
    case "$1 ${2:-}" in
    'mii force') set_it 10 mii-tool "--force=$3" "$nic" ;;
    'mii advertise') set_it 10 mii-tool "--advertise=$3" "$nic" ;;
    *) set_it 10 ethtool -s "$nic" "$@" ;;
    esac
}

# Of the card, and of what stands on it: a smaller size of the card cuts them down, and they do not grow again by themselves.
read_mtu() {
    printf '@ %s\n' "$(cat "/sys/class/net/$nic/mtu")"
    for upper in $uppers; do
        printf '%s %s\n' "$upper" "$(cat "/sys/class/net/$upper/mtu")"
    done
}

restore_mtu() {
    each_missing "$here/before/mtu" "$1" set_mtu
}

set_mtu() {
    mtu_name=${1% *}
    if [ "$mtu_name" = @ ]; then mtu_name=$nic; fi
    set_it 10 ip link set dev "$mtu_name" mtu "${1##* }"
}

# Files that the change writes: NUMBER VALUE. Of a choice like "[default] performance" what stands in brackets.
read_files() {
    file_number=0
    while file_path "$file_number"; do
        if read_first "$path"; then
            case $first_line in *\[*\]*) first_line=${first_line#*\[} && first_line=${first_line%%\]*} ;; esac
            printf '%s %s\n' "$file_number" "$first_line"
        fi
        file_number=$((file_number + 1))
    done
}

restore_files() {
    each_missing "$here/before/files" "$1" set_file
}

set_file() {
    file_path "${1%% *}"
    try 3 2 needed "echo ${1#* } > $path" limit 20 write_line "$path" "${1#* }"
}

# Settings of the interface below /proc/sys, and its send queue: a new interface begins with the defaults.
read_sysctl() {
    read_values "/proc/sys/net/ipv4/conf/$nic" "/proc/sys/net/ipv6/conf/$nic" "/proc/sys/net/ipv4/neigh/$nic" "/proc/sys/net/ipv6/neigh/$nic"
    printf '%s %s\n' tx_queue_len "$(cat "/sys/class/net/$nic/tx_queue_len")"
}

# FOLDER...: every file with one word in it that root may write.
read_values() {
    for values_folder; do
        set +f
        for values_file in "$values_folder"/*; do
            set -f
            if [ -w "$values_file" ] && [ -f "$values_file" ] && read_first "$values_file" && [ -n "$first_line" ]; then
                values_kind=${values_folder#/proc/sys/net/}
                case $values_kind in /*) values_kind=port ;; esac
                printf '%s %s %s\n' "${values_kind%%/"$nic"}" "${values_file##*/}" "$first_line"
            fi
        done
    done
    set -f
}

restore_sysctl() {
    each_missing "$here/before/sysctl" "$1" set_sysctl
}

set_sysctl() {
    # shellcheck disable=SC2086 # words that read_values made
    set -- $1
    if [ "$1" = tx_queue_len ]; then
        limit 5 write_line "/sys/class/net/$nic/tx_queue_len" "$2"
    else
        limit 5 write_line "/proc/sys/net/$1/$nic/$2" "$3"
    fi
    return 0
}

read_up() {
    read_first "/sys/class/net/$nic/flags" || return 0
    [ $((first_line & 1)) -ne 0 ] && echo up || echo down
    find_master
    [ -z "$master" ] || return 0 # a bridge or bond sets the others on its ports
    read_first "/sys/class/net/$nic/flags"
    [ $((first_line & 256)) -eq 0 ] || echo 'promisc on'
    [ $((first_line & 512)) -eq 0 ] || echo 'allmulticast on'
}

restore_up() {
    each_missing "$here/before/up" "$1" set_up
}

set_up() {
    # shellcheck disable=SC2086 # words that read_up made
    set_it 10 ip link set dev "$nic" $1
}

read_master() {
    find_master
    [ -z "$master" ] || printf '%s\n' "$master"
}

# -> master: the bridge or bond that the card is a port of.
find_master() {
    master=''
    if resolve "/sys/class/net/$nic/master" || resolve "/sys/class/net/$nic/brport/bridge"; then master=${resolved##*/}; fi
}

restore_master() {
    read_first "$here/before/master" || return 0
    find_master
    [ "$master" = "$first_line" ] && return 0
    master=$first_line
    if [ -e "/sys/class/net/$master/bonding/slaves" ]; then
        limit_program 10 ip link set dev "$nic" down # a bond takes no port that is up
        try 3 2 needed "echo +$nic > /sys/class/net/$master/bonding/slaves" limit 10 write_line "/sys/class/net/$master/bonding/slaves" "+$nic"
        return
    fi
    limit_program 10 ip link set dev "$nic" master "$master" && return 0
    set_it 10 brctl addif "$master" "$nic"
}

# How the bridge treats its port.
read_port() {
    [ ! -d "/sys/class/net/$nic/brport" ] || read_values "/sys/class/net/$nic/brport"
}

restore_port() {
    each_missing "$here/before/port" "$1" set_port
}

set_port() {
    # shellcheck disable=SC2086 # words that read_values made
    set -- $1
    limit 5 write_line "/sys/class/net/$nic/brport/$2" "$3"
    return 0
}

# NAME FAMILY LOCAL ... as ip prints them, without what changes by itself.
read_addresses() {
    for address_name in "$nic" $uppers; do
        look_at ip -o addr show dev "$address_name"
        while read -r _ _ address_line; do
            case $address_line in inet*temporary*) continue ;; inet*) ;; *) continue ;; esac
            # shellcheck disable=SC2086 # words are wanted
            print_address $address_line
        done <"$seen"
    done
}

print_address() {
    address_text=''
    if [ "$address_name" = "$nic" ]; then address_text=@; else address_text=$address_name; fi
    address_text="$address_text $1 $2"
    address_family=$1
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
        peer | brd | scope | metric) address_text="$address_text $1 ${2:-}" && shift ;;
        noprefixroute | nodad | home | mngtmpaddr) address_text="$address_text $1" ;;
        \\* | valid_lft) break ;;
        flags) shift ;;
        "$address_name":*) [ "$address_family" != inet ] || address_text="$address_text label ${1%"$backslash"}" ;;
        esac
        shift
    done
    printf '%s\n' "$address_text"
}

restore_addresses() {
    each_missing "$here/before/addresses" "$1" set_address
}

set_address() {
    # shellcheck disable=SC2086 # words that print_address made
    set -- $1
    address_name=$1
    if [ "$address_name" = @ ]; then address_name=$nic; fi
    shift 2
    limit_program 10 ip addr add "$@" dev "$address_name" && return 0
    # fewer words for an ip that knows fewer; it may have come back meanwhile as well
    look_at ip -o addr show dev "$address_name"
    holds "$1" "$seen" || set_it 10 ip addr add "$1" dev "$address_name"
}

read_neighbours() {
    look_at ip neigh show dev "$nic" || return 0
    while read -r neighbour_address neighbour_line; do
        case " $neighbour_line " in *' PERMANENT '*) ;; *) continue ;; esac
        case " $neighbour_line" in *' lladdr '*) ;; *) continue ;; esac
        neighbour_line=${neighbour_line##*lladdr }
        printf '%s %s\n' "$neighbour_address" "${neighbour_line%% *}"
    done <"$seen"
}

restore_neighbours() {
    each_missing "$here/before/neighbours" "$1" set_neighbour
}

set_neighbour() {
    limit_program 10 ip neigh replace "${1% *}" lladdr "${1##* }" nud permanent dev "$nic" && return 0
    set_it 10 arp -i "$nic" -s "${1% *}" "${1##* }" # busybox has an ip that only shows them
}

# Of all tables; those over the card or what stands on it, that no other than somebody has made. Routes with a gateway last: it must be within reach.
read_routes() {
    : >"$seen.last"
    for route_family in -4 -6; do
        look_at ip -o "$route_family" route show table all
        while IFS= read -r route_line; do
            # shellcheck disable=SC2086 # words are wanted
            print_route $route_line
        done <"$seen"
    done
    cat "$seen.last"
    rm -f "$seen.last"
}

print_route() {
    case $1 in local | broadcast | anycast | multicast | unreachable | prohibit | blackhole | throw | cache | ff00::/8) return ;; esac
    route_ours='' route_via='' route_text=$route_family
    while [ $# -gt 0 ]; do
        case $1 in
        expires | error | users | age | hoplimit | used) shift ;;
        \\ | linkdown | dead | offload | rt_offload | trap | rt_trap | notify) ;;
        cache) return ;;
        dev)
            case " $nic $uppers " in *" ${2:-} "*) route_ours=yes ;; esac
            route_text="$route_text dev ${2:-}"
            shift
            ;;
        via) route_via=yes route_text="$route_text via" ;;
        \\*) route_text="$route_text ${1#?}" ;;
        *) route_text="$route_text $1" ;;
        esac
        [ $# -eq 0 ] || shift
    done
    [ -n "$route_ours" ] || return 0
    if [ -n "$route_via" ]; then printf '%s\n' "$route_text" >>"$seen.last"; else printf '%s\n' "$route_text"; fi
}

restore_routes() {
    each_missing "$here/before/routes" "$1" set_route
}

set_route() {
    # shellcheck disable=SC2086 # words that print_route made
    set -- $1
    route_family=$1
    shift
    case " $* " in
    *' proto kernel '*) set_if_possible ip "$route_family" route add "$@" ;; # comes with its address
    *) try 3 1 needed "ip $route_family route add $*" limit_program 10 ip "$route_family" route add "$@" ;;
    esac
}

read_rules() {
    for rule_family in -4 -6; do
        look_at ip "$rule_family" rule show
        while read -r rule_number rule_line; do
            case " $rule_line " in *" iif $nic "* | *" oif $nic "*) ;; *) continue ;; esac
            printf '%s pref %s %s\n' "$rule_family" "${rule_number%:}" "${rule_line%' [detached]'}"
        done <"$seen"
    done
}

restore_rules() {
    each_missing "$here/before/rules" "$1" set_rule
}

set_rule() {
    # shellcheck disable=SC2086 # words that read_rules made
    set -- $1
    rule_family=$1
    shift
    set_it 10 ip "$rule_family" rule add "$@"
}

# -> uppers: names of what stands on the card, however high; on_top: those that go with its interface, and that this script cannot make anew.
find_uppers() {
    uppers='' on_top=''
    find_master
    find_uppers_of "$nic"
    for upper in $uppers; do
        if [ "$upper" != "$master" ] && ! [ -d "/sys/class/net/$upper/bridge" ] && ! [ -d "/sys/class/net/$upper/bonding" ]; then
            on_top="${on_top:+$on_top }$upper"
        fi
    done
    if [ -r /proc/net/vlan/config ]; then # before Linux 3.9 sysfs does not tell
        while read -r upper _ _ _ upper_below; do
            [ "$upper_below" = "$nic" ] || continue
            case " $uppers " in *" $upper "*) ;; *) uppers="$uppers $upper" on_top="${on_top:+$on_top }$upper" ;; esac
        done </proc/net/vlan/config
    fi
}

find_uppers_of() {
    set +f
    set -- "/sys/class/net/$1"/upper_*
    set -f
    for upper; do
        [ -e "$upper" ] || [ -h "$upper" ] || continue
        upper=${upper##*/upper_}
        case " $uppers " in *" $upper "*) continue ;; esac
        uppers="${uppers:+$uppers }$upper"
        find_uppers_of "$upper"
    done
}

# All of it, before anything is changed. Fails where it cannot be kept.
save_state() {
    limit 5 make_folder "$here/before" || return 1
    find_uppers
    for group in $all_groups; do
        read_group "$group" "$here/before/$group" || return 1
    done
    limit 5 write_line "$here/before/uppers" "$uppers" || return 1
    for evidence in link address route rule neigh; do
        capture 5 "$here/before/ip-$evidence.txt" ip "$evidence" show
    done
    ! has_program ethtool || capture 5 "$here/before/ethtool.txt" ethtool "$nic"
    ! has_program dmesg || capture 5 "$here/before/dmesg.txt" dmesg
    limit 20 sync
    return 0
}

# GROUP...: brings back what differs, and reads again what was set.
restore_groups() {
    read_first "$here/before/uppers"
    uppers=$first_line
    for group; do
        [ -s "$here/before/$group" ] || continue
        if ! find_card; then
            failed_steps="$failed_steps$lost_steps$newline" failed_words="${failed_words:+$failed_words; }the card has no interface"
            return 1
        fi
        read_group "$group" "$now"
        is_same "$here/before/$group" "$now" && continue
        failed_before=$failed_steps failed_words_before=$failed_words
        "restore_$group" "$now"
        read_group "$group" "$now"
        if is_same "$here/before/$group" "$now"; then failed_steps=$failed_before failed_words=$failed_words_before; fi
    done
}
