# SPDX-License-Identifier: GPL-2.0-or-later
"""Text to records, records to boots and events. Pure: bytes and values in, values out.

``formats/`` has one module a container; ``scan/`` finds the few lines that matter in a big file.
"""
