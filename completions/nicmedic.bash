# SPDX-License-Identifier: GPL-2.0-or-later
# Made by make docs out of the commands' records in src/nicmedic/cli; changes here get lost.
# shellcheck shell=bash

_nicmedic() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} path='' word
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        case "${path:+$path }$word" in
        'check' | 'explain' | 'history' | 'blame' | 'report' | 'snapshot' | 'plan' | 'treat' | 'confirm' | 'undo' | 'transactions' | 'keep' | 'kept' | 'verify' | 'release' | 'trial' | 'trial prepare' | 'trial start' | 'trial status' | 'trial stop' | 'trial abort' | 'trial aba' | 'trial resume' | 'watch' | 'incidents' | 'metrics' | 'prescribe' | 'install-service' | 'knowledge' | 'knowledge show' | 'knowledge lint' | 'knowledge literals') path=${path:+$path }$word ;;
        esac
    done
    case $prev in
    --from)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --wait)
        :
        return
        ;;
    --interface)
        mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
        return
        ;;
    --since)
        :
        return
        ;;
    --before)
        :
        return
        ;;
    --after)
        :
        return
        ;;
    --history)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --twin)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --changelog)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --for)
        :
        return
        ;;
    --log)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --output)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -o)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --remedy)
        :
        return
        ;;
    --ladder)
        :
        return
        ;;
    --timeout)
        :
        return
        ;;
    --probe)
        :
        return
        ;;
    --confirm)
        :
        return
        ;;
    --hold)
        :
        return
        ;;
    --extend)
        :
        return
        ;;
    --on-drift)
        :
        return
        ;;
    --soak)
        :
        return
        ;;
    --hook)
        :
        return
        ;;
    --traffic)
        :
        return
        ;;
    --reach)
        :
        return
        ;;
    --patience)
        :
        return
        ;;
    --hours)
        :
        return
        ;;
    --boots)
        :
        return
        ;;
    --policy)
        compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --keep)
        :
        return
        ;;
    --last)
        :
        return
        ;;
    --evidence)
        :
        return
        ;;
    esac
    if [[ $cur != -* ]]; then
        case $path in
        'check')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
            return
            ;;
        'explain')
            compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        'history')
            compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        'blame')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
            return
            ;;
        'report')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
            return
            ;;
        'plan')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
            return
            ;;
        'treat')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
            return
            ;;
        'keep')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
            return
            ;;
        'verify')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
            return
            ;;
        'prescribe')
            mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
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
    '') word='check explain history blame report snapshot plan treat confirm undo transactions keep kept verify release trial watch incidents metrics prescribe install-service knowledge --version --debug --help' ;;
    'check') word='--json --from --wait --help' ;;
    'explain') word='--json --interface --since --all --help' ;;
    'history') word='--json --all --help' ;;
    'blame') word='--json --all --before --after --history --twin --changelog --help' ;;
    'report') word='--for --scrub --history --twin --changelog --log --from --output -o --help' ;;
    'snapshot') word='--output -o --scrub --help' ;;
    'plan') word='--remedy --ladder --accept-losses --json --from --help' ;;
    'treat') word='--remedy --ladder --timeout --probe --confirm --hold --hung --accept-losses --json --help' ;;
    'confirm') word='--extend --out-of-band --help' ;;
    'undo') word='--help' ;;
    'transactions') word='--json --recover --help' ;;
    'keep') word='--remedy --on-drift --dry-run --json --help' ;;
    'kept') word='--json --help' ;;
    'verify') word='--boot --repair --json --help' ;;
    'release') word='--trial --soak --probe --accept-stale-boot --dry-run --json --help' ;;
    'trial') word='prepare start status stop abort aba resume --help' ;;
    'trial prepare') word='--no-copy --install-hook --remove-hook --hook --help' ;;
    'trial start') word='--soak --traffic --probe --reach --patience --no-promote --no-reboot --dry-run --yes --help' ;;
    'trial status') word='--all --json --help' ;;
    'trial stop') word='--promote --help' ;;
    'trial abort') word='--yes --help' ;;
    'trial aba') word='--hours --boots --traffic --probe --reach --patience --no-reboot --dry-run --yes --help' ;;
    'trial resume') word='--help' ;;
    'watch') word='--once --policy --json --keep --help' ;;
    'incidents') word='--json --last --since --evidence --output -o --help' ;;
    'metrics') word='--output -o --help' ;;
    'prescribe') word='--remedy --from --output -o --accept-losses --help' ;;
    'install-service') word='--no-watch --remove --dry-run --help' ;;
    'knowledge') word='show lint literals --help' ;;
    'knowledge show') word='--json --help' ;;
    'knowledge lint') word='--help' ;;
    'knowledge literals') word='--help' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}
complete -F _nicmedic nicmedic
