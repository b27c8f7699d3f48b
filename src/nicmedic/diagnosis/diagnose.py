# SPDX-License-Identifier: GPL-2.0-or-later
"""From evidence to findings: weigh every cause for every NIC in trouble, and say first what points away from the NIC."""

from collections.abc import Iterator, Sequence

from nicmedic.diagnosis.evidence import BootView, Evidence, NicCase, build_cases
from nicmedic.diagnosis.rank import rank_remedies
from nicmedic.diagnosis.weigh import Weighed, holds, weigh_cause
from nicmedic.knowledge.base import KnowledgeBase
from nicmedic.knowledge.values import Advice, Cause, Clause, Default, DriverKnowledge
from nicmedic.model.finding import Blame, Confidence, Finding, RankedRemedy, RemedyId
from nicmedic.model.names import shell_name

__all__ = ["diagnose"]

_HIGH, _MEDIUM = 3.0, 1.5
_UNEXPLAINED = 1.0
"""A cause must carry more than that to stand before "nothing in the log says why"."""
_AWAY = frozenset({Blame.HOST, Blame.PLATFORM, Blame.HYPERVISOR, Blame.LINK})
_MOST_CAUSES = 4

_ANY_DRIVER = Default(
    blames=Blame.UNKNOWN,
    because="nicmedic has no knowledge of this driver",
    remedies=tuple(
        Advice(id=remedy)
        for remedy in (RemedyId.KERNEL_UPGRADE, RemedyId.OFFLOAD_OFF, RemedyId.HARDWARE, RemedyId.LINK_BOUNCE, RemedyId.REBOOT)
    ),
)


def _confidence(points: float) -> Confidence:
    return Confidence.HIGH if points >= _HIGH else Confidence.MEDIUM if points >= _MEDIUM else Confidence.LOW


def _weigh_case(case: NicCase, driver: DriverKnowledge | None, knowledge: KnowledgeBase) -> list[tuple[Cause, Weighed, BootView]]:
    """The causes that carry anything, heaviest first; each in the boot that shows it best."""
    causes = [*(driver.causes if driver else ()), *(cause for shared in knowledge.shared for cause in shared.causes)]
    weighed = []
    for cause in causes:
        best = max(((weigh_cause(cause, view, case), view) for view in case.views), key=lambda item: item[0].points, default=None)
        if best is not None and best[0].points > 0 and best[0].reasons:
            weighed.append((cause, *best))
    return sorted(weighed, key=lambda item: (-item[1].points, item[0].key))


def diagnose(evidence: Evidence, knowledge: KnowledgeBase) -> list[Finding]:
    """All findings, most important first."""
    findings: list[Finding] = []
    for case in build_cases(evidence, knowledge.driver_names):
        findings += _find_for_case(case, knowledge)
    return _in_order(findings)


def _find_for_case(case: NicCase, knowledge: KnowledgeBase) -> Iterator[Finding]:
    driver = knowledge.find_driver(case.driver)
    case.aliases = frozenset(driver.names) if driver is not None else frozenset()
    weighed = _weigh_case(case, driver, knowledge)
    seen = [item for item in weighed if item[1].seen or item[1].points > _UNEXPLAINED]
    possible = [(cause, result.points) for cause, result, _ in weighed if not result.seen and result.points <= _UNEXPLAINED]
    told = [item for item in seen if item[1].points > _UNEXPLAINED][:_MOST_CAUSES]
    for cause, result, view in told:
        yield _finding(case, driver, knowledge, view, cause, result)
    if told:
        return
    if case.interface or case.bus or case.driver:
        yield _unexplained(case, driver, knowledge, possible)
    for cause, result, view in seen[:_MOST_CAUSES]:
        yield _finding(case, driver, knowledge, view, cause, result)


def _chips(case: NicCase) -> list[str]:
    return [value for view in case.views for fact in view.facts for name, value in fact.values if name in {"chip", "xid"}]


def _finding(
    case: NicCase, driver: DriverKnowledge | None, knowledge: KnowledgeBase, view: BootView, cause: Cause, result: Weighed
) -> Finding:
    names = {
        "interface": shell_name(case.interface, "IFACE"),
        "bus": shell_name(case.bus, "BUS"),
        "driver": shell_name(case.driver, "DRIVER"),
    }
    return Finding(
        host=case.host,
        interface=case.interface,
        driver=case.driver,
        bus=case.bus,
        cause=cause.key,
        title=cause.title,
        blames=cause.blames,
        confidence=_confidence(result.points),
        points=round(result.points, 2),
        reasons=result.reasons,
        against=result.against,
        explains=cause.explains,
        settle=tuple(_fill(command, names) for command in cause.settle),
        sources=cause.sources,
        remedies=_ranked(case, driver, knowledge, view, cause, ()),
        boot=view.boot.index if view.boot else None,
    )


def _unexplained(
    case: NicCase, driver: DriverKnowledge | None, knowledge: KnowledgeBase, possible: Sequence[tuple[Cause, float]]
) -> Finding:
    default = driver.default if driver is not None else _ANY_DRIVER
    view = case.views[0]
    return Finding(
        host=case.host,
        interface=case.interface,
        driver=case.driver,
        bus=case.bus,
        cause=f"{driver.name if driver else 'core'}/unexplained",
        title="The log shows that it happened, not why",
        blames=default.blames,
        confidence=Confidence.LOW,
        points=_UNEXPLAINED,
        reasons=(
            *((default.because,) if default.because else ()),
            *(f"Possible with this NIC and kernel: {cause.title}" for cause, _ in possible),
        ),
        against=(),
        explains="",
        settle=(),
        sources=driver.sources if driver else (),
        remedies=_ranked(case, driver, knowledge, view, None, possible),
        boot=view.boot.index if view.boot else None,
    )


def _ranked(
    case: NicCase,
    driver: DriverKnowledge | None,
    knowledge: KnowledgeBase,
    view: BootView,
    cause: Cause | None,
    possible: Sequence[tuple[Cause, float]],
) -> tuple[RankedRemedy, ...]:
    known = driver or _nothing_known()

    def is_held(clause: Clause) -> bool:
        return holds(clause, known.name, view, case)[0]

    cautions = [*known.cautions, *(caution for shared in knowledge.shared for caution in shared.cautions)]
    return rank_remedies(cause, possible, known, knowledge.trials, _chips(case), cautions, is_held)


def _nothing_known() -> DriverKnowledge:
    return DriverKnowledge(
        name="NICs in general",
        names=(),
        title="",
        bus="",
        watchdog_timeo_ms=None,
        tx_timeout_handler=True,
        sources=(),
        default=_ANY_DRIVER,
        signals=(),
        causes=(),
        trials=(),
        cautions=(),
    )


def _fill(command: str, names: dict[str, str]) -> str:
    for key, value in names.items():
        command = command.replace("{" + key + "}", value)
    return command


def _in_order(findings: list[Finding]) -> list[Finding]:
    """Heaviest first; of two that carry alike, the one that points away from the NIC."""

    def key(finding: Finding) -> tuple[int, int, float]:
        order = [Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW].index(finding.confidence)
        return order, 0 if finding.blames in _AWAY else 1, -finding.points

    return sorted(findings, key=key)
