"""Beacons on sockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.app.sockets.conftest import Web
from tests.services.processes import eventually


def test_a_beacon_registers_works_reports_and_leaves(web: Web) -> None:
    client = web.client()
    id = client.register()
    hash = web.enqueue(Settings={"Command": "true"})
    item = client.next("WorkItem")["WorkItem"]
    assert (item["WorkItemHash"], item["AttemptNumber"], item["Settings"]["Command"]) == (hash, 1, "true")
    client.say(Action="WorkProgress", WorkItemHash=hash, ProgressData={"Percent": 50, "Message": "half", "Log": ["a"]})
    client.say(Action="WorkComplete", WorkItemHash=hash, Outputs={"StdOut": "", "ExitCode": 0}, Log=["b"])
    done = eventually(lambda: (found := web.item(hash))["Status"] == "Complete" and found)
    assert (done["Result"]["Outputs"]["ExitCode"], done["AccumulatedLog"], done["AssignedBeaconID"]) == (0, ["a"], id)
    client.say(Action="Deregister", BeaconID=id)
    assert client.next("Deregistered")["BeaconID"] == id
    assert web.ask("DELETE", f"/Beacon/{id}")[0] == 404


def test_the_slot_is_never_overfilled_and_what_waits_comes_with_the_next_slot(web: Web) -> None:
    client = web.client()
    client.register()
    first, second = web.enqueue(), web.enqueue()
    assert client.next("WorkItem")["WorkItem"]["WorkItemHash"] == first
    assert web.item(second)["Status"] != "Running"
    client.say(Action="WorkError", WorkItemHash=first, ErrorMessage="no", Log=[])
    assert client.next("WorkItem")["WorkItem"]["WorkItemHash"] == second
    assert web.item(first)["LastError"] == "no"


def test_what_waited_before_the_socket_came_is_given_at_once(web: Web) -> None:
    web.ask("POST", "/Beacon/Register", {"Name": "One", "Capabilities": ["Shell"]})
    hash = web.enqueue()
    client = web.client()
    client.register()
    assert client.next("WorkItem")["WorkItem"]["WorkItemHash"] == hash


def test_the_newest_connection_of_a_name_wins_and_the_end_of_the_old_one_means_nothing(web: Web) -> None:
    old, new = web.client(), web.client()
    id = old.register()
    assert new.register() == id
    assert old.closed()[0] == 4409
    hash = web.enqueue()
    assert new.next("WorkItem")["WorkItem"]["WorkItemHash"] == hash
    web.round()
    assert web.ask("GET", f"/Beacon/{id}")[1]["Status"] in ("Online", "Busy")


def test_the_newest_connection_wins_in_another_process_too(start_web: Callable[..., Web], transport: redis.Redis) -> None:
    one, two = start_web(), start_web()
    old = one.client()
    id = old.register()
    new = two.client()
    assert new.register() == id
    assert old.closed()[0] == 4409
    assert transport.exists(f"uv:connection:hub:{id}")
    hash = one.enqueue()
    assert new.next("WorkItem")["WorkItem"]["WorkItemHash"] == hash


def test_a_beacon_whose_socket_ends_is_gone_within_seconds_and_its_work_goes_on(web: Web, transport: redis.Redis) -> None:
    client, other = web.client(), web.client()
    id = client.register(HeartbeatIntervalMs=600_000)
    hash = web.enqueue()
    client.next("WorkItem")
    client.cut()
    eventually(lambda: int(transport.hget("uv:presence:hub", id) or 0) < 0)
    web.round()
    eventually(lambda: web.ask("GET", f"/Beacon/{id}")[1]["Status"] == "Offline")  # the flush may be the thread's
    other.register("Two")
    item = other.next("WorkItem")["WorkItem"]
    assert (item["WorkItemHash"], item["AttemptNumber"]) == (hash, 2)


def test_a_client_that_promises_nothing_may_come_back_to_its_work(web: Web, transport: redis.Redis) -> None:
    """The original's clients try again after 10 seconds, and go on with what they have in hand meanwhile."""
    client = web.client()
    id = client.register()
    hash = web.enqueue()
    client.next("WorkItem")
    client.cut()
    eventually(lambda: int(transport.hget("uv:presence:hub", id) or 0) < 0)
    web.round()
    eventually(lambda: web.item(hash)["Status"] == "Stalled")
    waiting = web.enqueue()
    assert web.item(waiting)["Status"] == "Pending", "who is away gets nothing new"
    again = web.client()
    assert again.register() == id
    assert web.item(hash)["Status"] == "Running"
    again.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    assert again.next("WorkItem")["WorkItem"]["WorkItemHash"] == waiting
    assert (web.item(hash)["Status"], web.item(hash)["AttemptNumber"]) == ("Complete", 1)


