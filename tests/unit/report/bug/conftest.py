# SPDX-License-Identifier: GPL-2.0-or-later
"""matplotlib is loaded before the guard of this ring listens, for it then lists the machine's fonts with a program and keeps the list in a file."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def drawing_library(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Loaded, with a temporary folder for its list."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        import matplotlib.font_manager

        assert matplotlib.font_manager.fontManager.ttflist
