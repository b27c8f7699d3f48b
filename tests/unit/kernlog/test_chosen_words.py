# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel prints names that programs and keyboards give themselves: none of them passes for the words of a driver."""

import functools

import pytest

from nicmedic.kernlog.chosen_words import has_chosen_words
from nicmedic.kernlog.match import SignalIndex
from nicmedic.model.event import EventKind
from nicmedic.testing.answers import shipped_knowledge

TAILS = (
    "[18846]: segfault at 0 ip 00007f3cf8185ad8 sp 00007ffe056f9958 error 4 in libc.so.6[167ad8,7f3cf8044000+156000] likely on CPU 1",
    "[18846] bad frame in rt_sigreturn frame:00007ffd5 ip:401130 sp:7ffd5 orax:ffffffffffffffff",
    "[18846] vsyscall attempted with vsyscall=none ip:ffffffffff600000 cs:33 sp:7ffd5 ax:0 si:0 di:0",
    "[18846] trap divide error ip:401130 sp:7ffd5 error:0 in a[401000+1000]",
    "[18846]: unhandled exception: DABT (lower EL), ESR 0x0000000092000044, level 0 translation fault in a[400000+1000]",
    "[18846]: unhandled level 2 translation fault (11) at 0x00000000, esr 0x92000046",
    "[18846]: memfd_create() called without MFD_EXEC or MFD_NOEXEC_SEAL set",
    "/18846: potentially unexpected fatal signal 11.",
    " (18846) used greatest stack depth: 11000 bytes left",
    " (18846): undefined instruction: pc=00010408",
    "(18846): obsolete ioctl",
    " invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    ": page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), nodemask=(null)",
    ": page allocation failure. order:1, mode:0x4020",
    ": unhandled page fault (11) at 0x00000000, code 0x005",
    " uses obsolete (PF_INET,SOCK_PACKET)",
)
"""What follows the name, in Linux 2.6.32 to 6.18: x86, arm, arm64, mm, net."""


@functools.cache
def index() -> SignalIndex:
    return SignalIndex.of(shipped_knowledge().signals)


def of_cards(text: str) -> list[str]:
    """Signals but those of memory and processors, which name a process and no card."""
    kinds = {EventKind.MEMORY_FAULT, EventKind.CPU_STALL, EventKind.OTHER}
    return [match.signal.key for match in index().find_matches(text) if match.signal.hang or match.signal.kind not in kinds]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("name", ["en77:tx timeout", "x\neth0: tx hung", "e", "eth0: hung?: \u00e4"])
def test_a_process_speaks_for_no_card(name: str, tail: str) -> None:
    assert has_chosen_words(name + tail)
    assert of_cards(name + tail) == []


@pytest.mark.parametrize("tail", TAILS)
def test_no_beginning_of_a_drivers_line_is_taken_for_it(tail: str) -> None:
    heads = {f"en1:{signal.literal}" for signal in shipped_knowledge().signals if signal.kind is not None}
    assert len(heads) > 500
    assert [head for head in heads if of_cards(head[:15] + tail)] == []


def test_a_longer_beginning_is_no_name() -> None:
    assert [match.signal.hang for match in index().find_matches("enc28j60 spi0.0 eth0: tx timeout[1]: ")] == [True]


def test_without_the_tail_these_are_a_drivers_words() -> None:
    assert [match.signal.hang for match in index().find_matches("en77:tx timeout")] == [True]


def test_a_keyboard_may_call_itself_what_it_likes() -> None:
    words = "NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out"
    assert index().find_matches(f"veth1: {words}")[0].signal.hang
    assert index().find_matches(f"input: {words} as /devices/virtual/input/input9") == []


@pytest.mark.parametrize(
    "line",
    [
        "traps: en77:tx timeout[18846] general protection fault ip:401130 sp:7ffd5 error:0 in a[401000+1000]",
        "umip: en77:tx timeout[18846] ip:401130 sp:7ffd5: SGDT instruction cannot be used by applications.",
        "note: en77:tx timeout[18846] exited with irqs disabled",
        "INFO: task Tx timed out, :18846 blocked for more than 120 seconds.",
        "warning: `en77: Tx timed out, ' uses 32-bit capabilities (legacy support in use)",
    ],
)
def test_nor_is_a_name_with_words_of_the_kernel_before_it(line: str) -> None:
    assert of_cards(line) == []
