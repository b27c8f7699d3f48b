# SPDX-License-Identifier: GPL-2.0-or-later
"""What else changed with the kernel. A change that is proven in time has as many possible causes as things that changed at that time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from nicmedic.evidence.moments import parse_moment
from nicmedic.model.blame import Confounder
from nicmedic.model.history import BootRecord, History, PackageChange

__all__ = ["compare_boots_of", "find_change", "find_confounders", "find_unknown_factors", "is_kernel"]

_KERNEL: Final = re.compile(
    r"(?:linux-(?:image|headers|modules|kbuild|base|libc-dev|compiler|doc|source|perf|tools)\b|kernel\b|linux(?:-lts|-zen)?$)"
)
_WEIGHTY: Final = re.compile(
    r"firmware|microcode|^xen|hypervisor|qemu|libvirt|kvm|dkms|r816[89]|e1000|igb|ixgbe|grub|systemd|udev|ifupdown|network|ethtool|bridge|irqbalance|"
    r"tuned|bonding|vlan"
)
_BOOT_IMAGE: Final = re.compile(r"\b(?:BOOT_IMAGE|initrd)=\S+\s*")
_TRIAL: Final = re.compile(r"\bnicmedic\.(?:trial|saved)=")
_TRIAL_WORDS: Final = re.compile(
    r"(?:^|\s)(?:nicmedic\.\S+|panic=\S+|oops=panic|softlockup_panic=\S+|nmi_watchdog=panic|rd\.shell=0|rd\.emergency=reboot)(?=\s|$)"
)
"""What ``trial`` has on the line of a kernel, so that it comes back by itself: nothing that makes a card hang."""
_ABOUT_TRIALS: Final = "trial"
_MATTERS: Final[Mapping[str, str]] = {"link": "link partner and speed", "mtu": "MTU", "load": "load"}


def is_kernel(package: str) -> bool:
    """Whether a package is the kernel itself, or made from its source.

    >>> is_kernel("linux-image-3.2.0-4-amd64"), is_kernel("kernel-core"), is_kernel("xen-hypervisor-4.1-amd64")
    (True, True, False)
    """
    return _KERNEL.match(package) is not None


def find_change(history: History, control: str, suspect: str) -> tuple[BootRecord, BootRecord] | None:
    """The last boot before the suspect's first one, of the control if there is any, and that first one; None: there is nothing before it."""
    place = next((index for index, boot in enumerate(history.boots) if boot.kernel_package == suspect), None)
    if not place:
        return None
    earlier = history.boots[:place]
    return next((boot for boot in reversed(earlier) if boot.kernel_package == control), earlier[-1]), history.boots[place]


def _factors(boot: BootRecord) -> dict[str, str | None]:
    line = None if boot.command_line is None else _BOOT_IMAGE.sub("", boot.command_line).strip()
    told = {what: value for what, value in boot.circumstances.items() if what != _ABOUT_TRIALS}
    return {"Xen": boot.xen, "firmware": boot.firmware, "command line": line, **told}


def _without_trial(lines: Sequence[str | None]) -> list[str | None]:
    """Command lines without the words of a trial, where one of them is of one."""
    if not any(line is not None and _TRIAL.search(line) for line in lines):
        return list(lines)
    return [None if line is None else _TRIAL_WORDS.sub("", line).strip() for line in lines]


def compare_boots_of(before: BootRecord, after: BootRecord, how: str) -> Iterator[Confounder]:
    """What both boots tell of, and differently; and what only one of them has, other than the command line."""
    old, new = _factors(before), _factors(after)
    old["command line"], new["command line"] = _without_trial((old["command line"], new["command line"]))
    for what in dict.fromkeys([*old, *new]):
        was, became = old.get(what), new.get(what)
        if was != became and (what != "command line" or None not in {was, became}):
            yield Confounder(what=what, before=was, after=became, how=how)


def _is_between(change: PackageChange, before: BootRecord, after: BootRecord) -> bool:
    moment, began, ended = parse_moment(change.time), parse_moment(before.began), parse_moment(after.began)
    return moment is not None and began is not None and ended is not None and began <= moment <= ended


def _kernel_transactions(changes: Sequence[PackageChange], suspect: str) -> set[str]:
    return {one.transaction for one in changes if one.transaction is not None and one.after == suspect and is_kernel(one.package)}


def find_confounders(history: History, control: str, suspect: str) -> tuple[Confounder, ...]:
    """All that is told to have changed from the last boot before the change to the first one after it, the weightiest first."""
    change = find_change(history, control, suspect)
    if change is None:
        return ()
    before, after = change
    together = _kernel_transactions(history.changes, suspect)
    packages = []
    for one in history.changes:
        same = one.transaction is not None and one.transaction in together
        if not is_kernel(one.package) and (same or _is_between(one, before, after)):
            how = "in the same transaction" if same else "installed between the two boots"
            packages.append(Confounder(what=f"package {one.package}", before=one.before, after=one.after, how=how))
    packages.sort(key=lambda one: _WEIGHTY.search(one.what) is None)
    return (*compare_boots_of(before, after, "from one boot to the next"), *dict.fromkeys(packages))


def find_unknown_factors(history: History, control: str, suspect: str) -> tuple[str, ...]:
    """What may have changed as well, and is not told of both boots."""
    change = find_change(history, control, suspect)
    if change is None:
        return ()
    told = [{what for what, value in _factors(boot).items() if value is not None} for boot in change]
    both = told[0] & told[1]
    missing = [what for what in ("Xen", "firmware", "command line") if not told[0] | told[1] or what not in told[0] | told[1]]
    words = {what.split(" ", 1)[0] for what in both}
    return (*missing, *(name for word, name in _MATTERS.items() if word not in words))
