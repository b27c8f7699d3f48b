# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages to people through Apprise. Only in the child that sends: the library and what its services import are not small.

A URL holds secrets. It is in no process list, for it came with the policy into memory; and what the library would log is thrown away.
"""

from nicmedic.model.errors import MissingToolError

__all__ = ["name_service", "send_message"]


def name_service(url: str) -> str:
    """What may be told of a URL: its scheme."""
    scheme = url.partition(":")[0]
    return f"{scheme}://…" if scheme.isalnum() else "a URL"


def send_message(url: str, title: str, text: str) -> bool:
    """Send it; False: it did not get there.

    Raises:
        MissingToolError: Apprise is not installed.
    """
    import logging
    import warnings

    warnings.simplefilter("ignore")  # of other people's code; nobody reads them here
    try:
        import apprise
    except ImportError:
        raise MissingToolError("Apprise is not installed", hint="apt install apprise   # or: pip install 'nicmedic[messages]'") from None
    logging.disable(logging.CRITICAL)
    asset = apprise.AppriseAsset(app_id="nicmedic", app_desc="nicmedic", async_mode=False)
    sender = apprise.Apprise(asset=asset)
    return bool(sender.add(url)) and bool(sender.notify(body=text, title=title))
