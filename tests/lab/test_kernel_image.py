# SPDX-License-Identifier: GPL-2.0-or-later
"""A real kernel's image tells which build it is."""

from lab import kernels
from nicmedic.host.kernel_image import read_build


def test_debians_image_tells_its_build() -> None:
    kernel = kernels.find()
    build = read_build(str(kernel.image))
    assert build is not None
    assert build.release == kernel.version
    assert build.version.startswith("#1 SMP PREEMPT_DYNAMIC Debian ")
