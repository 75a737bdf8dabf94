"""What the bridge can do, by the names of its commands."""

from __future__ import annotations

from collections.abc import Mapping

from schema.bridge.commands import Assign, Browse, Clear, ForgetChanges, Note, SetRetention, SweepTarget, Verify
from tasks.bridge.assign import assign
from tasks.bridge.browse import browse
from tasks.bridge.clear import clear
from tasks.bridge.forget_changes import forget_changes
from tasks.bridge.note import note
from tasks.bridge.set_retention import set_retention
from tasks.bridge.sweep_target import sweep_target
from tasks.bridge.verify import verify
from tasks.frame import Verb

VERBS: Mapping[str, Verb] = {
    Assign.name: assign,
    Clear.name: clear,
    Note.name: note,
    ForgetChanges.name: forget_changes,
    SetRetention.name: set_retention,
    Browse.name: browse,
    Verify.name: verify,
    SweepTarget.name: sweep_target,
}
