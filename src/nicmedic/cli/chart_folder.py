# SPDX-License-Identifier: GPL-2.0-or-later
"""Where matplotlib may write while a report's charts are drawn: not into the home folder of whoever runs us, who is mostly root.

When it is imported it makes ``~/.config/matplotlib`` and ``~/.cache/matplotlib`` and lists the machine's fonts there, and reads settings from there;
``MPLCONFIGDIR`` names another folder (https://matplotlib.org/stable/install/environment_variables_faq.html). Half a second goes into a new list.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["open_chart_folder"]

_VARIABLE = "MPLCONFIGDIR"


@contextmanager
def open_chart_folder() -> Iterator[None]:
    """For as long as this is open matplotlib has a temporary folder, whatever the environment names.

    Where none can be made (nothing is writable) it finds no place at all, and a report has no charts.
    """
    before = os.environ.get(_VARIABLE)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nicmedic-charts-"))
        except OSError:
            folder = os.devnull
        os.environ[_VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before
