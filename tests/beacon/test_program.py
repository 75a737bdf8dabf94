"""The whole beacon against a hub on loopback."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import Any

import pytest

from beacon.program import Beacon
from beacon.providers import Action, Context, Outputs
from beacon.providers.shell import Shell
from tests.beacon.conftest import Gate, Heard, StartBeacon
from tests.beacon.hub import Fault, Hub, item

SOON = {"heartbeat_seconds": 0.1}


class Odd:
    """Does whatever the action says, most of it wrong."""

    capability = "Odd"
    actions = (Action("Any", "Misbehaves."),)

    def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
        if action == "Raise":
            raise ValueError("bad luck")
        if action == "Exit":
            raise SystemExit(4)
        if action == "Talk":
            context.log("first")
            context.progress(10, "on it", 1, 3, log=["early"])
            return {"Result": "talked"}
        return {"List": ["no", "dict"], "Object": {"bad": object()}}[action]  # type: ignore[return-value]  # a list on purpose


def finished(hub: Hub, count: int = 1) -> None:
    hub.wait(lambda: len(hub.completed) + len(hub.failed) >= count)


def gate_item(number: int = 1, **more: Any) -> dict[str, Any]:
    return item(number, "Gate", "Pass", **more)


class TestWork:
    def test_an_item_is_taken_done_and_reported_with_its_fence(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon(Shell())
        hub.offer(item(1, "Shell", "Execute", attempt=3, Command="echo hello"))
        finished(hub)
        body = hub.completed["wi-1"]
        assert body["Outputs"] == {"StdOut": "hello\n", "StdErr": "", "ExitCode": 0, "Result": "hello\n"}
        assert (body["BeaconID"], body["AttemptNumber"], len(body["Log"])) == ("bcn-one-1", 3, 1)
        assert hub.of("Complete")[0].headers["Idempotency-Key"] == "wi-1-3-Complete"
        assert hub.of("Register")[0].body["Capabilities"] == ["Shell"]

    def test_hundreds_of_items_each_done_once(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon(max_concurrent=16)
        hub.offer(*(item(number, DurationMs=0) for number in range(500)))
        finished(hub, 500)
        assert len(hub.of("Complete")) == 500
        assert len(hub.connections) <= 19

    def test_no_more_is_taken_than_there_are_slots(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        start_beacon(gate, max_concurrent=2)
        hub.offer(*(gate_item(number) for number in range(5)))
        hub.wait(lambda: len(hub.queue) == 3)
        assert len(hub.of("Poll")) == 2
        gate.open.set()
        finished(hub, 5)
        assert len(gate.runs) == 5

    @pytest.mark.parametrize(
        ("capability", "action", "message"),
        [
            ("Odd", "Raise", "ValueError: bad luck"),
            ("Odd", "Exit", "SystemExit: 4"),
            ("Odd", "List", "The provider of Odd returned list, not a dict."),
            ("Odd", "Object", "The hub refused the result: not JSON: Object of type object is not JSON serializable"),
            ("Shell", "Execute", "Shell/Execute needs a Command."),
            ("Nothing", "Any", "This beacon has no capability Nothing; it has Odd, Shell."),
        ],
    )
    def test_what_fails_is_reported_and_the_slot_lives_on(
        self, hub: Hub, start_beacon: StartBeacon, capability: str, action: str, message: str
    ) -> None:
        start_beacon(Odd(), Shell(), max_concurrent=1)
        hub.offer(item(1, capability, action), item(2, "Shell", "Execute", Command="true"))
        finished(hub, 2)
        assert hub.failed["wi-1"]["ErrorMessage"] == message
        assert hub.of("Error")[0].headers["Idempotency-Key"] == "wi-1-1-Error"
        assert "wi-2" in hub.completed

    def test_settings_are_never_logged(self, hub: Hub, start_beacon: StartBeacon, heard: Heard) -> None:
        start_beacon(Shell(), Odd())
        hub.offer(item(1, "Shell", "Execute", Command="echo s3cret >&2; exit 1"), item(2, "Odd", "Raise", Password="s3cret"))
        finished(hub, 2)
        heard.wait("item_reported", 2)
        assert "item_taken item=wi-1 attempt=1 capability=Shell action=Execute" in heard.lines
        assert "s3cret" not in " ".join(heard.lines)

    def test_an_item_without_a_hash_is_passed_over(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon()
        hub.offer({"Capability": "Synthetic"}, item(2, DurationMs=0))
        finished(hub)

    def test_a_hub_without_long_polls_is_not_asked_in_a_tight_loop(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon(poll_wait_ms=0)
        began = time.monotonic()
        hub.wait(lambda: len(hub.of("Poll")) == 3)
        assert time.monotonic() - began > 1.4


class TestProgress:
    def test_progress_arrives_before_the_report(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon()
        hub.offer(item(1, DurationMs=600))
        finished(hub)
        kinds = [seen.kind for seen in hub.seen if seen.kind in ("Progress", "Complete")]
        assert kinds == ["Progress", "Progress", "Complete"]
        body = hub.of("Progress")[0].body
        assert (body["BeaconID"], body["AttemptNumber"], body["Message"], body["Log"]) == ("bcn-one-1", 1, "synthetic work", [])

    def test_lines_of_log_reach_the_hub_once_whatever_becomes_of_progress(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon(Odd(), max_concurrent=1)
        hub.fault("Progress", Fault(503))
        hub.offer(item(1, "Odd", "Talk"), item(2, "Odd", "Talk"))
        finished(hub, 2)
        for number in (1, 2):
            sent = [s.body["Log"] for s in hub.of("Progress") if f"wi-{number}/" in s.path and (number, s) != (1, hub.of("Progress")[0])]
            lines = [*hub.completed[f"wi-{number}"]["Log"], *(line for log in sent for line in log)]
            assert sorted(lines) == ["early", "first"]

    def test_409_on_progress_ends_the_work_and_still_reports(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon()
        hub.fault("Progress", Fault(409, {"Error": "superseded"}))
        hub.fault("Error", Fault(409, {"Error": "superseded"}))
        hub.offer(item(1, DurationMs=60_000), item(2, DurationMs=0))
        hub.wait(lambda: hub.of("Error") and "wi-2" in hub.completed)
        assert hub.of("Error")[0].body["ErrorMessage"] == "The work was cancelled."


class TestTroubles:
    def test_it_waits_for_a_hub_that_is_not_there_yet(self, hub: Hub, start_beacon: StartBeacon, heard: Heard) -> None:
        hub.down()
        beacon = start_beacon()
        heard.wait("registration_failed")
        assert not beacon.registered.is_set()
        hub.up()
        assert beacon.registered.wait(10)

    def test_a_hub_that_forgot_it_is_told_again_and_gets_the_report(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        start_beacon(gate, **SOON)
        hub.offer(gate_item())
        assert gate.entered.wait(10)
        hub.forget()
        hub.wait(lambda: len(hub.of("Register")) == 2)
        gate.open.set()
        finished(hub)
        hub.wait(lambda: hub.polls_waiting)
        assert (len(gate.runs), len(hub.of("Register"))) == (1, 2)
        assert hub.of("Complete")[-1].headers["Cookie"] == "SessionID=s1"

    def test_a_report_survives_a_hub_that_is_gone_for_a_while(self, hub: Hub, start_beacon: StartBeacon, gate: Gate, heard: Heard) -> None:
        start_beacon(gate)
        hub.offer(gate_item())
        assert gate.entered.wait(10)
        hub.down()
        gate.open.set()
        heard.wait("hub_unreachable", 3)
        hub.up()
        finished(hub)
        assert len(gate.runs) == 1
        assert len(hub.completed) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            Fault(took_effect=True),
            Fault(),
            Fault(500),
            Fault(502),
            Fault(503, {}, {"Retry-After": "0.05"}),
            Fault(401),
            Fault(200, {}, {"Content-Type": "x"}),
        ],
        ids=["cut after", "cut before", "500", "502", "503", "401", "fine"],
    )
    def test_a_report_is_repeated_with_the_same_key_until_it_is_answered(self, hub: Hub, start_beacon: StartBeacon, fault: Fault) -> None:
        start_beacon()
        count = 1 if fault.status == 200 else 3
        hub.fault("Complete", *[fault] * (count - 1))
        hub.offer(item(1, DurationMs=0))
        hub.wait(lambda: len(hub.of("Complete")) >= count)
        assert {seen.headers["Idempotency-Key"] for seen in hub.of("Complete")} == {"wi-1-1-Complete"}
        hub.offer(item(2, DurationMs=0))
        hub.wait(lambda: "wi-2" in hub.completed)
        assert len([seen for seen in hub.of("Complete") if "wi-1/" in seen.path]) == count

    def test_retry_after_is_honoured(self, hub: Hub, start_beacon: StartBeacon) -> None:
        hub.fault("Poll", Fault(503, {"Error": "busy"}, {"Retry-After": "0.8"}))
        start_beacon()
        hub.wait(lambda: hub.of("Poll"))
        began = time.monotonic()
        hub.wait(lambda: hub.polls_waiting)
        assert 0.75 <= time.monotonic() - began < 3

    def test_409_drops_the_result(self, hub: Hub, start_beacon: StartBeacon, heard: Heard) -> None:
        start_beacon(max_concurrent=1)
        hub.fault("Complete", Fault(409, {"Error": "superseded", "Code": "superseded"}))
        hub.offer(item(1, DurationMs=0), item(2, DurationMs=0))
        hub.wait(lambda: "wi-2" in hub.completed)
        assert len([seen for seen in hub.of("Complete") if "wi-1/" in seen.path]) == 1
        heard.wait("report_dropped item=wi-1")

    def test_a_result_that_the_hub_refuses_becomes_an_error(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon()
        hub.fault("Complete", Fault(413, {"Error": "too large", "Code": "too_large"}))
        hub.offer(item(1, DurationMs=0))
        finished(hub)
        assert hub.failed["wi-1"]["ErrorMessage"] == "The hub refused the result: 413 too large"

    def test_a_key_that_was_used_means_that_the_report_has_arrived(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon(max_concurrent=1)
        hub.fault("Complete", Fault(422, {"Error": "used", "Code": "key_reused"}))
        hub.offer(item(1, DurationMs=0), item(1, DurationMs=0), item(2, DurationMs=0))
        hub.wait(lambda: "wi-2" in hub.completed)
        assert len(hub.of("Complete")) == 2
        assert hub.failed == {}

    def test_a_hub_that_disowns_whom_it_registers_is_not_asked_in_a_tight_loop(self, hub: Hub, start_beacon: StartBeacon) -> None:
        hub.fault("Poll", *[Fault(401)] * 5)
        start_beacon()
        hub.wait(lambda: hub.polls_waiting)
        assert len(hub.of("Register")) == 6

    def test_polls_outlast_refusals(self, hub: Hub, start_beacon: StartBeacon) -> None:
        hub.fault("Poll", Fault(422, {"Error": "what?"}), Fault(409, {"Error": "what?"}), Fault(200, {"WorkItem": "what?"}))
        start_beacon()
        hub.offer(item(1, DurationMs=0))
        finished(hub)


class TestOffers:
    def test_what_is_in_hand_is_not_begun_again(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        start_beacon(gate)
        hub.offer(gate_item(), gate_item(), gate_item())
        hub.wait(lambda: not hub.queue and hub.polls_waiting)
        # Offered again, so it must be announced.
        hub.wait(lambda: any(seen.body["WorkItems"] == [{"WorkItemHash": "wi-1", "AttemptNumber": 1}] for seen in hub.of("Heartbeat")))
        gate.open.set()
        finished(hub)
        assert (len(gate.runs), len(hub.of("Complete"))) == (1, 1)

    def test_what_was_settled_is_not_done_again(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        gate.open.set()
        start_beacon(gate)
        hub.offer(gate_item())
        finished(hub)
        hub.offer(gate_item(), gate_item(2))
        finished(hub, 2)
        assert (len(gate.runs), len(hub.of("Complete"))) == (2, 2)

    def test_a_new_attempt_replaces_the_one_in_hand(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        start_beacon(gate)
        hub.offer(gate_item(attempt=1))
        assert gate.entered.wait(10)
        hub.fault("Error", Fault(409, {"Error": "superseded"}))
        hub.offer(gate_item(attempt=2))
        hub.wait(lambda: hub.completed and hub.of("Error"))
        assert hub.completed["wi-1"]["AttemptNumber"] == 2
        assert hub.of("Error")[0].body["AttemptNumber"] == 1


class TestHeartbeat:
    def test_it_says_what_is_in_hand_soon_after_it_was_taken(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        start_beacon(gate)  # its next regular heartbeat is 10 s away
        hub.offer(gate_item(attempt=2))
        hub.wait(lambda: hub.of("Heartbeat"), 4)
        assert hub.of("Heartbeat")[0].body == {"WorkItems": [{"WorkItemHash": "wi-1", "AttemptNumber": 2}]}

    def test_it_comes_regularly(self, hub: Hub, start_beacon: StartBeacon) -> None:
        start_beacon(**SOON)
        hub.wait(lambda: len(hub.of("Heartbeat")) >= 3)
        assert hub.of("Heartbeat")[0].body == {"WorkItems": []}

    def test_it_brings_cancellations(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        start_beacon(gate, Shell(), **SOON)
        hub.offer(gate_item(1), item(2, "Shell", "Execute", Command="sleep 300"))
        hub.wait(lambda: any(len(seen.body["WorkItems"]) == 2 for seen in hub.of("Heartbeat")))
        with hub.changed:
            hub.cancel = ["wi-1", "wi-2", "wi-9"]
        finished(hub, 2)
        assert {body["ErrorMessage"] for body in hub.failed.values()} == {"The work was cancelled."}

    def test_404_is_unknown_too(self, hub: Hub, start_beacon: StartBeacon) -> None:
        hub.fault("Heartbeat", Fault(404, {"Error": "no such beacon"}))
        start_beacon(**SOON)
        hub.wait(lambda: len(hub.of("Register")) == 2)


class TestStop:
    @staticmethod
    def stop_aside(beacon: Beacon) -> Thread:
        stopping = Thread(target=beacon.stop)
        stopping.start()
        return stopping

    def test_it_leaves(self, hub: Hub, start_beacon: StartBeacon) -> None:
        beacon = start_beacon()
        hub.wait(lambda: hub.polls_waiting)
        began = time.monotonic()
        beacon.stop()
        assert time.monotonic() - began < 2
        assert hub.of("Leave")[0].path == "/Beacon/bcn-one-1"
        hub.forget()  # so that the hub looks at the line of the poll
        hub.wait(lambda: not hub.connections)

    def test_what_is_in_hand_ends_and_is_reported_and_heartbeats_go_on(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        beacon = start_beacon(gate, grace_seconds=30, **SOON)
        hub.offer(gate_item())
        assert gate.entered.wait(10)
        stopping = self.stop_aside(beacon)
        beats = len(hub.of("Heartbeat"))
        hub.wait(lambda: len(hub.of("Heartbeat")) >= beats + 2)
        hub.offer(gate_item(2))
        gate.open.set()
        stopping.join(10)
        assert not stopping.is_alive()
        assert list(hub.completed) == ["wi-1"]
        assert [seen.kind for seen in hub.seen if seen.kind in ("Complete", "Leave")] == ["Complete", "Leave"]
        assert len(gate.runs) == 1

    def test_after_the_grace_work_is_cancelled_and_not_reported(self, hub: Hub, start_beacon: StartBeacon, gate: Gate, heard: Heard) -> None:
        beacon = start_beacon(gate, grace_seconds=0.2)
        hub.offer(gate_item())
        assert gate.entered.wait(10)
        beacon.stop()
        assert gate.runs[0].cancelled()
        heard.wait("items_abandoned items=wi-1")
        assert (hub.completed, hub.failed, len(hub.of("Leave"))) == ({}, {}, 1)

    def test_a_second_signal_ends_the_grace(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        beacon = start_beacon(gate, grace_seconds=300)
        hub.offer(gate_item())
        assert gate.entered.wait(10)
        stopping = self.stop_aside(beacon)
        beacon.hurry()
        stopping.join(10)
        assert not stopping.is_alive()

    def test_a_hub_that_is_gone_does_not_hold_it(self, hub: Hub, start_beacon: StartBeacon, gate: Gate) -> None:
        beacon = start_beacon(gate, grace_seconds=0.3)
        hub.offer(gate_item())
        assert gate.entered.wait(10)
        hub.down()
        gate.open.set()  # the report keeps being tried up to the end of the grace
        began = time.monotonic()
        beacon.stop()
        assert time.monotonic() - began < 8
        hub.up()

    def test_a_provider_that_never_returns_does_not_hold_it(self, hub: Hub, start_beacon: StartBeacon) -> None:
        entered, released = Event(), Event()

        class Deaf:
            capability = "Deaf"
            actions = (Action("Any", "Hears nothing."),)

            def execute(self, action: str, settings: dict[str, Any], context: Context) -> Outputs:
                entered.set()
                released.wait(60)
                return {}

        beacon = start_beacon(Deaf())
        hub.offer(item(1, "Deaf", "Any"))
        assert entered.wait(10)
        began = time.monotonic()
        beacon.stop()
        assert time.monotonic() - began < 8
        assert len(hub.of("Leave")) == 1
        released.set()
