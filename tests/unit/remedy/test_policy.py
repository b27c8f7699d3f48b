# SPDX-License-Identifier: GPL-2.0-or-later
"""The policy file is read and written without loss, and what it allows is little."""

import dataclasses
import datetime
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicmedic.model.errors import PolicyError
from nicmedic.model.incident import Action, ActionState, Incident, IncidentVerdict
from nicmedic.model.policy import Match, Mode, NicPolicy, Policy, Telling
from nicmedic.model.watched import Card
from nicmedic.remedy.policy import Act, choose_act, find_nic_policy, parse_policy, render_policy

NOW = datetime.datetime(2026, 3, 1, 3, 0, tzinfo=datetime.UTC)
RESTORE = NicPolicy(mode=Mode.RESTORE)
PREVENT = NicPolicy(mode=Mode.RESTORE_AND_PREVENT)
REBOOT = NicPolicy(mode=Mode.RESTORE, reboot=True)
INCIDENT = Incident(
    boot_id="b",
    interface="eth0",
    verdict=IncidentVerdict.NIC_HUNG,
    reasons=(),
    began="2026-03-01T02:59:59+00:00",
    began_uptime_s=999.0,
    detected="2026-03-01T03:00:00+00:00",
    detected_uptime_s=1000.0,
)
FULL = """
watch_virtual = ["br*"]
evidence_bytes = "128 MiB"
stand_by = true

[default]
mode = "restore"
quiet_after_boot = "5m"
cool_down = 30
attempts_per_hour = 2
probes = ["gateway:192.0.2.1"]
hold = "1h"

[[nic]]
interface = "eth*"
driver = "e1000e"
mode = "restore-and-prevent"
reboot = true
hold = "auto"

[[nic]]
permanent_address = "52:54:00:AA:BB:CC"
mode = "ignore"

[telling]
command = ["/usr/local/bin/page-me", "now"]
urls = ["mailto://me:secret@example.org", "odd"]
metrics_file = "/var/lib/node/nicmedic.prom"
metrics_listen = "[::1]:9833"
"""


def ago(seconds: float) -> str:
    return (NOW - datetime.timedelta(seconds=seconds)).isoformat()


def acted(what: str, state: ActionState, began_s: float, ended_s: float | None = None) -> Action:
    return Action(what=what, state=state, began=ago(began_s), ended=None if ended_s is None else ago(ended_s))


def choose(
    policy: NicPolicy, *actions: Action, earlier: tuple[Action, ...] = (), uptime_s: float = 10_000.0, present_s: float = 10_000.0
) -> Act:
    incident = dataclasses.replace(INCIDENT, actions=actions)
    return choose_act(policy, incident, earlier, uptime_s=uptime_s, present_s=present_s, now=NOW)


