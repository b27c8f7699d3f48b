# SPDX-License-Identifier: GPL-2.0-or-later
"""``nicmedic watch`` from the command line: what it refuses, what its self-test says, and what its resident part would be."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nicmedic.cli import resident, watch
from nicmedic.cli.main import main
from nicmedic.host.clock import HostClock
from nicmedic.model.errors import PolicyError
from nicmedic.model.incident import Incident, IncidentVerdict
from nicmedic.model.policy import Policy
from nicmedic.report.incident_tally import IncidentTally
from nicmedic.store import HostIncidents

HEAVY = ("argparse", "subprocess", "shutil", "pyroute2", "nicmedic.knowledge", "nicmedic.model.host", "nicmedic.host.machine", "logging")

INCIDENT = Incident(
    boot_id="b", interface="eth0", verdict=IncidentVerdict.LINK, reasons=(), began="2026-11-23T02:59:50+00:00", began_uptime_s=1.0,
    detected="2026-11-23T02:59:51+00:00", detected_uptime_s=2.0,
)  # fmt: skip


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.mark.parametrize("words", [(), ("--once",), ("--keep", "boot")])
def test_only_root_may(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["watch", *words]) == 24
    assert "only root may watch" in capsys.readouterr().err


def test_json_is_of_the_self_test_only(root: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--json"]) == 2
    assert "only the self-test prints it" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--once",)])
def test_a_policy_that_makes_no_sense_is_told(
    words: tuple[str, ...], root: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[default]\nmode = "sometimes"\n')
    assert main(["watch", *words, "--policy", str(path)]) == 16
    assert "sometimes" in capsys.readouterr().err
    path.write_text("mode = \n")
    assert main(["watch", *words, "--policy", str(path)]) == 16


def test_a_service_observes_while_its_policy_makes_no_sense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[default]\nmode = "sometimes"\n')
    with pytest.raises(PolicyError):
        resident._read_first_policy(str(path))
    monkeypatch.setenv("NICMEDIC_CONFINED", "yes")
    monkeypatch.setattr("nicmedic.host.outside._SYSTEMD", str(tmp_path))
    policy, wrong = resident._read_first_policy(str(path))
    assert policy == Policy()
    assert wrong is not None
    assert "sometimes" in wrong


def test_a_policy_that_was_named_must_be_there(root: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--policy", str(tmp_path / "none")]) == 11
    assert "there is no such file" in capsys.readouterr().err
    assert main(["watch", "--policy", str(tmp_path)]) == 11
    large = tmp_path / "large"
    large.write_text("#" * ((1 << 20) + 1))
    assert main(["watch", "--policy", str(large)]) == 11


def test_the_command_becomes_its_resident_part(root: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class BecomeError(Exception):
        pass

    def become(command: tuple[str, ...]) -> None:
        assert command[0] == sys.executable
        assert command[-4] == "/etc/nicmedic/policy.toml"
        raise BecomeError

    monkeypatch.setattr("nicmedic.host.run.become_program", become)
    monkeypatch.setattr("nicmedic.host.policy_file.read_policy_file", lambda _path: None)
    with pytest.raises(BecomeError):
        watch._become_resident("/etc/nicmedic/policy.toml")


def test_older_incidents_come_to_the_resident_part_as_numbers(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch._sum_up_older() == {}
    store = HostIncidents()
    for _ in range(3):
        store.add_incident(INCIDENT, ())
    store.close()
    monkeypatch.setattr(resident, "NEWEST", 2)
    sums = watch._sum_up_older()
    assert sums['nicmedic_incidents_total{interface="eth0",driver="",verdict="link"}'] == 1
    line = resident.build_resident_line("/p", None, ("nicmedic",), resident.keep_sums(sums))
    assert resident._take_sums(line[-1]) == sums
    (state / "incidents.db").write_bytes(b"x" * 100_000)
    assert watch._sum_up_older() == {}


def test_the_resident_part_gets_its_numbers_however_many() -> None:
    sums = {f'nicmedic_incidents_total{{interface="veth{number}",driver="",verdict="link"}}': 1.0 for number in range(5000)}
    line = resident.build_resident_line("/p", None, ("nicmedic",), resident.keep_sums(sums))
    code = "import sys; sys.path.append(sys.argv[1]); from nicmedic.cli.resident import _take_sums; print(len(_take_sums(sys.argv[-1])))"
    done = subprocess.run(
        [*line[:3], code, *line[4:]], capture_output=True, text=True, check=True, timeout=60, cwd="/", pass_fds=(int(line[-1]),)
    )
    os.close(int(line[-1]))
    assert done.stdout == "5000\n"
    assert resident._take_sums("") == {}


def test_what_another_boot_left_open_hangs_no_more() -> None:
    store = HostIncidents()
    for boot_id in ("before", "now"):
        store.add_incident(dataclasses.replace(INCIDENT, boot_id=boot_id, interface=boot_id, verdict=IncidentVerdict.NIC_HUNG), ())
    known = resident._list_known(store, "now", HostClock())
    store.close()
    values = IncidentTally(known).read_values(0.0)
    assert [name for name in values if name.startswith(("nicmedic_hung", "nicmedic_incident_open"))] == [
        'nicmedic_incident_open{interface="now",verdict="nic_hung"}',
        'nicmedic_hung{interface="now"}',
    ]
    assert values['nicmedic_incidents_total{interface="before",driver="",verdict="nic_hung"}'] == 1


def test_the_resident_part_loads_nothing_heavy() -> None:
    line = resident.build_resident_line("/p", None, ("nicmedic",))
    code = "import sys; sys.path.append(sys.argv[1]); import nicmedic.cli.resident; print(*sys.modules)"
    done = subprocess.run([*line[:3], code, *line[4:]], capture_output=True, text=True, check=True, timeout=60, cwd="/")
    assert set(done.stdout.split()).isdisjoint(HEAVY)


def test_faults_are_found(root: None, state: Path) -> None:
    assert watch._find_faults(acts=True) == ()
    assert not (state / "incidents.db").exists()
    assert sorted(os.listdir(state)) == ["transactions"]  # noqa: PTH208  # names are enough
    (state / "incidents.db").write_bytes(b"x" * 100_000)
    (fault,) = watch._find_faults(acts=False)
    assert fault.startswith("incidents could not be written down: ")


def test_a_folder_that_cannot_be_written_is_a_fault(root: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path / "file"))
    faults = watch._find_faults(acts=True)
    assert len(faults) == 2
    assert "could not be written down" in faults[0]
    assert "could not keep its undo" in faults[1]
