"""The independent checker: do the vendors' ledger and Temporal's closed runs agree with the promises?

It shares no code with the engine. It reads the ledger over HTTP and lists the runs of the processes with their results.
`check` is pure; `audit` reads and checks; `python -m seamline.simulator.checker --simulator URL` prints the verdict and
exits 0 when green, 1 when red, 2 when it could not read (Temporal from TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE).

The rules, by the name a finding carries:

    twice               one effect key has two live reservations, labels, fulfilments or holds; or one reference has two
                        live reservations, labels or captures, whoever captured
    count               a completed order lacks an effect or has one too many
    money               a completed order that was authorised is not captured, once, for what it cost
    left-over           an undone process has a live effect, or a completed one a hold
    rejected-untold     a refund was rejected and no process follows it
    money-pending       (only when settled) a refund was asked for and neither confirmed nor rejected
    ignored-acted       an ignored order has any effect
    failed-with-effects a failed, terminated or timed-out run has live effects
    no-process          an effect's reference belongs to no process
    over-refunded       more money came back than was spent
    undone-nothing      an effect was taken back that was not there, or was taken back already
    unreadable          a completed run's result is not an outcome
    unsettled           (only when settled) a process is still running
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from seamline.signals import leave
from seamline.simulator.checker_ledger import Books, Effect, Finding
from seamline.simulator.checker_money import Authorization, Payments, is_about_payment, is_by_others

ORDER_PROCESS = "order-to-shipment"
REFUND_PROCESS = "follow-refund"
PROCESSES = (ORDER_PROCESS, "follow-parcel", REFUND_PROCESS)
_ONCE = ("reserve", "buy-label", "post-fulfilment", "hold")
_PER_PARCEL = ("reserve", "buy-label", "ship")
_FAILED = ("FAILED", "TERMINATED", "TIMED_OUT")
READ_SECONDS_MAX = 30
READS_AT_ONCE_MAX = 16


class Process(BaseModel):
    """The last run of one process: `status` is Temporal's (COMPLETED, CANCELED, RUNNING ...), `result` its outcome."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    status: str
    result: Any = None

    @property
    def type(self) -> str:
        """`order-to-shipment` of `order-to-shipment:shop-uk:5001`."""
        return self.id.partition(":")[0]

    @property
    def reference(self) -> str:
        """`shop-uk:5001` of `order-to-shipment:shop-uk:5001`."""
        return self.id.partition(":")[2]

    @property
    def mailed(self) -> bool:
        """Whether the customer was mailed, by the run's own word: an order can lack an address for it."""
        result = self.result.get("result") if isinstance(self.result, dict) else None
        return not isinstance(result, dict) or result.get("message_id", True) != ""

    @property
    def by_hand(self) -> set[str]:
        """The purposes of effects that staff did or left out, by the run's own word: they are none of ours."""
        keys = self.result.get("by_hand", []) if isinstance(self.result, dict) else []
        return {str(key).rpartition("/")[2].partition("#")[0].replace("send-shipped", "send-mail") for key in keys}

    @property
    def ending(self) -> str:
        """completed, undone, ignored, running, failed, or unreadable."""
        if self.status == "COMPLETED":
            kind = self.result.get("kind") if isinstance(self.result, dict) else None
            return kind if kind in ("completed", "undone", "ignored") else "unreadable"
        if self.status == "CANCELED":
            return "undone"
        return "failed" if self.status in _FAILED else "running"


class PendingMoney(BaseModel):
    """A refund that was asked for and neither confirmed nor rejected."""

    model_config = ConfigDict(hide_input_in_errors=True)

    reference: str
    object_id: str
    amount: Decimal | None
    currency: str | None


class Verdict(BaseModel):
    """What the checker says: green (`ok`) when there is no finding. `counts` is system -> operation -> number."""

    model_config = ConfigDict(hide_input_in_errors=True)

    ok: bool
    findings: list[Finding]
    pending: list[PendingMoney]
    unsettled: list[str]
    counts: dict[str, dict[str, int]]
    processes: dict[str, int] = Field(description="How many processes ended how.")


