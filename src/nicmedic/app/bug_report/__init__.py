# SPDX-License-Identifier: GPL-2.0-or-later
"""Put a bug report together out of what was read elsewhere: facts, log excerpt, what was tried, what is not known."""
