# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab ring's fixtures; what they do is told in lab/fixtures.py."""

from lab.fixtures import disk_vm, fault, pytest_runtest_makereport, segment, vm

__all__ = ["disk_vm", "fault", "pytest_runtest_makereport", "segment", "vm"]