class TestFile:
    def test_everything_it_can_say_is_read(self) -> None:
        policy = parse_policy(FULL)
        assert policy.default == NicPolicy(
            mode=Mode.RESTORE, quiet_after_boot_s=300.0, cool_down_s=30.0, attempts_per_hour=2, probes=("gateway:192.0.2.1",), hold_s=3600.0
        )
        (match, first), (other, second) = policy.nics
        assert match == Match(interface="eth*", driver="e1000e")
        assert first == dataclasses.replace(policy.default, mode=Mode.RESTORE_AND_PREVENT, reboot=True, hold_s=None)
        assert (other.permanent_address, second.mode) == ("52:54:00:AA:BB:CC", Mode.IGNORE)
        assert policy.telling.metrics_listen == "[::1]:9833"
        assert (policy.watch_virtual, policy.evidence_bytes, policy.stand_by) == (("br*",), 128 << 20, True)

    def test_an_empty_file_only_observes(self) -> None:
        assert parse_policy("") == Policy()
        assert parse_policy("").default.mode is Mode.OBSERVE

    def test_secrets_are_shown_to_nobody(self) -> None:
        policy = parse_policy(FULL)
        shown = render_policy(policy, mask=True)
        assert "secret" not in shown
        assert '"mailto://***", "***"' in shown
        assert "secret" in render_policy(policy)

    @pytest.mark.parametrize(
        "text",
        [
            'telling = "mailto://me:hunter2@example.org"',
            '[telling]\nurls = "mailto://me:hunter2@example.org"',
            '[telling]\nurls = ["hunter2", 1]',
            '[telling]\ncommand = "/usr/bin/curl https://hooks.example.org/hunter2"',
            '[telling]\ncommand = ["curl", "hunter2"]',
            "[telling]\nmetrics_file = 'hunter2'",
            "[telling]\nhunter2 = 1",
            '[telling]\n"mailto://me:hunter2@example.org" = 1',
            '"mailto://me:hunter2@example.org" = 1',
            'telling = {"mailto://hunter2@h" = 1, "mailto://hunter2@h" = 1}',
            "[telling]\nurls = mailto://me:hunter2@example.org",
            '[default]\nmode = "mailto://me:hunter2@example.org"',
            '[default]\nprobes = ["mailto://me:hunter2@example.org"]',
        ],
    )
    def test_no_error_shows_a_secret(self, text: str) -> None:
        with pytest.raises(PolicyError) as caught:
            parse_policy(text)
        assert "hunter2" not in caught.value.message + caught.value.hint

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("mode = 1 = 2", "no TOML: "),
            ("a = " + "[" * 5000, "no TOML: "),
            ("colour = 1", "colour: there is no such key; allowed are watch_virtual, "),
            ('"a\\u001b" = 1', "a\\x1b: there is no such key"),
            (f"{'a' * 99} = 1", f"{'a' * 60} …: there is no such key"),
            ("default = 1", "default: 1: allowed is a table"),
            ("[nic]\ninterface = 'eth0'", "nic: one table; allowed are several"),
            ("nic = [1]", "nic 1: 1: allowed is a table"),
            ("telling = []", "telling: a list: allowed is a table"),
            ("[[nic]]\nmode = 'observe'", "nic 1: it does not say which card it is for; allowed are interface, driver"),
            ("[[nic]]\ninterface = 'a'\n[[nic]]\ncolour = 1", "nic 2.colour: there is no such key; allowed are interface"),
            ("[[nic]]\ninterface = ''", "nic 1.interface: '': allowed is a text"),
            ("[default]\ninterface = 'eth0'", "default.interface: there is no such key; allowed are mode"),
            ("[default]\nmode = 'kill'", 'default.mode: \'kill\': allowed is "ignore", "observe"'),
            ("[default]\nmode = 3", "default.mode: 3: allowed is"),
            ("[default]\ncool_down = '5 fortnights'", "default.cool_down: '5 fortnights': allowed is a duration from 0 s to 86400 s"),
            ("[default]\ncool_down = true", "default.cool_down: True: allowed"),
            ("[default]\ncool_down = nan", "default.cool_down: nan: allowed"),
            ("[default]\ncool_down = 'auto'", "default.cool_down: 'auto': allowed"),
            ("[default]\nhold = 1", 'default.hold: 1: allowed is a duration from 5 s to 604800 s, as "90s", "5m", "1h", or "auto"'),
            ("[default]\nattempts_per_hour = 0", "attempts_per_hour: 0: allowed is a whole number from 1 to 60"),
            ("[default]\nattempts_per_hour = true", "attempts_per_hour: True: allowed"),
            ("[default]\nattempts_per_hour = 1.5", "attempts_per_hour: 1.5: allowed"),
            ("[default]\nreboot = 1", "default.reboot: 1: allowed is true or false"),
            ("[default]\nprobes = 'gateway'", "default.probes: 'gateway': allowed is a list of texts"),
            ("[default]\nprobes = [1]", "default.probes: [1]: allowed is a list of texts"),
            (
                "[default]\nprobes = ['-x']",
                "default.probes: ['-x']: allowed is a list of gateway:ADDRESS, ping:ADDRESS, tcp:HOST:PORT, or none:KIND",
            ),
            ("[default]\nprobes = ['none:tx', 'pnig:1.2.3.4']", "to leave one out; number 2: it is not understood"),
            (f"[default]\ncool_down = {'9' * 400}", "allowed is a duration from 0 s"),
            (f"[default]\ncool_down = {'9' * 5000}", "no TOML: "),
            (f"[default]\nattempts_per_hour = 0x{'f' * 5000}", "attempts_per_hour: a number of thousands of digits: allowed"),
            ("evidence_bytes = 1", "evidence_bytes: 1: allowed is from"),
            ("evidence_bytes = '1 XB'", "evidence_bytes: '1 XB': allowed is from"),
            ("evidence_bytes = true", "evidence_bytes: True: allowed is from"),
            ("[telling]\ncommand = ['page-me']", "telling.command: a list: allowed is a list of a program with its whole path"),
            ("[telling]\nmetrics_file = 'x.prom'", "telling.metrics_file: a text: allowed is the whole path"),
            ("[telling]\nmetrics_file = '/var/'", "telling.metrics_file: a text: allowed"),
            ("[telling]\nmetrics_listen = '0.0.0.0:1'", "telling.metrics_listen: a text: allowed is an address of this host alone"),
            ("[telling]\nmetrics_listen = '127.0.0.1:0'", "metrics_listen: a text: allowed"),
            ("[telling]\nmetrics_listen = 9833", "metrics_listen: a number: allowed"),
        ],
    )
    def test_what_is_not_understood_is_named_with_what_is_allowed(self, text: str, told: str) -> None:
        with pytest.raises(PolicyError) as caught:
            parse_policy(text)
        assert told in caught.value.message
        assert caught.value.message.isprintable()
        assert (caught.value.code, caught.value.slug) == (16, "bad-policy")

    @pytest.mark.parametrize(("text", "size"), [("1048576", 1 << 20), ("'2 GiB'", 2 << 30), ("'2048kib'", 2 << 20), ("'1048576'", 1 << 20)])
    def test_sizes_are_read_as_typed(self, text: str, size: int) -> None:
        assert parse_policy(f"evidence_bytes = {text}").evidence_bytes == size

    def test_no_command_is_one_too(self) -> None:
        assert parse_policy("[telling]\ncommand = []").telling.command == ()

    @given(st.text())
    def test_any_text_is_a_policy_or_an_error_that_says_so(self, text: str) -> None:
        try:
            told = render_policy(parse_policy(text))
        except PolicyError as error:
            told = error.message
        assert told

    def test_its_parser_is_not_loaded_before_it_is_needed(self) -> None:
        assert "tomllib" not in vars(sys.modules["nicmedic.remedy.policy.parsing"])


