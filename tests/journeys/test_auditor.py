"""The auditor of the drills is no yes-man: every law is broken once by hand, and he says which."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.chaos.evidence import Evidence, Rows, gather
from bench.chaos.laws import LAWS, breaches
from bench.chaos.load import Answer, Ledger
from schema.hub import tables as _hub  # noqa: F401 - the tables that create_all makes
from schema.ledger import tables as _ledger  # noqa: F401 - for its tables, too
from schema.sql import metadata

#: One item that failed once, was lost once and completed at the third attempt; a late report of the lost attempt came in afterwards.
STORY = """
INSERT INTO hub_run (run_id, hub, state, submitter_tag, metadata, started_at, minted)
  VALUES ('rn-1', 'chaos', 'Active', '', '{}', '2027-01-01 00:00:00', FALSE);
INSERT INTO hub_work_item (work_item_hash, hub, run_id, run_hash, node_hash, operation_hash, capability, action, settings, affinity_key,
  require_affinity_match, submitter_tag, metadata, status, priority, rank, ticket, assigned_beacon_id, enqueued_at, dispatched_at, completed_at,
  queue_wait_ms, timeout_ms, attempt_number, max_attempts, failures, losses, retry_backoff_ms, last_error, cancel_requested, cancel_reason, seq,
  result)
VALUES ('wi-1', 'chaos', 'rn-1', '', '', '', 'Chaos', 'Work', '{}', '', 0, '', '{"Key": "k1"}', 'Complete', 0, 0, 't1', 'b2', '2027-01-01 00:00:00',
  '2027-01-01 00:00:05', '2027-01-01 00:00:06', 0, 1000, 3, 3, 1, 1, 0, '', 0, '', 9, '{"Outputs": {"Key": "k1"}}');
INSERT INTO hub_work_attempt VALUES
  ('wi-1', 1, 'chaos', 'b1', '2027-01-01 00:00:01', '2027-01-01 00:00:02', 'Error', 'no', NULL, NULL),
  ('wi-1', 2, 'chaos', 'b1', '2027-01-01 00:00:03', '2027-01-01 00:00:04', 'Superseded', 'gone', NULL, NULL),
  ('wi-1', 3, 'chaos', 'b2', '2027-01-01 00:00:05', '2027-01-01 00:00:06', 'Complete', '', NULL, NULL);
INSERT INTO hub_work_event VALUES
  ('wi-1', 1, 'g1', 'chaos', 'rn-1', 'enqueued', '', 'Pending', '', '{}', '2027-01-01'),
  ('wi-1', 2, 'g2', 'chaos', 'rn-1', 'dispatched', 'Pending', 'Running', 'b1', '{"AttemptNumber": 1}', '2027-01-01'),
  ('wi-1', 3, 'g3', 'chaos', 'rn-1', 'retry_scheduled', 'Running', 'RetryScheduled', 'b1', '{}', '2027-01-01'),
  ('wi-1', 4, 'g4', 'chaos', 'rn-1', 'requeued', 'RetryScheduled', 'Pending', '', '{}', '2027-01-01'),
  ('wi-1', 5, 'g5', 'chaos', 'rn-1', 'dispatched', 'Pending', 'Running', 'b1', '{"AttemptNumber": 2}', '2027-01-01'),
  ('wi-1', 6, 'g6', 'chaos', 'rn-1', 'lost', 'Running', 'Pending', 'b1', '{}', '2027-01-01'),
  ('wi-1', 7, 'g7', 'chaos', 'rn-1', 'dispatched', 'Pending', 'Running', 'b2', '{"AttemptNumber": 3}', '2027-01-01'),
  ('wi-1', 8, 'g8', 'chaos', 'rn-1', 'completed', 'Running', 'Complete', 'b2', '{}', '2027-01-01'),
  ('wi-1', 9, 'g9', 'chaos', 'rn-1', 'superseded', 'Complete', 'Complete', 'b1', '{}', '2027-01-01');
INSERT INTO hub_tally VALUES ('chaos', 'Chaos', 'Work', 'Complete', 1), ('chaos', 'Chaos', 'Work', 'Pending', 0);
INSERT INTO ledger_receipt VALUES ('r1', 'e1', 'hub.enqueue', 'f', 'anonymous:', '[200, {"WorkItemHash": "wi-1"}]', '2027-01-01');
"""

FORGERIES = {
    "accepted_is_stored": "UPDATE hub_work_item SET metadata = '{}'",
    "one_item_for_each_key": """UPDATE hub_work_item SET metadata = '{"Key": "k0"}'""",
    "every_item_has_ended": "UPDATE hub_work_item SET status = 'Running'",
    "results_are_their_own": """UPDATE hub_work_item SET result = '{"Outputs": {"Key": "k0"}}'""",
    "numbered_without_gap": "UPDATE hub_work_event SET seq = 10 WHERE seq = 9",
    "legal_walk": "UPDATE hub_work_event SET event_type = 'requeued' WHERE seq = 6",
    "ends_once": "UPDATE hub_work_event SET event_type = 'completed' WHERE seq = 9",
    "attempts_counted": "UPDATE hub_work_attempt SET beacon_id = 'b1'",
    "attempts_ended": "UPDATE hub_work_attempt SET outcome = 'Running' WHERE attempt_number = 2",
    "completed_once": "UPDATE hub_work_attempt SET outcome = 'Complete' WHERE attempt_number = 2",
    "tally_is_right": "UPDATE hub_tally SET items = 1",
    "nothing_is_left_behind": "INSERT INTO ledger_outbox VALUES ('o1', '2027-01-01', '[]')",
    "receipts_match_items": "DELETE FROM ledger_receipt",
    "runs_match_items": "UPDATE hub_run SET run_id = 'rn-2'",
    "events_are_unique": "UPDATE hub_work_attempt SET work_item_hash = 'wi-0' WHERE attempt_number = 1",
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A hub's database with the story in it."""
    file = tmp_path / "ultravisor.db"
    engine = sa.create_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    engine.dispose()
    change(file, STORY)
    return file


def change(file: Path, script: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)


def evidence_of(file: Path, **told: list[str]) -> Evidence:
    executions = file.with_name("executions")
    executions.write_text("k1\n")
    return gather(Rows(f"sqlite:///{file}"), Ledger(answers=[Answer("k1", "wi-1", 0.0, 1.0, 1)], **told), executions)


def test_a_true_story_keeps_every_law(database: Path) -> None:
    assert breaches(evidence_of(database)) == {}


@pytest.mark.parametrize("law", FORGERIES)
def test_a_forged_row_is_found(database: Path, law: str) -> None:
    change(database, FORGERIES[law])
    assert law in breaches(evidence_of(database))


def test_a_broken_promise_to_a_client_is_found(database: Path) -> None:
    assert set(breaches(evidence_of(database, refused=["k1"], strange=["k2: 500"]))) == {"refused_is_not_stored", "answers_keep_the_contract"}


def test_a_damaged_file_is_found(database: Path) -> None:
    evidence = evidence_of(database)
    evidence.integrity = ["row 1 missing from index"]
    assert set(breaches(evidence)) == {"database_is_whole"}


def test_every_law_has_been_broken() -> None:
    assert {law.__name__ for law in LAWS} == {*FORGERIES, "refused_is_not_stored", "answers_keep_the_contract", "database_is_whole"}
