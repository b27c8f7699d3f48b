# SPDX-License-Identifier: GPL-2.0-or-later
"""What a crash has left half kept is ended by the commands that are about it, and never while somebody has to confirm."""

from pathlib import Path

import pytest

from nicmedic.cli import leftovers
from nicmedic.cli.leftovers import take_up_leftovers
from nicmedic.host.kept_folder import HostKept
from nicmedic.host.kept_unit import HostBootCheck
from nicmedic.host.transactions import HostTransactions
from nicmedic.model.keeping import Kept, KeptState, MadeFor, OnDrift
from nicmedic.model.plan import Identity, Plan
from nicmedic.model.transaction import Confirm

KEPT = Kept(
    id=1,
    nic=Identity(interface="eth0"),
    wishes=(),
    placements=(),
    made_for=MadeFor(),
    on_drift=OnDrift.ALARM,
    kept_at="2026-01-01T00:00:00+00:00",
    state=KeptState.WRITING,
)


@pytest.mark.parametrize(("command", "ends"), [("confirm", False), ("undo", False), ("watch", False), ("check", False), ("release", True)])
def test_only_commands_about_what_is_kept_end_what_is_half_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, *, ends: bool
) -> None:
    """It starts programs that take minutes; whoever confirms has two."""
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    store = HostKept()
    store.create_kept(KEPT)
    monkeypatch.setattr(HostBootCheck, "remove_check", lambda _: None)
    take_up_leftovers(command)
    said = capsys.readouterr().err
    assert (store.list_kept() == (), "nicmedic kept" in said) == (ends, not ends)


def test_while_a_transaction_is_open_nothing_half_kept_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NICMEDIC_STATE", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    HostKept().create_kept(KEPT)
    monkeypatch.setattr(leftovers, "_recover_transactions", lambda: False)  # somebody sees to it
    transactions = HostTransactions(str(tmp_path / "transactions"), str(tmp_path / "run"))
    plan = Plan(nic=KEPT.nic, boot_id=Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    opened = transactions.create_transaction(plan, "", confirm=Confirm.OPERATOR, timeout_s=60, before=(), add_evidence=lambda _folder: None)
    transactions.set_deadline(opened, 60)
    take_up_leftovers("release")
    assert "when no transaction is open" in capsys.readouterr().err
    assert len(HostKept().list_kept()) == 1
