"""Offer running items once more to holders that seem never to have got them."""

from __future__ import annotations

import orjson

from schema import envelope as keys
from schema.hub.commands import OfferAgain
from schema.hub.rules.lifecycle import HELD
from schema.hub.wire import item_for_beacon
from schema.outcome import Done, Outcome
from tasks.hub.items import load
from tasks.unit import Unit


def offer_again(command: OfferAgain, unit: Unit) -> Outcome:
    """Same item, same attempt: a beacon that has it in hand after all recognises it. Nothing changes in the rows."""
    offered = 0
    for hash, attempt in command.items:
        item = load(unit, command.hub, hash)
        if item is None or item["status"] not in HELD or item["attempt_number"] != attempt:
            continue
        message = item_for_beacon(item, attempt, item["dispatched_at"], item["queue_wait_ms"])
        unit.deliver(keys.inbox(command.hub, item["assigned_beacon_id"]), orjson.dumps(message))
        offered += 1
    return Done({"Offered": offered})
