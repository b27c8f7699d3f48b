# SPDX-License-Identifier: GPL-2.0-or-later
"""What probes say of a change: only what passed before may fail it, and what is unknown says nothing."""

import pytest

from nicmedic.diagnosis.probing import find_flow, judge
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
    assert judge(results("carrier+ tx+"), results("carrier+ tx+")).text == "frames leave as before, and there is nobody to be asked"
    assert judge(results("carrier+ tx-"), results("carrier+ tx+")).text == "frames leave now, and none were seen to before"
    stood = results("tx- ping_a+")
    assert judge(stood, results("tx+ ping_a+"), hung=True).text == "answers come now, and nothing fails that did before"


@pytest.mark.parametrize(
    ("before", "after", "good", "failed"),
    [
        ("carrier+ tx- gateway_a+", "carrier+ tx- gateway_a+", False, ["tx"]),
        ("carrier+ tx- gateway_a+", "carrier+ tx+ gateway_a+", True, []),
        ("carrier+ tx- gateway_a+", "carrier+ tx? gateway_a+", True, []),
        ("gateway_a+ tcp_b:22-", "gateway_a+ tcp_b:22-", False, ["tcp b:22"]),
        ("gateway_a+ tcp_b:22-", "gateway_a+ tcp_b:22+", True, []),
    ],
)
def test_a_card_over_which_some_answers_came_is_not_good_until_all_is_well(
    before: str, after: str, good: bool | None, failed: list[str]
) -> None:
    judgement = judge(results(before), results(after), hung=True)
    assert (judgement.good, [result.probe for result in judgement.failed]) == (good, failed)
    assert judge(results(before), results(after)).good, "who does not know that it hung takes it as it was"


@pytest.mark.parametrize(
    ("now", "flows"),
    [
        ("carrier+ tx+ gateway_a+", True),
        ("carrier+ tx+ gateway_a- gateway_b+", True),
        ("carrier+ tx- gateway_a+", False),
        ("carrier+ tx+ gateway_a-", False),
        ("carrier+ tx? gateway_a-", False),
        ("carrier+ tx+ gateway_a+ tcp_b:22-", False),
        ("carrier+ tx? gateway_a?", None),
        ("carrier+ tx?", None),
        ("carrier+", None),
        ("carrier-", False),
        ("carrier+ tx+", True),
        ("carrier+ tx+ gateway_a?", True),
        ("carrier+ tx+ neighbour_a- ping_a-", None),
        ("carrier+ tx? neighbour_a- ping_a-", False),
        ("carrier+ tx+ neighbour_a- ping_b-", False),
        ("", None),
    ],
)
def test_whether_traffic_flows_is_yes_no_or_not_shown(now: str, flows: bool | None) -> None:
    assert find_flow(results(now)) is flows