def test_a_short_absence_costs_nothing(web: Web, transport: redis.Redis) -> None:
    client = web.client()
    id = client.register(WorkItems=[])
    hash = web.enqueue()
    client.next("WorkItem")
    client.cut()
    again = web.client()
    again.register(WorkItems=[{"WorkItemHash": hash, "AttemptNumber": 1}])
    web.round()
    assert int(transport.hget("uv:presence:hub", id) or 0) > 0
    again.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    eventually(lambda: web.item(hash)["Status"] == "Complete")


def test_a_report_of_somebody_else_is_refused(web: Web) -> None:
    holder, other = web.client(), web.client()
    holder.register()
    hash = web.enqueue()
    holder.next("WorkItem")
    other.register("Two", ("Other",))
    other.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[], RequestID=7)
    refused = other.next("Error")
    assert (refused["Code"], refused["RequestID"], refused["WorkItemHash"]) == ("superseded", 7, hash)
    assert web.item(hash)["Status"] == "Running"


@pytest.mark.parametrize("action", ["WorkComplete", "WorkError", "WorkProgress", "BeaconHeartbeat", "Deregister", "WorkResultUpload"])
def test_a_connection_that_is_no_beacon_says_nothing_for_one(action: str, web: Web) -> None:
    client = web.client()
    client.say(Action=action, WorkItemHash="wi-1", BeaconID="bcn-1", OutputFilename="x", OutputSize=1)
    assert client.next("Error")["Code"] == "unauthenticated"


def test_nobody_speaks_for_another(web: Web) -> None:
    one, two = web.client(), web.client()
    id = one.register()
    two.register("Two")
    two.say(Action="Deregister", BeaconID=id)
    assert two.next("Error")["Code"] == "forbidden"
    assert web.ask("GET", f"/Beacon/{id}")[0] == 200


def test_a_frame_that_asks_for_it_is_answered(web: Web) -> None:
    client = web.client()
    id = client.register()
    hash = web.enqueue()
    client.next("WorkItem")
    client.say(Action="BeaconHeartbeat", BeaconID=id, WorkItems=[], RequestID="a")
    assert client.next("Answer") == {"EventType": "Answer", "RequestID": "a", "HttpStatus": 200, "BeaconID": id}
    client.say(Action="WorkComplete", WorkItemHash=hash, AttemptNumber=1, Outputs={}, Log=[], RequestID="b")
    assert client.next("Answer")["RequestID"] == "b"
    assert web.item(hash)["Status"] == "Complete"


def test_both_transports_at_once_are_one_beacon(web: Web) -> None:
    client = web.client()
    id = client.register()
    assert web.ask("POST", "/Beacon/Register", {"Name": "One", "Capabilities": ["Shell"]})[1]["BeaconID"] == id
    hash = web.enqueue()
    client.next("WorkItem")
    status, _ = web.ask("POST", f"/Beacon/Work/{hash}/Complete", {"BeaconID": id, "Outputs": {}, "Log": []})
    assert (status, web.item(hash)["Status"]) == (200, "Complete")


def test_a_cancellation_reaches_the_beacon_on_either_road(web: Web, transport: redis.Redis) -> None:
    client = web.client()
    id = client.register()
    message = '{"CancelWorkItem":"wi-1","AttemptNumber":2}'
    transport.rpush(f"uv:inbox:hub:{id}", message)
    assert client.next("CancelWorkItem")["WorkItemHash"] == "wi-1"
    _, record = web.ask("POST", "/Beacon/Register", {"Name": "Two", "Capabilities": ["Shell"]})
    beat = f"/Beacon/{record['BeaconID']}/Heartbeat"
    transport.rpush(f"uv:inbox:hub:{record['BeaconID']}", message)
    assert web.ask("POST", "/Beacon/Work/Poll", {"BeaconID": record["BeaconID"]}) == (200, {"WorkItem": None})
    assert web.ask("POST", beat, {})[1]["CancelWorkItems"] == ["wi-1"]
    assert web.ask("POST", beat, {"WorkItems": [{"WorkItemHash": "wi-1", "AttemptNumber": 2}]})[1]["CancelWorkItems"] == ["wi-1"]
    assert web.ask("POST", beat, {"WorkItems": [{"WorkItemHash": "wi-1", "AttemptNumber": 3}]})[1]["CancelWorkItems"] == []


def test_a_broker_that_was_away_costs_no_report(web: Web, redis_server: object, transport: redis.Redis) -> None:
    client = web.client()
    client.register()
    hash = web.enqueue()
    client.next("WorkItem")
    web.worker.stop()
    redis_server.pause()  # type: ignore[attr-defined]  # the run's own server
    client.say(Action="WorkComplete", WorkItemHash=hash, Outputs={}, Log=[])
    web.process.wait_for_line("append_lost|post_repeated")
    redis_server.resume()  # type: ignore[attr-defined]  # the run's own server
    web.worker.start()
    eventually(lambda: web.item(hash)["Status"] == "Complete")
