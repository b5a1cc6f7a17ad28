"""Look in the CRM, on a schedule, for what no webhook told: deals won or reopened, and instalments due.

Its only memory is the last run's result. The watermark is the CRM's own time of the last change seen, and each look
begins a little before it, since changes become visible late and out of order.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field, ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy

from activities import crm, waiting
from activities.waiting import Begun, Change, Changes
from seamline.process.beginning import begin
from seamline.process.effect import Call
from seamline.process.start import workflow_id
from seamline.records.base import Record
from seamline.records.deal import WonDeal, WonDeals, WonRequest
from seamline.records.policy import Policy
from seamline.records.reference import part_of
from workflows.deal_to_invoice import DealToInvoice
from workflows.reverse_deal import ReverseDeal

SEEN_MAX = 4000
TRY_WITHIN = timedelta(seconds=60)
LOOK_WITHIN = timedelta(minutes=5)
_RETRIES = RetryPolicy(maximum_interval=timedelta(seconds=30))


class WatchRules(Record):
    """Which CRM is looked at, and what its processes are started with."""

    connection: str
    routes: dict[str, dict[str, str]] = Field(description="Process -> role -> connection.")
    policy: Policy
    observe_only: tuple[str, ...] = ()
    """The processes that only tell what they would have done."""
    overlap_seconds: float = Field(default=300, ge=0, le=86_400)
    first_hours: float = Field(default=24, ge=0, le=8760)
    """How far back the very first look goes."""


class Seen(Record):
    """A change that was acted on."""

    reference: str
    changed_at: AwareDatetime


class Watched(Record):
    """What one look did, and what the next must know."""

    since: AwareDatetime | None = None
    seen: tuple[Seen, ...] = ()
    started: int = 0


@workflow.defn(name="watch-deals")
class WatchDeals:
    """Look, and start what is to be started."""

    @workflow.run
    async def run(self, rules: WatchRules) -> Watched:
        """One look."""
        last = _last_run()
        since = last.since or workflow.now() - timedelta(hours=rules.first_hours)
        overlap = timedelta(seconds=rules.overlap_seconds)
        asked = WonRequest(since=since - overlap, today=rules.policy.today(workflow.now()))
        found: WonDeals = await workflow.execute_activity(
            crm.find_won.name,
            Call[WonRequest](reference="", request=asked),
            task_queue=rules.connection,
            result_type=WonDeals,
            start_to_close_timeout=TRY_WITHIN,
            schedule_to_close_timeout=LOOK_WITHIN,
            retry_policy=_RETRIES,
            summary=crm.find_won.title,
        )
        known = {(one.reference, one.changed_at) for one in last.seen}
        new = [one for one in found.deals if (one.reference, one.changed_at) not in known]
        begun = await _begun(new)
        started = [one for one in new if _process(one) not in begun and await _start(rules, one)]
        return Watched(since=_watermark(since, new), seen=_kept(last.seen, new, since - overlap), started=len(started))


async def _begun(deals: list[WonDeal]) -> frozenset[str]:
    """Whose process was begun since the change, by a webhook or by hand: what became of it then is not asked anew."""
    changes = tuple(Change(process_id=_process(one), changed_at=one.changed_at) for one in deals)
    if not changes:
        return frozenset()
    begun: Begun = await workflow.execute_activity(
        waiting.begun.name,
        Call[Changes](reference="", request=Changes(changes=changes)),
        result_type=Begun,
        start_to_close_timeout=TRY_WITHIN,
        schedule_to_close_timeout=LOOK_WITHIN,
        retry_policy=_RETRIES,
        summary=waiting.begun.title,
    )
    return frozenset(begun.process_ids)


def _process(deal: WonDeal) -> str:
    """The id of the process that the change is for."""
    process = ReverseDeal if deal.reopened else DealToInvoice
    return workflow_id(process.name, deal.reference)


async def _start(rules: WatchRules, deal: WonDeal) -> bool:
    """Start the deal's process. An instalment's is started once; a deal's again when its stage changed again."""
    process = ReverseDeal if deal.reopened else DealToInvoice
    start = process.start_type(
        reference=deal.reference,
        route=rules.routes.get(process.name, {}),
        policy=rules.policy,
        started_by="watch-deals",
        observe_only=process.name in rules.observe_only,
    )
    return await begin(process.name, start, again=not part_of(deal.reference))


def _watermark(since: datetime, new: list[WonDeal]) -> datetime:
    """The newest change acted on; instalments are found by their days, whenever their deal changed."""
    return max([since, *(one.changed_at for one in new if not part_of(one.reference))])


def _kept(seen: tuple[Seen, ...], new: list[WonDeal], from_: datetime) -> tuple[Seen, ...]:
    """What the next look may find again."""
    added = [Seen(reference=one.reference, changed_at=one.changed_at) for one in new]
    return tuple(one for one in (*seen, *added) if part_of(one.reference) or one.changed_at >= from_)[-SEEN_MAX:]


def _last_run() -> Watched:
    """What the run before did; nothing where there was none, or another release wrote it otherwise."""
    try:
        return Watched.model_validate(workflow.get_last_completion_result(dict) or {})
    except ValidationError:
        return Watched()
