# SPDX-License-Identifier: GPL-2.0-or-later
"""What probes say of a change: only what passed before may fail it, and what is unknown says nothing."""

import pytest

from nicmedic.diagnosis.probing import judge
from nicmedic.model.transaction import ProbeResult, ProbeState

STATES = {"+": ProbeState.PASSED, "-": ProbeState.FAILED, "?": ProbeState.UNKNOWN}


def results(words: str) -> tuple[ProbeResult, ...]:
    """``carrier+ tx- gateway?``."""
    return tuple(ProbeResult(probe=word[:-1].replace("_", " "), state=STATES[word[-1]], detail=f"seen {word}") for word in words.split())


@pytest.mark.parametrize(
    ("before", "after", "good", "failed"),
    [
        ("carrier+ tx+ gateway_a+ ping_a+", "carrier+ tx+ gateway_a+ ping_a+", True, []),
        ("carrier+ gateway_a+ ping_a-", "carrier+ gateway_a+ ping_a-", True, []),
        ("carrier+ gateway_a+ ping_a?", "carrier+ gateway_a+ ping_a-", True, []),
        ("carrier+ gateway_a+ ping_a+", "carrier+ gateway_a? ping_a+", True, []),
        ("carrier+ gateway_a+ ping_a+", "carrier+ gateway_a? ping_a?", None, []),
        ("carrier+ gateway_a+ ping_a+", "carrier+ gateway_a- ping_a+", False, ["gateway a"]),
        ("carrier+ gateway_a+", "carrier- gateway_a+", False, ["carrier"]),
        ("gateway_a+ gateway_b-", "gateway_a? gateway_b+", None, []),
        ("ssh+ carrier+", "ssh? carrier+", None, []),
    ],
)
def test_what_passed_before_must_pass(before: str, after: str, good: bool | None, failed: list[str]) -> None:
    judgement = judge(results(before), results(after))
    assert (judgement.good, [result.probe for result in judgement.failed]) == (good, failed)
    assert not judgement.hung_before


@pytest.mark.parametrize(
    ("before", "after", "good", "failed"),
    [
        ("carrier+ tx- gateway_a- ping_a-", "carrier+ tx+ gateway_a+ ping_a-", True, []),
        ("carrier+ tx- gateway_a- ping_a-", "carrier+ tx+ gateway_a- ping_a+", True, []),
        ("carrier+ tx- gateway_a- ping_a-", "carrier+ tx+ gateway_a- ping_a?", False, ["gateway a"]),
        ("carrier+ tx? gateway_a?", "carrier+ tx+ gateway_a?", None, []),
        ("carrier+ tx- gateway_a-", "carrier- tx- gateway_a+", False, ["carrier"]),
        ("carrier- gateway_a- tcp_b:22-", "carrier+ gateway_a+ tcp_b:22-", False, ["tcp b:22"]),
        ("carrier- gateway_a- tcp_b:22-", "carrier+ gateway_a- tcp_b:22+", True, []),
        ("carrier- gateway_a- tcp_b:22-", "carrier+ gateway_a+ tcp_b:22?", None, []),
        ("carrier+ tx-", "carrier+ tx+", True, []),
        ("carrier+ tx-", "carrier+ tx-", False, ["tx"]),
        ("carrier+ tx-", "carrier+ tx?", None, []),
        ("carrier+", "carrier+", None, []),
        ("", "", None, []),
    ],
)
def test_on_a_card_that_was_hung_answers_must_come_now(before: str, after: str, good: bool | None, failed: list[str]) -> None:
    judgement = judge(results(before), results(after))
    assert (judgement.good, [result.probe for result in judgement.failed]) == (good, failed)
    assert judgement.hung_before


def test_each_judgement_is_told_in_one_line() -> None:
    assert judge(results("ping_a+"), results("ping_a-")).text == "ping a: seen ping_a-"
    assert judge(results("ping_a+"), results("ping_a+")).text == "what passed before passes"
    assert judge(results("ping_a-"), results("ping_a+")).text == "answers come now, and none came before"
    assert judge(results("ping_a+"), results("ping_a?")).text == "no probe fails, and none shows that traffic flows"
    silent = ProbeResult(probe="tx", state=ProbeState.FAILED)
    assert judge(results("tx+"), (silent,)).text == "tx: failed"
