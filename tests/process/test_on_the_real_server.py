"""What only the real server has: visibility, and heartbeat details that outlive a failed attempt."""

from __future__ import annotations

import asyncio

from temporalio.api.sdk.v1 import WorkflowMetadata

from seamline.errors import Outage, Problem, Refusal
from seamline.process import attributes
from seamline.process.decision import Action
from seamline.process.details import commands
from seamline.process.view import Status
from tests.process.theatre import ROUNDS_MAX, Handle, Theatre, event_types


async def listed(theatre: Theatre, handle: Handle, query: str) -> bool:
    """Whether visibility finds the process by the query, which it does a moment after the fact."""
    for _ in range(ROUNDS_MAX):
        found = [one.id async for one in theatre.client.list_workflows(query)]
        if handle.id in found:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_what_waits_is_found_by_team_and_cause_and_no_more_once_decided(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await real.start()
    await real.waiting(handle)
    query = f"SeamlineStatus = 'waiting' AND SeamlineTeam = 'operations' AND WorkflowId = '{handle.id}'"
    assert await listed(real, handle, query)
    assert await listed(real, handle, f"SeamlineCause = '{real.connection} refusal no-colour'")
    await real.decide(handle, wait="paint#1", action="retry")
    await handle.result()
    assert await listed(real, handle, f"SeamlineStatus IS NULL AND WorkflowId = '{handle.id}'")
    found = await handle.describe()
    assert found.typed_search_attributes[attributes.REFERENCE] == handle.id.partition(":")[2]


async def test_a_wait_whose_system_is_away_is_held_up_and_heals(real: Theatre) -> None:
    """Polling costs no event, so neither does it show an outage by itself: the attempts remember since when."""
    real.workshop.ready = False
    handle = await real.start()
    await real.called("collected")
    real.workshop.script["collected"] = [Outage("http-503")] * 8
    view = await real.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{real.connection} outage http-503"
    await real.until(handle, lambda view: view.status is Status.RUNNING)
    assert not real.workshop.script["collected"]
    real.workshop.ready = True
    assert (await handle.result())["kind"] == "completed"
    assert (await event_types(handle)).count("ACTIVITY_TASK_SCHEDULED") == 8


async def test_a_short_outage_during_a_wait_is_not_shown(real: Theatre) -> None:
    real.workshop.ready = False
    handle = await real.start()
    await real.called("collected")
    real.workshop.script["collected"] = [Outage("http-503")] * 1
    await real.until(handle, lambda _: not real.workshop.script["collected"])
    real.workshop.ready = True
    await handle.result()
    assert "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES" not in await event_types(handle)


async def test_a_process_started_by_hand_without_attributes_is_found_once_it_waits(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await real.start(search_attributes=None)
    await real.waiting(handle)
    reference = handle.id.partition(":")[2]
    assert await listed(real, handle, f"SeamlineReference = '{reference}'")
    await real.decide(handle, wait="paint#1", action="retry")
    await handle.result()


async def test_the_commands_that_the_temporal_ui_shows_are_kept_letter_by_letter(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("no-colour", problems=[Problem(field="colour", reason="is sold out")])]
    handle = await real.start()
    view = await real.waiting(handle)
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    for command in commands(handle.id, view.waits[0], Action.AMEND):
        assert f"\n{command}\n" in metadata.current_details.partition("```")[2]
    await real.decide(handle, wait="paint#1", action="retry")
    await handle.result()
