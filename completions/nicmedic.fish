# SPDX-License-Identifier: GPL-2.0-or-later
# Made by make docs out of the commands' records in src/nicmedic/cli; changes here get lost.

complete -c nicmedic -f
complete -c nicmedic -l help -d 'show the help and end'
complete -c nicmedic -n 'not __fish_seen_subcommand_from check explain snapshot knowledge' -a check -d 'say what each network card does now, and what may bite it'
complete -c nicmedic -n 'not __fish_seen_subcommand_from check explain snapshot knowledge' -a explain -d 'say from a kernel log why a NIC hung, and what to try'
complete -c nicmedic -n 'not __fish_seen_subcommand_from check explain snapshot knowledge' -a snapshot -d 'save everything that is known of this host and its network cards in one file'
complete -c nicmedic -n 'not __fish_seen_subcommand_from check explain snapshot knowledge' -a knowledge -d 'show what is known of a driver, and check knowledge files'
complete -c nicmedic -n 'not __fish_seen_subcommand_from check explain snapshot knowledge' -l version -d 'print the version and end'
complete -c nicmedic -n 'not __fish_seen_subcommand_from check explain snapshot knowledge' -l debug -d 'show a traceback also for expected errors; stands before the command'
complete -c nicmedic -n '__fish_seen_subcommand_from check' -a '(ls /sys/class/net 2>/dev/null)'
complete -c nicmedic -n '__fish_seen_subcommand_from check' -l json -d 'print one JSON document with all facts, schema nicmedic.check/1'
complete -c nicmedic -n '__fish_seen_subcommand_from check' -l from -x -F -d 'judge another host: a snapshot, a sosreport, or a folder with a copy of its files'
complete -c nicmedic -n '__fish_seen_subcommand_from check' -l wait -x -d 'seconds from the first look to the second, 0.5 to 60, for less proves nothing (default: 1; 0: one look only)'
complete -c nicmedic -n '__fish_seen_subcommand_from explain' -F
complete -c nicmedic -n '__fish_seen_subcommand_from explain' -l json -d 'print one JSON document, schema nicmedic.explain/1'
complete -c nicmedic -n '__fish_seen_subcommand_from explain' -l interface -x -a '(ls /sys/class/net 2>/dev/null)' -d 'tell only what concerns this interface or the whole host'
complete -c nicmedic -n '__fish_seen_subcommand_from explain' -l since -x -d 'leave out what is known to be older: 2026-01-31, \'2026-01-31 12:00\', 2h, \'3 days ago\', yesterday'
complete -c nicmedic -n '__fish_seen_subcommand_from explain' -l all -d 'print every event of the timeline and every remedy'
complete -c nicmedic -n '__fish_seen_subcommand_from snapshot' -l output -x -F -d 'the file to write (default: nicmedic-HOST-TIME.tar.gz in this folder)'
complete -c nicmedic -n '__fish_seen_subcommand_from snapshot' -l scrub -d 'replace addresses, names and serial numbers consistently; what stands for what is kept in a file beside it'
complete -c nicmedic -n '__fish_seen_subcommand_from knowledge; and not __fish_seen_subcommand_from show lint literals' -a show -d 'print what is known of a driver'
complete -c nicmedic -n '__fish_seen_subcommand_from knowledge; and not __fish_seen_subcommand_from show lint literals' -a lint -d 'check knowledge files'
complete -c nicmedic -n '__fish_seen_subcommand_from knowledge; and not __fish_seen_subcommand_from show lint literals' -a literals -d 'print the literal strings that big logs are searched for'
complete -c nicmedic -n '__fish_seen_subcommand_from knowledge; and __fish_seen_subcommand_from show' -a '(nicmedic knowledge show 2>/dev/null | sed -n \'s/^\\([^ ][^ ]*\\) .*/\\1/p\')'
complete -c nicmedic -n '__fish_seen_subcommand_from knowledge; and __fish_seen_subcommand_from show' -l json -d 'print one JSON document, schema nicmedic.knowledge-show/1'
complete -c nicmedic -n '__fish_seen_subcommand_from knowledge; and __fish_seen_subcommand_from lint' -F
