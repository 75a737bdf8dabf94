"""Which verb carries out which command about foreign databases."""

from __future__ import annotations

from collections.abc import Mapping

from schema.gateway.commands import (
    CreateConnection,
    CreateRows,
    DeleteConnection,
    DeleteRow,
    DisableEntity,
    Disconnect,
    EditConnection,
    EnsureSchema,
    Introspect,
    IntrospectSchema,
    KeepEntities,
    NoteRequest,
    NoteShaped,
    NoteTried,
    PlanSchema,
    Read,
    RunQuery,
    RunSelect,
    SetPolicy,
    TryConfig,
    TryConnection,
    UpdateRows,
    UpsertRows,
)
from tasks.frame import Verb
from tasks.gateway.create_connection import create_connection
from tasks.gateway.create_rows import create_rows
from tasks.gateway.delete_connection import delete_connection
from tasks.gateway.delete_row import delete_row
from tasks.gateway.disconnect import disconnect
from tasks.gateway.edit_connection import edit_connection
from tasks.gateway.introspect import introspect
from tasks.gateway.keep_entities import disable_entity, keep_entities
from tasks.gateway.note_request import note_request
from tasks.gateway.note_shaped import note_shaped
from tasks.gateway.note_tried import note_tried
from tasks.gateway.querying import run_query, run_select
from tasks.gateway.reading import read
from tasks.gateway.set_policy import set_policy
from tasks.gateway.shaping import ensure_schema, introspect_schema, plan_schema
from tasks.gateway.trying import try_config, try_connection
from tasks.gateway.update_rows import update_rows
from tasks.gateway.upsert_rows import upsert_rows

#: By the names that lie in journals.
VERBS: Mapping[str, Verb] = {
    CreateConnection.name: create_connection,
    CreateRows.name: create_rows,
    DeleteConnection.name: delete_connection,
    DeleteRow.name: delete_row,
    DisableEntity.name: disable_entity,
    Disconnect.name: disconnect,
    EditConnection.name: edit_connection,
    EnsureSchema.name: ensure_schema,
    Introspect.name: introspect,
    IntrospectSchema.name: introspect_schema,
    KeepEntities.name: keep_entities,
    NoteRequest.name: note_request,
    NoteShaped.name: note_shaped,
    NoteTried.name: note_tried,
    PlanSchema.name: plan_schema,
    Read.name: read,
    RunQuery.name: run_query,
    RunSelect.name: run_select,
    SetPolicy.name: set_policy,
    TryConfig.name: try_config,
    TryConnection.name: try_connection,
    UpdateRows.name: update_rows,
    UpsertRows.name: upsert_rows,
}
