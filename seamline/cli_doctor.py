"""`seamline doctor`: is everything set, there and running; and if not, what to do."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterator, Sequence

import typer
from pydantic import ValidationError
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleDescription,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from seamline import catalog
from seamline.cli_accounts import by_default, misplaced, real_and_test, sent_from_elsewhere, unpaid
from seamline.cli_output import AsJson, Exit, Refused, console, print_json, run, say
from seamline.cli_resume import all_left
from seamline.cli_systems import Surveyed, ask_all, told
from seamline.errors import ConfigurationError
from seamline.records.base import Record
from seamline.records.system import Card
from seamline.settings import PROCESS_QUEUE, Settings, load_settings, start_for
from seamline.stopping import stopped
from seamline.teams import NOTIFIER, TEAMS
from seamline.temporal import (
    TemporalUnreachable,
    check_reachable,
    connect,
    connect_config,
    missing_search_attributes,
    polled,
    reaching,
)

TERMINATED_MAX = 50
"""Looked at; more are told as so many."""

app = typer.Typer()


class Check(Record):
    """One thing that was looked at. `remedy` is empty when it is well."""

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check settings, Temporal, workers and systems; each line is well, or wrong with the remedy."""
    checks = run(_collect(as_json))
    if as_json:
        print_json([check.model_dump() for check in checks])
    if not all(check.ok for check in checks):
        raise typer.Exit(Exit.FAILED)


async def _collect(as_json: bool) -> list[Check]:
    checks = []
    async for check in diagnose():
        checks.append(check)
        if not as_json:
            _print(check)
    return checks


def _print(check: Check) -> None:
    mark = "[green]well[/]  " if check.ok else "[red]wrong[/] "
    console.print(mark, end="")
    say(f"{check.name}: {check.detail}" if check.detail else check.name)
    if check.remedy:
        say(f"      {check.remedy}")


async def diagnose() -> AsyncIterator[Check]:
    """Every check, in the order in which one builds on the other; ends early where the rest cannot be asked."""
    try:
        settings = load_settings()
        yield Check(name="settings", ok=True, detail=f"{len(settings.connections)} connections")
        processes = catalog.processes()
        yield Check(name="processes", ok=True, detail=", ".join(sorted(processes)))
    except ConfigurationError as error:
        yield Check(name="settings", ok=False, remedy=str(error))
        return
    for check in (*_routes(settings), *_exposure(settings), *_observed(settings), *shared_stock(settings)):
        yield check
    address = f"Temporal at {connect_config().get('target_host')}"
    try:
        client = await connect(settings)
        await check_reachable(client)
        missing = await missing_search_attributes(client)
    except (TemporalUnreachable, ConfigurationError) as error:
        yield Check(name=address, ok=False, remedy=str(error))
        return
    yield Check(name=address, ok=True, detail=f"namespace {client.namespace}")
    yield Check(
        name="search attributes",
        ok=not missing,
        detail=f"missing: {', '.join(missing)}" if missing else "all there",
        remedy="start a worker once, it registers them" if missing else "",
    )
    yield await notifier(client, settings)
    yield await _terminated(client)
    yield await _stopped(client, settings)
    async for check in _workers(client, settings):
        yield check


def _routes(settings: Settings) -> Iterator[Check]:
    """Whether every process finds a connection for each role, for the objects of each connection it is about.

    Those about any object are tried with the orders of each shop.
    """
    wrong = set()
    for process in catalog.processes().values():
        for own in settings.filling(process.origin or "shop"):
            try:
                start_for(process, f"{own}:1", settings)
            except ConfigurationError as error:
                wrong.add(str(error))
            except ValidationError:
                continue  # started by another process only, which brings what is missing
    yield Check(name="routes", ok=not wrong, remedy="; ".join(sorted(wrong)))


def _exposure(settings: Settings) -> Iterator[Check]:
    if settings.api.token is None and not _loopback(settings.api.host):
        remedy = (
            "set api.token (or SEAMLINE_API__TOKEN): anyone who reaches this address could start and list processes"
        )
        yield Check(name="api", ok=False, detail=f"open to {settings.api.host} without a token", remedy=remedy)


def _observed(settings: Settings) -> Iterator[Check]:
    """Whether a trial was left on: its orders are told, and nobody ships them."""
    if settings.observed:
        names = ", ".join(sorted(settings.observed))
        remedy = "set observe_only to false (of all, and of each connection) when the trial is over"
        yield Check(name="observe-only", ok=False, detail=f"nothing is written to {names}", remedy=remedy)


