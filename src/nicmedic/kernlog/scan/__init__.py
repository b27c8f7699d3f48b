# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the few lines of a long log that may matter: those that hold one of some hundred literal strings.

``build_scanner`` chooses between Hyperscan, where that optional package is there, and plain Python, which is always right and nearly as fast.
Not for matching patterns, and not for the machine: bytes in, offsets out.
"""

from nicmedic.kernlog.scan.scanner import LineScanner, build_scanner, find_texts

__all__ = ["LineScanner", "build_scanner", "find_texts"]
