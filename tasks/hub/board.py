"""The verbs of what operators order from the queue's pages."""

from __future__ import annotations

from collections.abc import Mapping

from schema.hub.board_commands import CancelBatch, PrioritizeBatch, PrioritizeWork, RequeueBatch, SampleQueue
from schema.hub.commands import ReorderWork, RequeueMany, RequeueWork
from tasks.frame import Verb
from tasks.hub.batches import cancel_batch, prioritize_batch, requeue_batch
from tasks.hub.prioritize import prioritize
from tasks.hub.reorder import reorder
from tasks.hub.requeue import requeue, requeue_many
from tasks.hub.sample import take_sample

VERBS: Mapping[str, Verb] = {
    ReorderWork.name: reorder,
    RequeueWork.name: requeue,
    RequeueMany.name: requeue_many,
    PrioritizeWork.name: prioritize,
    CancelBatch.name: cancel_batch,
    PrioritizeBatch.name: prioritize_batch,
    RequeueBatch.name: requeue_batch,
    SampleQueue.name: take_sample,
}
#: Those that name items, which a batch reads ahead.
NAMING = (ReorderWork.name, RequeueWork.name, PrioritizeWork.name, CancelBatch.name, PrioritizeBatch.name, RequeueBatch.name)
