# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of ``blame`` in sentences, for its own answer and for whatever else tells of them."""

from nicmedic.evidence.versions import is_older
from nicmedic.model.blame import ArmFigures, Blame, Comparison, Estimate, KernelFigures, TwinSays, TwinWord, Verdict
from nicmedic.model.durations import say_duration
from nicmedic.report.words import say_count

__all__ = [
    "find_kernel",
    "is_backwards",
    "is_downgrade",
    "say_arm",
    "say_caveat",
    "say_hold",
    "say_hours",
    "say_interval",
    "say_number",
    "say_p",
    "say_twin",
    "say_verdict",
    "summarize_blame",
]

_WORDS = {Verdict.PROVEN: "Proven", Verdict.LIKELY: "Likely, not proven", Verdict.NOT_SHOWN: "Not shown"}


def say_hours(hours: float) -> str:
    """Hours as people count exposure.

    >>> say_hours(3100.4), say_hours(31.0), say_hours(0.15)
    ('3,100 h', '31 h', '540 s')
    """
    return f"{hours:,.0f} h" if hours >= 10 else say_duration(hours * 3600)


def say_p(p: float | None) -> str:
    """A p-value; never as 0.

    >>> say_p(0.00628), say_p(1e-12), say_p(None)
    ('p = 0.0063', 'p < 0.0001', 'p unknown')
    """
    if p is None:
        return "p unknown"
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"


def say_interval(estimate: Estimate | None, *, share: bool = False) -> str:
    """A rate per 1,000 h, or a share, with its interval of 95 %.

    >>> say_interval(Estimate(value=0.0, low=0.0, high=0.00119)), say_interval(Estimate(value=1.0, low=0.29, high=1.0), share=True)
    ('0 (0 to 1.2)', '100 % (29 to 100)')
    """
    if estimate is None:
        return "unknown"
    scale, unit = (100.0, " %") if share else (1000.0, "")
    value, low = estimate.value * scale, estimate.low * scale
    high = "more" if estimate.high is None else f"{say_number(estimate.high * scale)}"
    return f"{say_number(value)}{unit} ({say_number(low)} to {high})"


def say_number(value: float) -> str:
    """Two digits, or all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _say_first(figures: ArmFigures) -> str:
    mean = sum(figures.first_hangs_h) / len(figures.first_hangs_h)
    return f"after {say_duration(mean * 3600)}{' on average' if figures.boots_hung > 1 else ''}"


def say_arm(figures: ArmFigures) -> str:
    """What one kernel has seen."""
    hours = say_hours(figures.hours_at_risk)
    if not figures.boots:
        return "no boot was watched"
    if not figures.boots_hung:
        return f"0 hangs in {hours} over {say_count(figures.boots, 'boot')}"
    return f"{figures.boots_hung} of {say_count(figures.boots, 'boot')} hung, the first hang {_say_first(figures)}"


def find_kernel(blame: Blame, package: str | None) -> KernelFigures | None:
    """The figures of a package."""
    return next((kernel for kernel in blame.kernels if kernel.package == package and package is not None), None)


def is_backwards(blame: Blame) -> bool:
    """Whether what is suspected was booted first, and what it is compared with came later."""
    packages = [kernel.package for kernel in blame.kernels]
    return blame.before in packages and blame.after in packages and packages.index(blame.after) < packages.index(blame.before)


def is_downgrade(blame: Blame) -> bool:
    """Whether what is suspected is the older of the two packages."""
    return blame.before is not None and blame.after is not None and is_older(blame.after, blame.before) is True


def say_verdict(verdict: Verdict) -> str:
    """One word, or three."""
    return _WORDS[verdict]


def summarize_blame(blame: Blame) -> str:
    """The first line: the verdict with its figures."""
    compared, old, new = blame.comparison, find_kernel(blame, blame.before), find_kernel(blame, blame.after)
    what = f"hangs of {blame.interface}" if blame.interface else "hangs"
    if compared is None or old is None or new is None:
        hung = sum(kernel.figures.boots_hung for kernel in blame.kernels)
        boots = sum(kernel.figures.boots for kernel in blame.kernels)
        if not boots:
            return "Not shown: no boot is covered by a log, so nothing is known of hangs."
        known = len(blame.kernels) - sum(kernel.package is None for kernel in blame.kernels)
        which = "only one kernel package is known here" if known else "of no boot the kernel package is known"
        return f"Not shown: {which}; {hung} of {say_count(boots, 'watched boot')} hung."
    back = "going back to " if is_downgrade(blame) and not is_backwards(blame) else ""
    came = f"{what} came with {back}{blame.after}"
    claim = came if compared.verdict is Verdict.PROVEN else f"that {came}"
    where = f"on {blame.before}" if is_backwards(blame) else f"before (the newer {blame.before})" if back else f"before ({blame.before})"
    tail = f"{say_arm(new.figures)}; {where}: {say_arm(old.figures)}; {say_p(compared.p)}"
    return f"{say_verdict(compared.verdict)}: {claim}: {tail}."


def say_caveat(blame: Blame) -> str | None:
    """What must be said with the verdict, for it may be wrong; None: nothing."""
    compared = blame.comparison
    if compared is None or compared.p_one_outage is None or compared.verdict is Verdict.NOT_SHOWN:
        return None
    return (
        "Between these hangs less than an hour of quiet was watched. Boots are taken as independent draws; if instead one reboot set off one lasting "
        f"outage, whatever the kernel, then {say_p(compared.p_one_outage)}. Only going back tells."
    )


def say_twin(twin: TwinSays, before: str, after: str) -> str:
    """What another host says, in a sentence."""
    name, figures = twin.host or "the twin", twin.figures
    if not figures.boots:
        return f"{name} says nothing: no watched boot of it ran {after}."
    if twin.word is TwinWord.SUPPORTS:
        return f'{name} hangs on {after} as well ({say_arm(figures)}; on {before}: {say_arm(twin.control)}): that supports "the kernel".'
    if twin.word is TwinWord.CONTRADICTS:
        chance = f"if it has such a card and hung as often as this host, {say_p(twin.p)}"
        return f'{name} contradicts "the kernel alone": {say_arm(figures)} on {after}; {chance}.'
    if figures.boots_hung:
        other = f"and on {before} no less ({say_arm(twin.control)})" if twin.control.boots else f"but was not watched on {before}"
        return f"{name} hangs on {after} as well ({say_arm(figures)}), {other}: that says nothing of the change."
    return f"{name} has not hung on {after}, but was not watched long enough to say more ({say_arm(figures)})."


def say_hold(compared: Comparison, before: ArmFigures, after: ArmFigures) -> str:
    """Whether a remedy held, in one sentence."""
    words = {Verdict.PROVEN: "held", Verdict.LIKELY: "probably held", Verdict.NOT_SHOWN: "too early to tell"}
    was = f"before, one every {say_hours(before.hours_at_risk / before.boots_hung)}" if before.boots_hung else "before, none was seen"
    if after.boots_hung:
        now = f"{say_count(after.boots_hung, 'hang')} in {say_hours(after.hours_at_risk)}"
        words = {Verdict.PROVEN: "rarer, not gone", Verdict.LIKELY: "probably rarer, not gone", Verdict.NOT_SHOWN: "it did not hold"}
    else:
        now = f"{say_hours(after.hours_at_risk)} without a hang"
    return f"{now}; {was}: {words[compared.verdict]}, {say_p(compared.p)}"
