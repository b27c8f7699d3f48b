# SPDX-License-Identifier: GPL-2.0-or-later
"""All forms. A new one is a module and a line here."""

from nicmedic.report.bug.debian import DEBIAN
from nicmedic.report.bug.document import DOCUMENT
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.github import GITHUB
from nicmedic.report.bug.kernel import KERNEL
from nicmedic.report.bug.redhat import REDHAT
from nicmedic.report.bug.ubuntu import UBUNTU

__all__ = ["FORMS", "find_form"]


FORMS: tuple[Form, ...] = (DEBIAN, UBUNTU, REDHAT, KERNEL, GITHUB, DOCUMENT)


def find_form(name: str) -> Form | None:
    """By its name."""
    return next((form for form in FORMS if form.name == name), None)
