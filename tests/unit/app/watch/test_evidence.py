# SPDX-License-Identifier: GPL-2.0-or-later
"""The evidence of a hang is on disk before anything is done about it, also of one that an incident did not begin with."""

from collections.abc import Sequence

from nicmedic.model.incident import EvidenceKind, Incident, IncidentVerdict
from nicmedic.model.policy import Mode, NicPolicy
from nicmedic.model.sample import Signal
from tests.unit.app.watch.world import World

RESTORE = NicPolicy(mode=Mode.RESTORE)


def logs_at_begin(world: World) -> list[list[bytes]]:
    """The kernel logs that were on disk each time that something was begun."""
    found: list[list[bytes]] = []
    begin = world.treater.begin

    def look(incident: Incident, what: str, arguments: Sequence[str]) -> int:
        assert incident.id is not None
        found.append([piece.data for piece in world.store.read_evidence(incident.id) if piece.kind is EvidenceKind.KERNEL_LOG])
        return begin(incident, what, arguments)

    world.treater.begin = look  # type: ignore[method-assign]  # looks on
    return found


def test_what_turns_out_to_be_a_hang_has_the_evidence_of_it_before_anything_is_done() -> None:
    world = World(policy=RESTORE)
    card, seen = world.card, logs_at_begin(world)
    world.senses.kernel_log = b"before\n"

    def fall_silent() -> None:
        card.partner_silent, card.gateway_answers = True, False

    def hang() -> tuple[Signal, ...]:
        card.hang()
        world.senses.kernel_log += b"the driver's words\n"
        return card.fire_watchdog(world.clock.read_monotonic_s())

    world.at(10, fall_silent)
    world.at(3600, hang)
    world.run(3610)
    assert world.incidents[0].verdict is IncidentVerdict.NIC_HUNG
    assert seen[0] == [b"before\n", b"before\nthe driver's words\n"]
    kinds = [piece.kind for piece in world.store.read_evidence(1)]
    assert kinds[:4] == [EvidenceKind.SAMPLES, EvidenceKind.KERNEL_LOG] * 2


def test_a_hang_that_comes_back_has_the_evidence_of_its_return_before_anything_is_done() -> None:
    world = World(policy=NicPolicy(mode=Mode.RESTORE, quiet_after_boot_s=1060))
    seen = logs_at_begin(world)
    world.senses.kernel_log = b"before\n"

    def again() -> None:
        world.card.hang()
        world.senses.kernel_log += b"words of the second hang\n"

    world.at(10, world.card.hang)
    world.at(14, world.card.reset)
    world.at(62, again)
    world.run(90)
    (incident,) = world.incidents
    assert "it came back once" in incident.reasons
    assert seen == [[b"before\n", b"before\nwords of the second hang\n"]]


def test_a_hang_that_comes_back_all_night_fills_no_disk() -> None:
    world = World()
    for number in range(200):
        world.at(10 + 30 * number, world.card.hang)
        world.at(15 + 30 * number, world.card.reset)
    world.run(6100)
    (incident,) = world.incidents
    assert any("came back 1" in reason for reason in incident.reasons)
    assert len(world.store.read_evidence(1)) < 40
