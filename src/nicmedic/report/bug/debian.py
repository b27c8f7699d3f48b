# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail to Debian's bug tracking system.

The body begins with the pseudo headers ``Package``, ``Version`` and ``Severity`` and an empty line (https://www.debian.org/Bugs/Reporting).
Bugs of the kernel go to its source package, as ``/usr/share/bug/linux-image-*/control`` has it: ``Submit-As: src:linux``.
Severity ``important``: a bug which has a major effect on the usability of a package, without rendering it completely unusable to everyone
(https://www.debian.org/Bugs/Developer#severities). No ``Tags``: none of them is known to hold, and a release tag would say that no other release
has the bug. What the mail must not have is a second recipient: others are told by ``X-Debbugs-Cc``.
"""

from nicmedic.model.bug_report import BugReport
from nicmedic.report.blame_words import find_kernel
from nicmedic.report.bug.form import Form
from nicmedic.report.bug.harmless import defuse, to_ascii, to_mail, to_word
from nicmedic.report.bug.plain import render_plain
from nicmedic.report.bug.sections import list_sections
from nicmedic.report.bug.versions import find_debian_source
from nicmedic.report.bug.words import find_reported_package, say_title

__all__ = ["DEBIAN"]

_VERSION = r"[0-9][A-Za-z0-9.+:~-]{0,80}"
_LONGEST_SUBJECT = 120


def _find_source(version: str | None) -> str:
    """Until 3.2 the source package was called linux-2.6."""
    return "src:linux-2.6" if version is not None and version.startswith("2.6.") else "src:linux"


def _list_releases(report: BugReport, package: str | None) -> list[str]:
    kernel, host = find_kernel(report.blame, package), report.host
    running = [host.kernel_release] if host is not None and host.kernel_package == package and host.kernel_release else []
    return [*(kernel.releases if kernel is not None else ()), *running]


def _find_version(report: BugReport) -> str | None:
    """None: the kernel that is reported is not Debian's own, or not known."""
    package = find_reported_package(report)
    return to_word(find_debian_source(package, _list_releases(report, package)), _VERSION)


def _render(report: BugReport) -> str:
    version = _find_version(report)
    head = ["To: submit@bugs.debian.org", f"Subject: {to_ascii(defuse(say_title(report)))[:_LONGEST_SUBJECT]}", ""]
    pseudo = [f"Package: {_find_source(version)}", *([f"Version: {version}"] if version else []), "Severity: important", ""]
    return to_mail([*head, *pseudo, *render_plain(list_sections(report))])


def _list_steps(report: BugReport, file: str) -> tuple[str, ...]:
    host = report.host
    steps = [
        "search first: https://bugs.debian.org/cgi-bin/pkgreport.cgi?src=linux",
        f"sendmail -t -i < {file}   # where the host can send mail",
        "or paste it into a mail to submit@bugs.debian.org: the subject, then all from the line Package: on, as plain text",
        "or: reportbug linux-image-$(uname -r), and paste all below the line Severity: into its editor",
    ]
    if host is not None and host.distro_id not in (None, "debian"):
        steps.insert(
            0, f"this host runs {defuse(host.distro or host.distro_id or '')}, not Debian: Debian takes bugs of its own kernels only"
        )
    if _find_version(report) is None:
        package = find_reported_package(report)
        if package is None:
            steps.insert(0, "no version of a kernel package is known: add the line Version: by hand")
        else:
            steps.insert(
                0,
                f"{defuse(package)} does not look like a kernel of Debian's own; if it is one, add the line Version: by hand",
            )
    return tuple(steps)


DEBIAN = Form("debian", "a mail to bugs.debian.org", _render, _list_steps)
