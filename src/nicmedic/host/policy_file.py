# SPDX-License-Identifier: GPL-2.0-or-later
"""The file that says what ``watch`` may do. What stands in it, ``nicmedic.remedy.policy`` reads."""

from nicmedic.model.errors import UnreadableInputError
from nicmedic.model.policy import Policy
from nicmedic.report.escape import escape_terminal, quote_file_name

__all__ = ["POLICY_PATH", "read_policy_file"]

POLICY_PATH = "/etc/nicmedic/policy.toml"
_MOST_BYTES = 1 << 20


def read_policy_file(path: str = POLICY_PATH) -> tuple[Policy, bool]:
    """The policy, and whether there is such a file; without the usual one everything is only observed.

    Raises:
        PolicyError: it says something that makes no sense.
        UnreadableInputError: it cannot be read, or one that was named is not there.
    """
    from nicmedic.remedy.policy import parse_policy  # the parser of TOML is not needed for long

    name = escape_terminal(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # strings throughout
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        if path == POLICY_PATH:
            return Policy(), False
        raise UnreadableInputError(f"{name}: there is no such file", hint=f"ls -l {quote_file_name(path)}") from None
    except OSError as error:
        raise UnreadableInputError(f"{name}: {error.strerror or error}", hint=f"ls -l {quote_file_name(path)}") from None
    if len(data) > _MOST_BYTES:
        raise UnreadableInputError(
            f"{name}: larger than {_MOST_BYTES >> 20} MiB, so it is no policy", hint=f"ls -l {quote_file_name(path)}"
        )
    return parse_policy(data.decode("utf-8", "surrogateescape")), True
