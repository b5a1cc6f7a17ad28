"""What a storm is judged by: the independent checker, and statements of its own, from ledger, calls and histories."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowExecutionStatus, WorkflowHistory

from seamline.simulator.checker import Verdict, audit
from seamline.simulator.checker_ledger import Finding
from tests.storm.scene import PROCESS, Outage, Scene

SETTLED_SECONDS_MAX = 15
READS_AT_ONCE_MAX = 8
ONCE = ("reserve", "buy-label", "ship", "post-fulfilment")

FAILURES_TO_OPEN = 3
CALLS_AT_ONCE_MAX = 10
POLLERS = 1
PROBES_FIRST_SECONDS = (1, 2, 4)
PROBE_SECONDS = 5
"""Half-open lets one call through after 1, 2, 4 and then every 5 s: the breaker's settings on one machine."""
_HARMLESS = (
    # A signal came while the last task ran: Temporal has it repeated with the signal in it.
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
)


@dataclass
class Past:
    """What one process's history says."""

    id: str
    status: str
    history: WorkflowHistory
    failed_tasks: Counter[str] = field(default_factory=Counter)
    timed_out_tasks: int = 0
    amended: bool = False

    @property
    def reference(self) -> str:
        """`shop-uk:70001`."""
        return self.id.partition(":")[2]


@dataclass
class Judgement:
    """All findings of a storm, and what the histories add to its figures."""

    findings: list[Finding]
    verdict: Verdict
    pasts: Sequence[Past]
    failed_tasks: Counter[str]
    timed_out_tasks: int
    events_per_completed: float
    calls_to_the_down: int
    worst_outage: str

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        return not self.findings


async def judge(scene: Scene, still_open: Sequence[str]) -> Judgement:
    """Judge a storm that has settled; `still_open` are the processes that did not end in time."""
    verdict = await _audit(scene)
    pasts = await _read_pasts(scene)
    effects = await scene.simulator("GET", "effects")
    calls = await scene.simulator("GET", "calls")
    down = [(outage, *_calls_while_down(outage, calls, scene)) for outage in scene.figures.outages]
    failed = sum((past.failed_tasks for past in pasts), Counter[str]())
    findings = [
        *verdict.findings,
        *_lost(scene.accepted, pasts),
        *[await _stuck(scene, workflow_id) for workflow_id in still_open],
        *_ended_badly(pasts),
        *_failed_tasks(pasts),
        *_twice_ever(pasts, effects),
        *(
            _finding(outage.connection, "outage", f"{n} calls while down, at most {m}")
            for outage, n, m in down
            if n > m
        ),
    ]
    done = [len(past.history.events) for past in pasts if past.id.startswith(PROCESS) and past.status == "COMPLETED"]
    worst = max(down, key=lambda one: one[1] / one[2], default=None)
    return Judgement(
        findings=findings,
        verdict=verdict,
        pasts=pasts,
        failed_tasks=failed,
        timed_out_tasks=sum(past.timed_out_tasks for past in pasts),
        events_per_completed=sum(done) / len(done) if done else 0,
        calls_to_the_down=sum(n for _, n, _ in down),
        worst_outage=f"{worst[1]} of {worst[2]} allowed" if worst else "none",
    )