def shared_stock(settings: Settings) -> Iterator[Check]:
    """Whether shops are to be told what is in stock that own their stock, all of them."""
    shops = sorted(settings.filling("shop"))
    if settings.stock.share and shops and all(settings.policy.shop(one).counts_itself for one in shops):
        remedy = "set stock.share to false, or policy.shops.NAME.stock to erp where the ERP's count is to lead"
        yield Check(
            name="stock", ok=False, detail=f"nothing is shared: {', '.join(shops)} own their stock", remedy=remedy
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def notifier(client: Client, settings: Settings) -> Check:
    """Whether teams are told what waits: by whom, and how the last look went."""
    if not settings.teams or not settings.notifier.enabled:
        return Check(name="notifier", ok=True, detail="off: no team is told what waits (teams, notifier.enabled)")
    try:
        with reaching():
            described = await client.get_schedule_handle(NOTIFIER).describe()
            failed = await _not_told(client, described)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return Check(name="notifier", ok=False, remedy="it is not scheduled: start a worker, it sees to that")
    if described.schedule.state.paused:
        remedy = f"it is paused: temporal schedule toggle --schedule-id {NOTIFIER} --unpause"
        return Check(name="notifier", ok=False, detail=described.schedule.state.note or "", remedy=remedy)
    others = [team for team in TEAMS if team not in settings.teams]
    detail = f"{', '.join(others)} told as {settings.notifier.default_team}" if others else "every team has a place"
    return Check(name="notifier", ok=not failed, detail=detail, remedy="; ".join(failed))


async def _not_told(client: Client, described: ScheduleDescription) -> list[str]:
    """What the last look could not tell, and why."""
    actions = [one.action for one in described.info.recent_actions]
    if not actions or not isinstance(actions[-1], ScheduleActionExecutionStartWorkflow):
        return []
    run = client.get_workflow_handle(actions[-1].workflow_id)
    status = (await run.describe()).status
    if status is WorkflowExecutionStatus.RUNNING:
        return []
    if status is not WorkflowExecutionStatus.COMPLETED:
        return [f"the last look failed: temporal workflow show --workflow-id {run.id}"]
    return [
        f"{one['team']} could not be told by {one['connection']}: {one['failure']}"
        for one in (await run.result())["failed"]
    ]


async def _terminated(client: Client) -> Check:
    """Not wrong, since staff may have settled it by hand; yet nothing else tells of it."""
    count = sum(bool(left.called) for left in (await all_left(client, TERMINATED_MAX)).values())
    remedy = "`seamline terminated` lists what they left, `seamline resume ID` takes one up again" if count else ""
    return Check(name="terminated with effects", ok=True, detail=str(count or "none"), remedy=remedy)


async def _stopped(client: Client, settings: Settings) -> Check:
    """Whether people stopped calls, and may have forgotten it."""
    stops = (await stopped(client, settings.connections)).values()
    return Check(name="stopped", ok=not stops, remedy="; ".join(one.told() for one in stops))


async def _workers(client: Client, settings: Settings) -> AsyncIterator[Check]:
    remedy = "start one: seamline worker"
    ok = await polled(client, PROCESS_QUEUE, workflows=True)
    yield Check(name="worker for processes", ok=ok, remedy="" if ok else remedy)
    for name in settings.connections:
        ok = await polled(client, name)
        remedy = "" if ok else f"start one that serves it (worker.connections): seamline worker; or {name} is down"
        yield Check(name=f"worker for {name}", ok=ok, remedy=remedy)
    try:
        answers = await ask_all(client, settings, "survey", Surveyed)
    except Refused as error:
        yield Check(name="systems", ok=False, remedy=str(error))
        return
    for one in answers:
        well = one.card is not None
        detail = one.card.account if one.card else ""
        yield Check(name=f"system {one.connection}", ok=well, detail=detail, remedy="" if well else told(one.failure))
    for check in _accounts(settings, [one.card for one in answers if one.card]):
        yield check


def _accounts(settings: Settings, cards: Sequence[Card]) -> Iterator[Check]:
    """Whether the accounts fit each other and the settings."""
    found = {
        "live or test": real_and_test(settings, cards) + unpaid(cards),
        "locations": misplaced(settings, cards),
        "sent from": sent_from_elsewhere(settings, cards),
    }
    for name, wrong in found.items():
        detail = by_default(settings, cards) if name == "locations" else ""
        yield Check(name=name, ok=not wrong, detail=detail, remedy="; ".join(wrong))
