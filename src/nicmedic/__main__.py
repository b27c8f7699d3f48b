# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m nicmedic``: the same as the command ``nicmedic``."""

from nicmedic.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