TEXTS = st.text(st.sampled_from("aZ0*[]{}'\"\\/ =#.äß€😀"), min_size=1, max_size=8)
SECONDS = st.floats(0, 86_400)
NICS = st.builds(
    NicPolicy,
    mode=st.sampled_from(Mode),
    quiet_after_boot_s=SECONDS,
    cool_down_s=SECONDS,
    attempts_per_hour=st.integers(1, 60),
    reboot=st.booleans(),
    accept_losses=st.booleans(),
    probes=st.lists(st.sampled_from(("tcp:[2001:db8::7]:22", "tcp:mail.example.org:25", "ping:fe80::1%eth0", "none:ssh"))).map(tuple),
    hold_s=st.none() | st.floats(5, 604_800),
)
MATCHES = st.builds(
    Match,
    interface=TEXTS,
    driver=st.none() | TEXTS,
    bus_address=st.none() | TEXTS,
    permanent_address=st.none() | TEXTS,
)
POLICIES = st.builds(
    Policy,
    default=NICS,
    nics=st.lists(st.tuples(MATCHES, NICS), max_size=3).map(tuple),
    telling=st.builds(
        Telling,
        command=st.lists(TEXTS).map(lambda words: ("/bin/true", *words)) | st.just(()),
        urls=st.lists(TEXTS).map(tuple),
        metrics_file=st.none() | TEXTS.map(lambda text: f"/{text}x"),
        metrics_listen=st.none() | st.integers(1, 65_535).map(lambda port: f"127.0.0.1:{port}"),
    ),
    watch_virtual=st.lists(TEXTS).map(tuple),
    evidence_bytes=st.integers(1 << 20, 1 << 40),
    stand_by=st.booleans(),
)


@given(POLICIES)
def test_what_is_written_is_read_again_as_it_was(policy: Policy) -> None:
    assert parse_policy(render_policy(policy)) == policy


class TestMatching:
    @pytest.mark.parametrize(
        ("match", "fits"),
        [
            (Match(interface="eth*"), True),
            (Match(interface="ETH*"), False),
            (Match(interface="eth*", driver="r8169"), False),
            (Match(driver="e1000e", bus_address="0000:00:*"), True),
            (Match(permanent_address="52:54:00:AA:*"), True),
        ],
    )
    def test_all_that_is_said_must_fit(self, match: Match, fits: bool) -> None:
        card = Card(interface="eth0", ifindex=2, driver="e1000e", bus_address="0000:00:1f.6", permanent_address="52:54:00:aa:bb:cc")
        policy = Policy(nics=((match, RESTORE), (Match(interface="*"), PREVENT)))
        assert find_nic_policy(policy, card) is (RESTORE if fits else PREVENT)

    def test_what_is_not_known_of_a_card_fits_nothing(self) -> None:
        policy = Policy(nics=((Match(driver="*"), RESTORE),))
        assert find_nic_policy(policy, Card(interface="eth0", ifindex=2)) is policy.default