def check(
    effects: Sequence[Effect],
    processes: Sequence[Process],
    authorizations: Sequence[Authorization] = (),
    *,
    settled: bool = False,
) -> Verdict:
    """Judge the whole ledger against all processes. `settled` says that everything should be over by now."""
    books, payments = Books(one for one in effects if not is_about_payment(one)), Payments(effects)
    by_others = [one for one in effects if is_by_others(one)]
    effects = [one for one in effects if not is_by_others(one)]
    live = [*books.live(), *payments.live()]
    findings = [*books.findings, *payments.findings, *_twice(live), *_without_process(effects, processes)]
    completed = {process.reference for process in processes if _completed_order(process)}
    for order in authorizations:
        if order.reference in completed:
            findings += payments.uncollected(order)
    for process in processes:
        mine = [effect for effect in live if _order(effect.reference) == process.reference]
        ever = [effect for effect in effects if _order(effect.reference) == process.reference]
        findings += _ended_right(process, mine, ever)
    findings += _untold(list(books.rejected()), processes)
    pending = [*(held.effect for held in books.pending.values()), *payments.pending()]
    running = [process.id for process in processes if process.ending == "running"]
    if settled:
        findings += [_finding(process_id.partition(":")[2], "unsettled", process_id) for process_id in running]
        findings += [_finding(e.reference, "money-pending", f"refund of {e.object_id} not confirmed") for e in pending]
    return Verdict(
        ok=not findings,
        findings=findings,
        pending=[PendingMoney(**effect.model_dump(include=set(PendingMoney.model_fields))) for effect in pending],
        unsettled=running,
        counts=_counts([*effects, *by_others]),
        processes=dict(Counter(process.ending for process in processes)),
    )


def _twice(live: Sequence[Effect]) -> Iterator[Finding]:
    for operation in _ONCE:
        some = [effect for effect in live if effect.operation == operation]
        for key, count in Counter(effect.key for effect in some if effect.key).items():
            if count > 1:
                reference = next(effect.reference for effect in some if effect.key == key)
                yield _finding(reference, "twice", f"{count} live {operation} under the key {key}")
    for operation in ("reserve", "buy-label"):
        some = [effect for effect in live if effect.operation == operation and effect.reference]
        for reference, count in Counter(effect.reference for effect in some).items():
            if count > 1:
                yield _finding(reference, "twice", f"{count} live {operation} for one reference")


def _untold(rejected: Sequence[Effect], processes: Sequence[Process]) -> Iterator[Finding]:
    """A rejected refund is followed: by the process that was taken back, or by one of its own."""
    following = {
        process.reference
        for process in processes
        if process.type == REFUND_PROCESS or process.ending in ("undone", "running")
    }
    for effect in rejected:
        if _order(effect.reference) not in following:
            yield _finding(effect.reference, "rejected-untold", f"the refund of {effect.object_id} was rejected")


def _without_process(effects: Sequence[Effect], processes: Sequence[Process]) -> Iterator[Finding]:
    known = {process.reference for process in processes}
    unknown = [effect for effect in effects if _order(effect.reference) not in known and not _to_staff(effect)]
    strays = Counter((effect.reference, effect.operation) for effect in unknown)
    for (reference, operation), count in strays.items():
        yield _finding(reference, "no-process", f"{count} {operation}")


def _ended_right(process: Process, live: Sequence[Effect], ever: Sequence[Effect]) -> Iterator[Finding]:
    if process.ending == "failed" and live:
        yield _finding(process.reference, "failed-with-effects", f"{process.id} is {process.status}: {_names(live)}")
    if process.type != ORDER_PROCESS:
        return
    match process.ending:
        case "completed":
            yield from _counted(process, live)
            yield from _contradicted(process, live, ever)
        case "undone" if live:
            yield _finding(process.reference, "left-over", _names(live))
        case "ignored" if ever:
            yield _finding(process.reference, "ignored-acted", _names(ever))
        case "unreadable":
            yield _finding(process.reference, "unreadable", f"the result of {process.id} names no known kind")


def _counted(process: Process, live: Sequence[Effect]) -> Iterator[Finding]:
    """One of each for each parcel; the shop and the mail are told once a parcel, under the order's own reference."""
    parcels = {effect.reference for effect in live if effect.operation in _PER_PARCEL} or {process.reference}
    for parcel in sorted(parcels):
        counts = Counter(effect.operation for effect in live if effect.reference == parcel)
        for operation in _PER_PARCEL:
            if counts[operation] != 1 and operation not in process.by_hand:
                yield _finding(parcel, "count", f"completed with {counts[operation]} {operation} instead of 1")
    counts = Counter(effect.operation for effect in live)
    for operation, wanted in (("post-fulfilment", len(parcels)), ("send-mail", len(parcels) * process.mailed)):
        if counts[operation] != wanted and operation not in process.by_hand:
            told = f"completed with {counts[operation]} {operation} instead of {wanted}"
            yield _finding(process.reference, "count", told)


def _contradicted(process: Process, live: Sequence[Effect], ever: Sequence[Effect]) -> Iterator[Finding]:
    """What a completed order must not have: a hold that is still on, or being cancelled by us."""
    for effect in live:
        if effect.operation == "hold":
            yield _finding(process.reference, "left-over", _names([effect]))
    if any(effect.operation == "cancel-order" for effect in ever):
        yield _finding(process.reference, "count", "completed, though the order was cancelled")


def _completed_order(process: Process) -> bool:
    return process.type == ORDER_PROCESS and process.ending == "completed"


