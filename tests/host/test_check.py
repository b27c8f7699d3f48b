# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic check`` on this machine's own kernel, used badly: by an ordinary user, among hundreds of links with odd names, where things vanish."""

import json
import subprocess
import sys

import pytest

NOBODY = 65534

AS_NOBODY = f"""
import contextlib, io, os, sys
from nicmedic.cli.main import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["check", "--json", "--wait", "0"])  # what is imported later stands where that user may not read
os.setgroups([]); os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
sys.exit(main(sys.argv[1:]))
"""

MANY = """
set -e
mount -t sysfs sysfs /sys
ip link add 'veth"x;y' type veth peer name '$(reboot)'
ip link add name "$(printf 'a\\303\\251\\033b')" type bridge
i=0; while [ $i -lt 200 ]; do echo "link add d$i type bridge"; i=$((i+1)); done | ip -batch -
(i=0; while [ $i -lt 200 ]; do ip link del d$i; i=$((i+1)); done) &
"$@"
wait
"""


def test_an_ordinary_user_sees_what_he_may_and_is_told_what_root_would_see() -> None:
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, "check", "--json"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    assert document["host"]["is_root"] is False
    if not document["nics"]:
        pytest.skip("needs a network card")
    assert [note for card in document["nics"] for note in card["notes"] if note["why"] == "refused"]
    assert any(note.startswith("root would also see: ") for note in document["notes"])


def test_hundreds_of_links_with_odd_names_that_vanish_midway() -> None:
    command = ["unshare", "--net", "--mount", "sh", "-c", MANY, "sh", sys.executable, "-m", "nicmedic", "check", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    names = {link["interface"] for link in json.loads(done.stdout)["host"]["links"]}
    assert {'veth"x;y', "$(reboot)", "a\u00e9\x1bb"} <= names
