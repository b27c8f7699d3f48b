# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that are started: how they fail, and that they never block. Here and not in the unit ring, which starts none."""

import pytest

from nicmedic.host.run import stream_program
from nicmedic.model.errors import UnreadableInputError

LOUD = "head -c 300000 /dev/zero | tr '\\0' x >&2; echo said; exit {}"


def test_a_program_that_complains_much_does_not_block() -> None:
    assert b"".join(stream_program(["timeout", "20", "sh", "-c", LOUD.format(0)])) == b"said\n"


def test_of_a_long_complaint_the_beginning_stands_in_the_error() -> None:
    with pytest.raises(UnreadableInputError, match="status 3: xxx") as caught:
        list(stream_program(["timeout", "20", "sh", "-c", LOUD.format(3)]))
    assert len(caught.value.message) < 5000
