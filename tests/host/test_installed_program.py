# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed program on the machine that it runs on."""

import subprocess
import sys


def nicmedic(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does."""
    command = [sys.executable, "-m", "nicmedic", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120)


def test_explain_reads_the_kernel_log_of_this_machine_or_says_why_not() -> None:
    done = nicmedic("explain")
    assert "Traceback" not in done.stderr
    if done.returncode in {0, 1}:
        assert done.stdout.strip()
    else:
        assert done.returncode in range(10, 40), done.stderr
        assert done.stderr.strip()
