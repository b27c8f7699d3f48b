# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration files of the network managers: which of them owns a NIC, and by which file."""