class TestChoosing:
    @pytest.mark.parametrize("verdict", [verdict for verdict in IncidentVerdict if verdict is not IncidentVerdict.NIC_HUNG])
    def test_only_a_card_that_hangs_is_treated(self, verdict: IncidentVerdict) -> None:
        incident = dataclasses.replace(INCIDENT, verdict=verdict)
        assert choose_act(REBOOT, incident, (), uptime_s=1e6, present_s=1e6, now=NOW) == Act()

    def test_who_only_observes_does_nothing(self) -> None:
        assert choose(NicPolicy()) == choose(NicPolicy(mode=Mode.IGNORE)) == Act()

    def test_a_card_that_hangs_is_restored(self) -> None:
        assert choose(RESTORE) == Act(what="restore")

    def test_nothing_is_done_right_after_a_boot_or_an_appearance(self) -> None:
        held = choose(RESTORE, uptime_s=100.0)
        assert (held.what, held.again_s) == (None, 20.0)
        assert "booted 100 s ago" in held.reason
        held = choose(RESTORE, present_s=5.0)
        assert (held.what, held.again_s) == (None, 7.0)
        assert "appeared only 5 s ago" in held.reason

    def test_nothing_is_done_while_something_is_at_work(self) -> None:
        held = choose(RESTORE, acted("restore", ActionState.RUNNING, 60.0))
        assert (held.what, held.again_s) == (None, 840.0)
        assert "not known to have ended" in held.reason
        assert choose(RESTORE, acted("restore", ActionState.RUNNING, 1000.0)).what == "restore"

    def test_it_cools_down_in_between(self) -> None:
        held = choose(RESTORE, acted("restore", ActionState.FAILED, 50.0, 20.0))
        assert (held.what, held.again_s) == (None, 40.0)
        assert "ended 20 s ago" in held.reason
        assert choose(RESTORE, acted("restore", ActionState.FAILED, 100.0, 60.0)).what == "restore"
        assert choose(RESTORE, earlier=(acted("restore", ActionState.HELPED, 60.0, 30.0),)).reason

    def test_right_after_one_that_helped_nothing_is_said(self) -> None:
        assert choose(RESTORE, acted("restore", ActionState.HELPED, 8.0, 4.0)) == Act(again_s=6.0)

    def test_it_is_not_tried_too_often(self) -> None:
        tries = tuple(acted("restore", ActionState.HELPED, 600.0 * number, 600.0 * number - 5) for number in (5, 4, 3, 2))
        held = choose(RESTORE, earlier=tries)
        assert (held.what, held.again_s) == (None, 600.0)
        assert "4 times within the hour, and at most 4" in held.reason
        assert choose(RESTORE, earlier=tries[1:]).what == "restore"
        assert choose(RESTORE, acted("restore", ActionState.HELD_BACK, 1.0, 1.0)).what == "restore"

    def test_prevention_comes_once_a_boot_after_restoring_helped(self) -> None:
        helped = acted("restore", ActionState.HELPED, 20.0, 5.0)
        assert choose(PREVENT).what == "restore"
        assert choose(PREVENT, acted("restore", ActionState.FAILED, 200.0, 100.0)).what == "restore"
        assert choose(PREVENT, helped).what == "prevent"
        assert choose(RESTORE, helped).what is None
        before = acted("prevent", ActionState.FAILED, 5000.0, 4000.0)
        assert choose(PREVENT, helped, earlier=(before,)).what is None
        assert choose(PREVENT, helped, earlier=(before,), uptime_s=4500.0).what == "prevent"

    def test_a_reboot_needs_leave_and_failures(self) -> None:
        failed = acted("restore", ActionState.FAILED, 400.0, 300.0)
        again = acted("restore", ActionState.CHANGED, 200.0, 100.0)
        assert choose(REBOOT, failed).what == "restore"
        assert choose(REBOOT, failed, again).what == "reboot"
        assert choose(RESTORE, failed, again).what == "restore"
        assert choose(dataclasses.replace(REBOOT, attempts_per_hour=1), failed).what == "reboot"

    def test_a_reboot_comes_once_an_incident_and_once_a_day(self) -> None:
        failures = (acted("restore", ActionState.FAILED, 400.0, 300.0), acted("restore", ActionState.FAILED, 200.0, 100.0))
        held_back = acted("reboot", ActionState.HELD_BACK, 50.0, 50.0)
        assert choose(REBOOT, *failures, held_back).what == "reboot"
        assert choose(REBOOT, *failures, acted("reboot", ActionState.FAILED, 90_000.0, 90_000.0)).what == "restore"
        assert choose(REBOOT, *failures, earlier=(acted("reboot", ActionState.HELPED, 80_000.0, 80_000.0),)).what == "restore"
        assert choose(REBOOT, *failures, earlier=(acted("reboot", ActionState.HELPED, 90_000.0, 90_000.0),)).what == "reboot"
        often = dataclasses.replace(REBOOT, attempts_per_hour=2)
        assert choose(often, *failures, earlier=(acted("reboot", ActionState.HELPED, 80_000.0, 80_000.0),)).what is None
        assert choose(often, *failures, acted("reboot", ActionState.FAILED, 90_000.0, 90_000.0)).what is None

    @pytest.mark.parametrize("moment", ["", "yesterday", "2026-03-01T03:00:50Z", "2026-03-01T03:00:00"])
    def test_a_clock_that_was_wrong_makes_it_careful(self, moment: str) -> None:
        action = Action(what="restore", state=ActionState.FAILED, began=moment, ended=moment)
        assert choose(RESTORE, action).what is None
