# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages that the kernel begins with words that somebody else chose: the name of a process, or of a keyboard. They say nothing of a card.

``prctl(PR_SET_NAME)`` takes any 15 bytes, and a program that then reads address 0 has the kernel itself print them: ``eth0: tx hung[77]: segfault
at 0 …``, of facility kern, as true as a driver's own line. And ``input: NAME as /devices/…`` has the name that a device of USB or Bluetooth, or a
program with ``/dev/uinput``, calls itself by.
Not for what a process writes into the log itself: that has another facility (``Record.kernel``).
"""

from nicmedic.kernlog.lazy import lazy_pattern

__all__ = ["has_chosen_words"]

_NAME = r"[\s\S]{1,15}"
"""TASK_COMM_LEN, include/linux/sched.h, is 16 with its end."""
_NUMBER = r"\[\d+\][: ]| ?\(\d+\): |/\d+: | \(\d+\) used "
"""``show_signal_msg()`` of arch/x86/mm/fault.c, ``arm64_show_signal()``, ``print_fatal_signal()`` of kernel/signal.c, ``check_stack_usage()``."""
_WORDS = r" invoked oom-killer: |: page allocation |: vmalloc |: unhandled page fault | uses (?:obsolete|deprecated) "
"""``dump_header()`` of mm/oom_kill.c, ``warn_alloc()`` of mm/page_alloc.c, ``__do_user_fault()`` of arch/arm/mm/fault.c, net/packet/af_packet.c."""
_BEFORE = r"(?:input|traps|umip|note): |INFO: task |warning: `"
"""``input_register_device()`` of drivers/input/input.c; and what stands before the name of a process: ``show_signal()`` of arch/x86/kernel/traps.c,
``make_task_dead()`` of kernel/exit.c, ``check_hung_task()`` of kernel/hung_task.c, ``warn_legacy_capability_use()`` of kernel/capability.c."""
_CHOSEN = lazy_pattern(f"{_BEFORE}|{_NAME}(?:{_NUMBER}|{_WORDS})")


def has_chosen_words(text: str) -> bool:
    """Whether a message of the kernel begins with words that somebody else may have chosen.

    >>> has_chosen_words("eth0: tx hung[77]: segfault at 0 ip 000055d0c4f1e139 sp 00007ffd0 error 4 in x[1000+1000]")
    True
    >>> has_chosen_words("r8169 0000:02:00.0 eth0: rtl_tx_cond == 0 (loop: 42, delay: 100).")
    False
    """
    return _CHOSEN.match(text) is not None
