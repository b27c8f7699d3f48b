# SPDX-License-Identifier: GPL-2.0-or-later
"""Completions for bash, zsh and fish out of the commands' records. They offer interfaces of this machine and drivers that are known."""

from collections.abc import Iterator

from nicmedic.cli.declare import Argument, Command, Offer

__all__ = ["render_bash", "render_fish", "render_zsh"]

_HEAD = (
    "# SPDX-License-Identifier: GPL-2.0-or-later",
    "# Made by make docs out of the commands' records in src/nicmedic/cli; changes here get lost.",
)
_INTERFACES = "ls /sys/class/net 2>/dev/null"
_DRIVERS = "nicmedic knowledge show 2>/dev/null | sed -n 's/^\\([^ ][^ ]*\\) .*/\\1/p'"


def _walk(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    """A command and all below it, each with the words that lead to it."""
    yield path, command
    for child in command.commands:
        yield from _walk(child, f"{path} {child.name}")


def _words(command: Command) -> str:
    options = [name for argument in command.arguments if argument.is_option for name in argument.names]
    return " ".join([*(child.name for child in command.commands), *options, "--help"])


def _offer(command: Command) -> Offer:
    return next((argument.offer for argument in command.arguments if not argument.is_option), Offer.NOTHING)


# bash ------------------------------------------------------------------------------------------------------------------------


def _bash_offer(offer: Offer) -> str:
    return {
        Offer.FILES: 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur")',
        Offer.INTERFACES: f'mapfile -t COMPREPLY < <(compgen -W "$({_INTERFACES})" -- "$cur")',
        Offer.DRIVERS: f'mapfile -t COMPREPLY < <(compgen -W "$({_DRIVERS})" -- "$cur")',
        Offer.NOTHING: ":",
    }[offer]


def _values(program: Command) -> dict[str, Argument]:
    return {
        name: argument
        for _, command in _walk(program, "")
        for argument in command.arguments
        if argument.takes_value
        for name in argument.names
    }


def render_bash(program: Command) -> str:
    """For /usr/share/bash-completion/completions/nicmedic; needs no bash-completion package."""
    paths = [(path.strip(), command) for path, command in _walk(program, "")]
    deeper = [path for path, _ in paths if path]
    lines = [
        *_HEAD,
        "# shellcheck shell=bash",
        "",
        f"_{program.name}() {{",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} path='' word",
        "    COMPREPLY=()",
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do',
        '        case "${path:+$path }$word" in',
        f"        {' | '.join(repr(path) for path in deeper)}) path=${{path:+$path }}$word ;;",
        "        esac",
        "    done",
        "    case $prev in",
    ]
    for name, argument in _values(program).items():
        lines += [f"    {name})", f"        {_bash_offer(argument.offer)}", "        return", "        ;;"]
    lines += ["    esac", "    if [[ $cur != -* ]]; then", "        case $path in"]
    for path, command in paths:
        if _offer(command) is not Offer.NOTHING:
            lines += [f"        {path!r})", f"            {_bash_offer(_offer(command))}", "            return", "            ;;"]
    lines += ["        esac", "    fi", "    case $path in"]
    for path, command in paths:
        lines += [f"    {path!r}) word='{_words(command)}' ;;"]
    lines += ["    esac", '    mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")', "}", f"complete -F _{program.name} {program.name}"]
    return "\n".join(lines) + "\n"


# zsh -------------------------------------------------------------------------------------------------------------------------


def _zsh_quote(text: str) -> str:
    """Text within a description of ``_arguments``, itself in single quotes."""
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def _zsh_action(offer: Offer, function: str) -> str:
    return {
        Offer.FILES: "_files",
        Offer.INTERFACES: f"{function}_interfaces",
        Offer.DRIVERS: f"{function}_drivers",
        Offer.NOTHING: " ",
    }[offer]


