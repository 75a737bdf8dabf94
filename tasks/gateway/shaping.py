"""Descriptors: what bringing a database to one would do, which of its tables are there, and doing it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schema.gateway.commands import EnsureSchema, IntrospectSchema, NoteShaped, PlanSchema
from schema.gateway.rules.descriptor import BadDescriptor, Descriptor, descriptor_of
from schema.gateway.rules.plan import HAZARDS, Step
from schema.outcome import Done, Outcome, Refused
from tasks.gateway.ensuring import Unshaped, engine_word, ensured, planned
from tasks.gateway.introspecting import entities
from tasks.gateway.opening import engine_for
from tasks.loose import Desk


def _wish(command: PlanSchema | IntrospectSchema | EnsureSchema) -> Descriptor | Refused:
    try:
        return descriptor_of(command.descriptor, command.schema_name)
    except BadDescriptor as error:
        return Refused("invalid", str(error), {"Fields": {"SchemaJSON": [str(error)]}})


def plan_schema(command: PlanSchema, desk: Desk) -> Outcome:
    """The steps, each with its statement and what it may cost."""
    wish = _wish(command)
    if isinstance(wish, Refused):
        return wish
    engine = engine_for(desk.kernel, command.connection, "study")
    plan = planned(engine, wish)
    return Done(
        {
            "Success": True,
            "SchemaName": wish.name,
            "Engine": engine_word(engine.dialect),
            "PlanHash": plan.digest,
            "Steps": [_told(step) for step in plan.forward],
            "SkippedDestructive": sorted({step.tag for step in plan.skipped}),
            "Notes": list(wish.notes),
        }
    )


def _told(step: Step) -> dict[str, Any]:
    named = {"Kind": step.kind, "Table": step.subject, "Name": step.name, "Statement": step.statement}
    return {**named, "Hazard": step.hazard, "Meaning": HAZARDS[step.hazard]}


def introspect_schema(command: IntrospectSchema, desk: Desk) -> Outcome:
    """Which tables of the descriptor are there, and which of their columns are not."""
    wish = _wish(command)
    if isinstance(wish, Refused):
        return wish
    engine = engine_for(desk.kernel, command.connection, "study")
    wanted = [table.name for table in wish.tables]
    inspector = sa.inspect(engine)
    found = (
        {name: [column["name"] for column in columns] for (_, name), columns in inspector.get_multi_columns(filter_names=wanted).items()}
        if wanted
        else {}
    )
    tables = []
    for table in wish.tables:
        there = found.get(table.name, [])
        missing = [column.name for column in table.columns if column.name not in there]
        tables.append({"Scope": table.name, "Exists": bool(there), "Columns": there, "MissingColumns": missing})
    return Done({"Success": True, "SchemaName": wish.name, "Engine": engine_word(engine.dialect), "Tables": tables})


def ensure_schema(command: EnsureSchema, desk: Desk) -> Outcome:
    """Do it, and have it noted where anything was done: the answer is then that of the note."""
    wish = _wish(command)
    if isinstance(wish, Refused):
        return wish
    engine = engine_for(desk.kernel, command.connection, "build")
    try:
        done = ensured(engine, wish, str(desk.envelope.actor), plan=command.plan, force=command.force)
    except Unshaped as error:
        return Refused(error.code, error.text, {"Done": list(error.done)})
    if not done["MigrationStatements"]:
        return Done(done)
    with engine.connect() as connection:
        fresh = [entity for table in wish.tables for entity in entities(connection, table.name)]
        connection.rollback()
    return desk.pass_on(NoteShaped(hub=command.hub, connection=command.connection, outputs=done, digest=wish.digest, entities=fresh))