def _to_staff(effect: Effect) -> bool:
    """Whether it tells staff of a cause, which is about no single order."""
    return effect.operation == "tell-team" or (not effect.reference and effect.key.startswith("notices/"))


def _order(reference: str) -> str:
    """The reference without its part: `shop-uk:5001` of `shop-uk:5001.2`."""
    return reference.partition(".")[0]


def _finding(reference: str, rule: str, detail: str) -> Finding:
    return Finding(reference=reference, rule=rule, detail=detail)


def _names(effects: Sequence[Effect]) -> str:
    return ", ".join(f"{effect.operation} {effect.object_id} at {effect.connection}" for effect in effects)


def _counts(effects: Sequence[Effect]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for effect in effects:
        counts[effect.system][effect.operation] += 1
    return {system: dict(counter) for system, counter in sorted(counts.items())}


async def audit(simulator: str, client: Client, *, settled: bool = False) -> Verdict:
    """Read the ledger at the simulator's URL and the processes in Temporal, and check them.

    Processes are read first, so that what ends meanwhile counts as running. Raises httpx.HTTPError or RPCError.
    """
    processes = {process.id: process for process in await read_processes(client)}
    effects, authorizations = await _read_ledger(simulator)
    for process_id in set(await _latest_runs(client)) - processes.keys():
        processes[process_id] = Process(id=process_id, status="RUNNING")
    return check(effects, list(processes.values()), authorizations, settled=settled)


async def read_processes(client: Client) -> list[Process]:
    """Every process that Temporal still knows, by its last run."""
    runs = await _latest_runs(client)
    gate = asyncio.Semaphore(READS_AT_ONCE_MAX)

    async def read(run: WorkflowExecution) -> Process:
        async with gate, asyncio.timeout(READ_SECONDS_MAX):
            return await _read_process(client, run)

    return list(await asyncio.gather(*(read(run) for run in runs.values())))


async def _read_ledger(simulator: str) -> tuple[list[Effect], list[Authorization]]:
    async with httpx.AsyncClient(base_url=f"{simulator}/_simulator", timeout=READ_SECONDS_MAX) as http:
        effects, authorizations = await http.get("/effects"), await http.get("/authorizations")
    for answer in (effects, authorizations):
        answer.raise_for_status()
    kept = TypeAdapter(list[Authorization]).validate_json(authorizations.content)
    return TypeAdapter(list[Effect]).validate_json(effects.content), kept


async def _latest_runs(client: Client) -> dict[str, WorkflowExecution]:
    names = ", ".join(f"'{name}'" for name in PROCESSES)
    latest: dict[str, WorkflowExecution] = {}
    async for run in client.list_workflows(f"WorkflowType IN ({names})"):
        if run.id not in latest or latest[run.id].start_time < run.start_time:
            latest[run.id] = run
    return latest


async def _read_process(client: Client, run: WorkflowExecution) -> Process:
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    # The list lags behind: what it calls running may be over.
    status = (await handle.describe()).status or WorkflowExecutionStatus.RUNNING
    done = status is WorkflowExecutionStatus.COMPLETED
    return Process(id=run.id, status=status.name, result=await handle.result(follow_runs=False) if done else None)


def report(verdict: Verdict) -> str:
    """The verdict in words, one line a finding."""
    lines = [f"{finding.rule:20} {finding.reference or '-':24} {finding.detail}" for finding in verdict.findings]
    lines += [f"pending refund       {e.reference:24} {e.amount} {e.currency}, {e.object_id}" for e in verdict.pending]
    lines += [f"still running        {process_id}" for process_id in verdict.unsettled]
    for system, counts in verdict.counts.items():
        lines.append(f"{system:20} {', '.join(f'{count} {operation}' for operation, count in sorted(counts.items()))}")
    ended = ", ".join(f"{count} {ending}" for ending, count in sorted(verdict.processes.items())) or "none"
    lines.append(f"processes            {ended}")
    lines.append("GREEN: the ledger keeps the promises" if verdict.ok else f"RED: {len(verdict.findings)} findings")
    return "\n".join(lines)


async def _main(options: argparse.Namespace) -> int:
    try:
        profile = ClientConfig.load_client_connect_config()
        profile.setdefault("target_host", "localhost:7233")
        client = await Client.connect(**profile)
        verdict = await audit(options.simulator, client, settled=options.settled)
    except (httpx.HTTPError, RPCError, RuntimeError, TimeoutError) as error:
        sys.stderr.write(f"cannot read the ledger or Temporal: {type(error).__name__}: {error}\n")
        return 2
    sys.stdout.write((verdict.model_dump_json() if options.json else report(verdict)) + "\n")
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m seamline.simulator.checker", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--simulator", required=True, help="the simulator's URL")
    parser.add_argument("--settled", action="store_true", help="everything should be over: running processes are red")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    leave(asyncio.run(_main(parser.parse_args())))