def _zsh_argument(argument: Argument, function: str) -> str:
    action = _zsh_action(argument.offer, function)
    if not argument.is_option:
        many = "*" if argument.nargs == "*" else ""
        return f"'{many}:{_zsh_quote(argument.help)}:{action}'"
    tail = f":{argument.metavar}:{action}" if argument.takes_value else ""
    return f"'{argument.names[0]}[{_zsh_quote(argument.help)}]{tail}'"


def _zsh_function(path: str, command: Command) -> Iterator[str]:
    function = "_" + path.replace(" ", "_")
    root = "_" + path.split(" ", maxsplit=1)[0]
    yield f"{function}() {{"
    if command.commands:
        yield "    local line state"
    yield "    _arguments -C \\" if command.commands else "    _arguments \\"
    rows = ["'(- *)'--help'[show the help and end]'", *(_zsh_argument(argument, root) for argument in command.arguments)]
    if command.commands:
        rows += ["'1:command:->command'", "'*::argument:->argument'"]
    yield from (f"        {row} \\" for row in rows[:-1])
    yield f"        {rows[-1]}"
    if command.commands:
        yield "    case $state in"
        yield "    command)"
        yield "        local -a commands=("
        yield from (f"            '{child.name}:{_zsh_quote(child.summary)}'" for child in command.commands)
        yield "        )"
        yield "        _describe command commands"
        yield "        ;;"
        yield "    argument)"
        yield "        case $line[1] in"
        yield from (f"        {child.name}) {function}_{child.name} ;;" for child in command.commands)
        yield "        esac"
        yield "        ;;"
        yield "    esac"
    yield "}"
    yield ""


def render_zsh(program: Command) -> str:
    """For a folder of zsh's ``fpath``, as ``_nicmedic``."""
    name = program.name
    lines = [f"#compdef {name}", *_HEAD, ""]
    lines += [f"_{name}_interfaces() {{", f'    local -a found=(${{(f)"$({_INTERFACES})"}})', "    _describe interface found", "}", ""]
    lines += [f"_{name}_drivers() {{", f'    local -a found=(${{(f)"$({_DRIVERS})"}})', "    _describe driver found", "}", ""]
    for path, command in _walk(program, name):
        lines += _zsh_function(path, command)
    lines.append(f'_{name} "$@"')
    return "\n".join(lines) + "\n"


# fish ------------------------------------------------------------------------------------------------------------------------


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_condition(path: str, command: Command) -> str:
    """Whether the words typed so far lead to this command, and not to one below it."""
    seen = [f"__fish_seen_subcommand_from {word}" for word in path.split()[1:]]
    below = [child.name for child in command.commands]
    unseen = [f"not __fish_seen_subcommand_from {' '.join(below)}"] if below else []
    return _fish_quote("; and ".join([*seen, *unseen]))


def render_fish(program: Command) -> str:
    """For ~/.config/fish/completions/nicmedic.fish."""
    name = program.name
    lines = [*_HEAD, "", f"complete -c {name} -f", f"complete -c {name} -l help -d 'show the help and end'"]
    values = {Offer.INTERFACES: f"({_INTERFACES})", Offer.DRIVERS: f"({_DRIVERS})"}
    for path, command in _walk(program, name):
        start = f"complete -c {name} -n {_fish_condition(path, command)}"
        lines += [f"{start} -a {child.name} -d {_fish_quote(child.summary)}" for child in command.commands]
        for argument in command.arguments:
            offer = (
                "-F" if argument.offer is Offer.FILES else f"-a {_fish_quote(values[argument.offer])}" if argument.offer in values else ""
            )
            if argument.is_option:
                value = f" -x {offer}".rstrip() if argument.takes_value else ""
                lines.append(f"{start} -l {argument.names[0].lstrip('-')}{value} -d {_fish_quote(argument.help)}")
            elif offer:
                lines.append(f"{start} {offer}")
    return "\n".join(lines) + "\n"