def save_histories(judgement: Judgement, folder: Path) -> list[Path]:
    """Write the history of every process that a finding names, and the findings themselves."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "findings.json"
    report.write_text(json.dumps([one.model_dump() for one in judgement.findings], indent=1))
    named = {one.reference.partition(".")[0] for one in judgement.findings}
    files = [report]
    for past in judgement.pasts:
        if past.reference in named:
            files.append(folder / f"{past.id.replace(':', '_')}.json")
            files[-1].write_text(past.history.to_json())
    return files


async def _audit(scene: Scene) -> Verdict:
    """What the checker says once the list of processes, which lags behind, has settled too."""
    deadline = asyncio.get_running_loop().time() + SETTLED_SECONDS_MAX
    while True:
        verdict = await audit(scene.local.running.simulator, scene.client, settled=True)
        if verdict.ok or asyncio.get_running_loop().time() > deadline:
            return verdict
        await asyncio.sleep(1)


# ---- histories ----------------------------------------------------------------------------------------------------


async def _read_pasts(scene: Scene) -> list[Past]:
    gate = asyncio.Semaphore(READS_AT_ONCE_MAX)

    async def read(workflow_id: str, status: WorkflowExecutionStatus | None) -> Past:
        async with gate:
            history = await scene.handle(workflow_id).fetch_history()
        past = Past(workflow_id, status.name if status else "UNKNOWN", history)
        for event in history.events:
            _read_event(past, event)
        return past

    listed = [(one.id, one.status) async for one in scene.client.list_workflows("SeamlineReference IS NOT NULL")]
    return list(await asyncio.gather(*(read(*one) for one in listed)))


def _read_event(past: Past, event: HistoryEvent) -> None:
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            attributes = event.workflow_task_failed_event_attributes
            if attributes.cause not in _HARMLESS:
                cause = WorkflowTaskFailedCause.Name(attributes.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
                past.failed_tasks[f"{cause.lower()}: {attributes.failure.message[:120]}"] += 1
        case EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            past.timed_out_tasks += 1
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            asked = event.workflow_execution_update_accepted_event_attributes.accepted_request.input.args.payloads
            past.amended |= _amends(asked)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            past.amended |= _amends(event.workflow_execution_signaled_event_attributes.input.payloads)


def _amends(payloads: Iterable[Any]) -> bool:
    return any(b'"amend"' in payload.data for payload in payloads)


# ---- statements ---------------------------------------------------------------------------------------------------


def _lost(accepted: Iterable[str], pasts: Sequence[Past]) -> Iterator[Finding]:
    known = {past.id for past in pasts}
    for reference in sorted(accepted):
        if f"{PROCESS}:{reference}" not in known:
            yield _finding(reference, "lost", "the door acknowledged its start and Temporal has no such process")


async def _stuck(scene: Scene, workflow_id: str) -> Finding:
    view = await scene.view(workflow_id)
    held = "; ".join(f"{one.name} {one.cause} ({one.team})" for one in view.waits) if view else "it does not answer"
    step = f"at {view.steps[-1].name}" if view and view.steps else ""
    return _finding(workflow_id.partition(":")[2], "not-settled", f"{workflow_id} {held or 'waits for nothing'} {step}")


def _ended_badly(pasts: Sequence[Past]) -> Iterator[Finding]:
    for past in pasts:
        if past.status not in ("COMPLETED", "CANCELED", "RUNNING"):
            yield _finding(past.reference, "ended-badly", f"{past.id} is {past.status}")


def _failed_tasks(pasts: Sequence[Past]) -> Iterator[Finding]:
    for past in pasts:
        for cause, count in past.failed_tasks.items():
            yield _finding(past.reference, "failed-task", f"{past.id}: {count} times {cause}")


def _twice_ever(pasts: Sequence[Past], effects: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Where nobody amended, there was never a second effect, also none that was taken back."""
    amended = {past.reference for past in pasts if past.amended}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for effect in effects:
        counts[effect["reference"]][effect["operation"]] += 1
    for reference, count in counts.items():
        for operation in ONCE:
            if count[operation] > 1 and reference not in amended:
                yield _finding(reference, "twice-ever", f"{count[operation]} {operation}, and nobody amended it")


def _calls_while_down(outage: Outage, calls: Sequence[dict[str, Any]], scene: Scene) -> tuple[int, int]:
    """How many calls reached the dead system, and how many may have."""
    hit = [
        one
        for one in calls
        if one["connection"] == outage.connection
        and one["outcome"] == "down"
        and outage.began <= one["at"] <= outage.ended
    ]
    restarts = sum(outage.began <= at <= outage.ended for at in scene.figures.worker_starts)
    lives = len(scene.local.workers) + restarts
    return len(hit), lives * calls_of_one_worker_max(outage.ended - outage.began)


def calls_of_one_worker_max(seconds: float) -> int:
    """What one worker may call a system that is down for so long: until its breaker opens, and then to look again."""
    left, probes = seconds, 0
    for pause in (*PROBES_FIRST_SECONDS, *[PROBE_SECONDS] * int(seconds)):
        left -= pause
        probes += left > 0
    return FAILURES_TO_OPEN + CALLS_AT_ONCE_MAX + POLLERS + probes


def _finding(reference: str, rule: str, detail: str) -> Finding:
    return Finding(reference=reference, rule=rule, detail=detail)
