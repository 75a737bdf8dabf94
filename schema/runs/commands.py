"""What can be asked of operations, runs and schedules. A run's commands share its lane; operations and schedules have the first one."""

from __future__ import annotations

from typing import Any

from schema.base import Command, command
from schema.runs.ids import RUNS, lane_of


class HouseCommand(Command):
    """About no run in particular."""

    __slots__ = ()
    hub: str

    @property
    def lane(self) -> str:
        return RUNS.of(self.hub, 0)


class RunCommand(Command):
    """About one run."""

    __slots__ = ()
    hub: str
    run_hash: str

    @property
    def lane(self) -> str:
        return lane_of(self.hub, self.run_hash)


@command("runs.save_operation")
class SaveOperation(HouseCommand):
    """Store an operation as its next revision, if it differs from the last. Fields that the document lacks stay as they are.

    `must_exist`: one that is not there is refused; else it is made, with a hash of its own where it brings none. `expected` is the
    revision that the caller has seen, None for one who does not care.
    """

    hub: str
    operation_hash: str
    document: dict[str, Any]
    must_exist: bool = False
    expected: int | None = None
    source_beacon: str = ""


@command("runs.delete_operation")
class DeleteOperation(HouseCommand):
    """Let nobody start an operation any more. Its runs go on."""

    hub: str
    operation_hash: str


@command("runs.save_template")
class SaveTemplate(HouseCommand):
    """Store a node template; the fields that it lacks stay as they are."""

    hub: str
    template_hash: str
    document: dict[str, Any]
    must_exist: bool = False


@command("runs.delete_template")
class DeleteTemplate(HouseCommand):
    """Forget a node template."""

    hub: str
    template_hash: str


@command("runs.start")
class StartOperation(RunCommand):
    """Begin a run of an operation's present revision. A run that is there already is the answer.

    `parameters` seed the operation's state. `parent` is the run, node, execution and attempt that wait for its end.
    """

    hub: str
    run_hash: str
    operation_hash: str
    mode: str = "standard"
    parameters: dict[str, Any]
    global_state: dict[str, Any] | None = None
    parent: tuple[str, str, int, int] | None = None
    depth: int = 0
    origin: str = "api"
    occurrence_id: str | None = None
    awaited: bool = False
    limits: tuple[int, int, float] | None = None


@command("runs.start_batch")
class StartBatch(HouseCommand):
    """Begin many runs: `items` have run_hash, operation_hash, mode, parameters, and their place in the request under `index`."""

    hub: str
    items: list[dict[str, Any]]
    limits: tuple[int, int, float] | None = None


@command("runs.start_many")
class StartMany(Command):
    """Begin some runs of a batch that live in one lane. An operation that was deleted since the batch was taken is begun all the same."""

    hub: str
    shard: int
    items: list[dict[str, Any]]

    @property
    def lane(self) -> str:
        return RUNS.of(self.hub, self.shard)


@command("runs.go_on")
class GoOn(RunCommand):
    """Go on with what one step of the engine has left over."""

    hub: str
    run_hash: str


@command("runs.node_finished", repeatable=True)
class NodeFinished(RunCommand):
    """A beacon, a worker or another run has done what a node asked for; `error` None when it went well. Fenced by execution and attempt."""

    hub: str
    run_hash: str
    node_hash: str
    execution: int
    attempt: int
    outputs: dict[str, Any]
    error: str | None = None
    event: str = ""
    log: list[str]
    again: bool = False


@command("runs.answer")
class AnswerInput(RunCommand):
    """Give a node the value for which it waits."""

    hub: str
    run_hash: str
    node_hash: str
    value: Any = None


@command("runs.force_error")
class ForceError(RunCommand):
    """Have a busy node fail."""

    hub: str
    run_hash: str
    node_hash: str
    reason: str = ""


@command("runs.abandon")
class AbandonRun(RunCommand):
    """End a run that nobody wants any more, with all that it has under way."""

    hub: str
    run_hash: str
    reason: str = ""


@command("runs.abandon_stale")
class AbandonStale(HouseCommand):
    """End the runs of which nothing has been heard for so long."""

    hub: str
    older_ms: int


@command("runs.halt", repeatable=True)
class HaltRun(RunCommand):
    """End a run that cannot go on, because what it was told cannot be carried out."""

    hub: str
    run_hash: str
    reason: str


@command("runs.retry")
class RetryRun(RunCommand):
    """Begin the failed nodes of an ended run again, or the one that is named; what others have brought stays."""

    hub: str
    run_hash: str
    node_hash: str = ""
    overrides: dict[str, Any] | None = None


@command("runs.fork")
class ForkRun(RunCommand):
    """Begin a new run at a node, with what another run had brought until then."""

    hub: str
    run_hash: str
    new_hash: str
    node_hash: str
    overrides: dict[str, Any] | None = None


@command("runs.tick")
class RunsTick(Command):
    """The clock has passed something that nodes of one lane wait for."""

    hub: str
    shard: int

    @property
    def lane(self) -> str:
        return RUNS.of(self.hub, self.shard)


@command("runs.save_schedule")
class SaveSchedule(HouseCommand):
    """Store a schedule; the fields that the document lacks stay as they are. With `must_exist` one that is not there is refused."""

    hub: str
    guid: str
    document: dict[str, Any]
    must_exist: bool = False


@command("runs.delete_schedule")
class DeleteSchedule(HouseCommand):
    """Forget a schedule and its occurrences. Its runs stay."""

    hub: str
    guid: str


@command("runs.switch_schedule")
class SwitchSchedule(HouseCommand):
    """Have a schedule started or stopped. What is due while it is stopped is not made up for."""

    hub: str
    guid: str
    on: bool


@command("runs.switch_schedules")
class SwitchSchedules(HouseCommand):
    """Have all schedules looked at, or none."""

    hub: str
    on: bool


@command("runs.fire")
class FireSchedules(HouseCommand):
    """The clock has passed what schedules wait for."""

    hub: str


@command("runs.occurrence_ended")
class OccurrenceEnded(HouseCommand):
    """The run of an occurrence has ended, or could not begin; the next one that waits for its turn begins."""

    hub: str
    occurrence_id: str
    status: str
    reason: str = ""


@command("runs.trim_occurrences")
class TrimOccurrences(HouseCommand):
    """Delete occurrences that have been kept long enough: a page per command, and the next is ordered while there is more."""

    hub: str


@command("runs.begin_exercise")
class BeginExercise(HouseCommand):
    """An exercise begins; its id is the caller's, so that a repetition is the same one."""

    hub: str
    id: str
    exercise: str
    time_scale: float


@command("runs.end_exercise")
class EndExercise(HouseCommand):
    """An exercise has ended, with what it has shown."""

    hub: str
    id: str
    state: str
    measured: dict[str, Any]
    verdicts: list[dict[str, Any]]
    passed: bool
