"""Processes by HTTP: those that fit are listed page by page, and a cancel is shown before anybody asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from seamline.api.app import create_app
from seamline.errors import Refusal
from seamline.process import attributes
from seamline.settings import PROCESS_QUEUE, Settings
from tests.process.play import Play
from tests.process.stage import Workshop
from tests.process.theatre import ROUNDS_MAX, Handle, Theatre, register

LISTED = {"workflow_id", "process", "reference", "status", "team", "cause", "started", "closed", "links"}
PREVIEWED = {"workflow_id", "status", "running", "left", "undo_plan"}


@pytest.fixture
async def theatre(dev_server: WorkflowEnvironment) -> AsyncIterator[Theatre]:
    """Plays on the queue that the product's workers serve."""
    await register(dev_server.client)
    world = Theatre(dev_server, Workshop())
    world.queue = PROCESS_QUEUE
    async with world.acting(), world.playing():
        yield world


@pytest.fixture
async def api(dev_server: WorkflowEnvironment) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(), dev_server.client, {"play": Play})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as api:
        yield api


async def waiting(theatre: Theatre) -> tuple[Handle, str]:
    """A play that waits for a colour, and its reference."""
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    return handle, handle.id.partition(":")[2]


async def with_part(theatre: Theatre, reference: str) -> str:
    """A process of a part of the object, which nobody serves: its id."""
    identity = f"play:{reference}.2"
    await theatre.client.start_workflow(
        "play", id=identity, task_queue="nobody", search_attributes=attributes.at_start(f"{reference}.2")
    )
    return identity


async def listed(api: httpx.AsyncClient, count: int, **wanted: Any) -> list[dict[str, Any]]:
    """What is listed, once it is so many; each is seen a moment after it began."""
    for _ in range(ROUNDS_MAX):
        answer = await api.get("/processes", params=wanted)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["processes"]
        if len(found) == count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"not {count} but {found}")


async def test_what_waits_is_listed_by_reference_and_team(api: httpx.AsyncClient, theatre: Theatre) -> None:
    handle, reference = await waiting(theatre)
    (found,) = await listed(api, 1, reference=reference, status="waiting", team="operations")
    assert found.keys() == LISTED
    assert (found["workflow_id"], found["process"], found["reference"]) == (handle.id, "play", reference)
    assert found["cause"] == f"{theatre.connection} refusal no-colour"
    assert found["closed"] is None
    assert await listed(api, 0, reference=reference, team="finance") == []
    await theatre.decide(handle, wait="paint#1", action="retry")
    await handle.result()
    (found,) = await listed(api, 1, reference=reference, status="completed")
    assert (found["team"], found["cause"]) == ("", "")
    assert found["closed"]


async def test_pages_follow_one_another_to_the_last(api: httpx.AsyncClient, theatre: Theatre) -> None:
    handle, reference = await waiting(theatre)
    part = await with_part(theatre, reference)
    await listed(api, 2, reference=reference)
    first = (await api.get("/processes", params={"reference": reference, "limit": 1})).json()
    wanted = {"reference": reference, "limit": 1, "after": first["next"]}
    second = (await api.get("/processes", params=wanted)).json()
    assert [one["workflow_id"] for one in first["processes"] + second["processes"]] == [part, handle.id]
    while second["next"]:
        second = (await api.get("/processes", params=wanted | {"after": second["next"]})).json()
        assert second["processes"] == []
    other = await api.get("/processes", params={"limit": 1, "after": first["next"]})
    assert (other.status_code, [one["field"] for one in other.json()["problems"]]) == (422, ["after"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", "hunter2"),
        ("status", "hunter2"),
        ("team", "hunter2'"),
        ("limit", "0"),
        ("limit", "201"),
        ("after", "hunter2"),
        ("after", "hünter2"),
        ("hunter", "1"),
    ],
)
async def test_a_wrong_filter_is_422_and_names_the_field(
    api: httpx.AsyncClient, theatre: Theatre, field: str, value: str
) -> None:
    answer = await api.get("/processes", params={field: value})
    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert problem["field"] == field
    assert "hunter2" not in answer.text


async def test_a_cancel_is_shown_before_it_is_asked_for(api: httpx.AsyncClient, theatre: Theatre) -> None:
    handle, _ = await waiting(theatre)
    path = f"/processes/{handle.id}/cancel-preview"
    (shown,) = (await api.get(path)).json()
    assert shown.keys() == PREVIEWED
    assert (shown["workflow_id"], shown["status"], shown["running"], shown["left"]) == (
        handle.id,
        "waiting",
        True,
        False,
    )
    view = await theatre.view(handle)
    assert shown["undo_plan"] == [one.model_dump() for one in view.undo_plan]
    assert [one["title"] for one in shown["undo_plan"]] == ["Reserve", "Paint"]
    theatre.workshop.ready = False
    await theatre.decide(handle, wait="paint#1", action="retry")
    await theatre.called("collected")
    titles = [one["title"] for one in (await api.get(path)).json()[0]["undo_plan"]]
    assert titles == ["Reserve", "Sell", "Paint"]
    theatre.workshop.ready = True
    await handle.result()
    (shown,) = (await api.get(path)).json()
    assert (shown["running"], shown["left"], shown["undo_plan"]) == (False, True, [])


@pytest.mark.parametrize(
    "identity", ["play:shop-uk:404404", "play:", "play", "stage:shop-uk:1", "play:shop-uk:1%00", "play:" + "1" * 2000]
)
async def test_no_such_process_is_404(api: httpx.AsyncClient, identity: str) -> None:
    answer = await api.get(f"/processes/{identity}/cancel-preview")
    assert answer.status_code == 404
    assert "GET /processes" in answer.json()["detail"]
