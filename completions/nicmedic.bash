# SPDX-License-Identifier: GPL-2.0-or-later
# Made by make docs out of the commands' records in src/nicmedic/cli; changes here get lost.
# shellcheck shell=bash

_nicmedic() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} path='' word
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        case "${path:+$path }$word" in
        'explain' | 'knowledge' | 'knowledge show' | 'knowledge lint' | 'knowledge literals') path=${path:+$path }$word ;;
        esac
    done
    case $prev in
    --interface)
        mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
        return
        ;;
    --since)
        :
        return
        ;;
    esac
    if [[ $cur != -* ]]; then
        case $path in
        'explain')
            compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        'knowledge show')
            mapfile -t COMPREPLY < <(compgen -W "$(nicmedic knowledge show 2>/dev/null | sed -n 's/^\([^ ][^ ]*\) .*/\1/p')" -- "$cur")
            return
            ;;
        'knowledge lint')
            compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        esac
    fi
    case $path in
    '') word='explain knowledge --version --debug --help' ;;
    'explain') word='--json --interface --since --all --help' ;;
    'knowledge') word='show lint literals --help' ;;
    'knowledge show') word='--json --help' ;;
    'knowledge lint') word='--help' ;;
    'knowledge literals') word='--help' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}
complete -F _nicmedic nicmedic
