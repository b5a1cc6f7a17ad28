"""Lifecycle stages at the simulated HubSpot, and what the ledger makes of them."""

from __future__ import annotations

import httpx
import pytest

from tests.simulator.hubspot_client import KEY, App


@pytest.fixture
def app(http: httpx.AsyncClient) -> App:
    return App(http)


@pytest.mark.parametrize("kind", ["companies", "contacts"])
async def test_a_stage_moves_forward_and_back_only_after_clearing(app: App, kind: str) -> None:
    made = await (app.company if kind == "companies" else app.contact)(stage="lead")
    written = await app.set(kind, made, lifecyclestage="customer", seamline_previous_stage="lead", seamline_key=KEY)
    assert written["lifecyclestage"] == "customer"
    assert await app.value(kind, made, "hs_lifecyclestage_customer_date")
    ignored = await app.set(kind, made, lifecyclestage="lead", city="Leeds")
    assert (ignored["lifecyclestage"], ignored["city"]) == ("customer", "Leeds")
    await app.set(kind, made, lifecyclestage="")
    assert await app.value(kind, made, "lifecyclestage") is None
    assert [one[0] for one in await app.effects()] == ["become-customer"]
    await app.set(kind, made, lifecyclestage="lead")
    assert await app.effects() == [("become-customer", KEY, None), ("restore-stage", KEY, made)]


async def test_clearing_restores_what_had_no_stage(app: App) -> None:
    made = await app.company(stage="")
    await app.set("companies", made, lifecyclestage="customer", seamline_key=KEY)
    await app.set("companies", made, lifecyclestage="")
    assert [one[0] for one in await app.effects()] == ["become-customer", "restore-stage"]


async def test_moving_back_is_one_effect_though_it_takes_two_requests(app: App) -> None:
    made = await app.contact(stage="other")
    await app.set("contacts", made, lifecyclestage="", seamline_key=KEY)
    assert await app.effects() == []
    await app.set("contacts", made, lifecyclestage="customer", seamline_key=KEY)
    assert await app.effects() == [("become-customer", KEY, None)]
    await app.set("contacts", made, lifecyclestage="other", seamline_key=KEY)
    assert (await app.effects())[1:] == [("restore-stage", KEY, made)]


async def test_what_is_cleared_and_set_as_it_was_is_no_effect(app: App) -> None:
    made = await app.contact(stage="lead")
    await app.set("contacts", made, lifecyclestage="")
    await app.set("contacts", made, lifecyclestage="lead")
    assert await app.effects() == []


async def test_setting_the_same_again_is_no_effect(app: App) -> None:
    made = await app.company(stage="lead")
    for _ in range(3):
        await app.set("companies", made, lifecyclestage="customer", seamline_key=KEY)
    assert [one[0] for one in await app.effects()] == ["become-customer"]


async def test_people_move_a_stage_back_and_so_take_ours_back(app: App) -> None:
    made = await app.contact(stage="opportunity")
    await app.set("contacts", made, lifecyclestage="customer", seamline_key=KEY)
    answer = await app.people("PATCH", f"/contacts/{made}", {"lifecyclestage": "subscriber"})
    assert answer["properties"]["lifecyclestage"] == "subscriber"
    assert (await app.effects())[1:] == [("stage-by-hand", KEY, made)]
    await app.people("PATCH", f"/contacts/{made}", {"lifecyclestage": "lead"})
    assert len(await app.effects()) == 2


async def test_a_stage_without_a_key_is_an_effect_of_nobody(app: App) -> None:
    made = await app.company(stage="lead", properties={"seamline_key": KEY})
    await app.set("companies", made, lifecyclestage="customer")
    assert await app.effects() == [("become-customer", "", None)]


async def test_what_goes_into_the_bin_keeps_no_stage_of_ours(app: App) -> None:
    made = await app.contact(stage="lead")
    await app.set("contacts", made, lifecyclestage="customer", seamline_key=KEY)
    await app.people("DELETE", f"/contacts/{made}")
    assert (await app.effects())[-1] == ("stage-by-hand", KEY, made)


async def test_an_effects_page_shows_the_object(app: App) -> None:
    made = await app.company(name="Acme", stage="lead")
    await app.set("companies", made, lifecyclestage="customer", seamline_key=KEY)
    ledger = (await app.http.get("/")).text
    link = ledger.split('href="/objects/')[1].split('"')[0]
    page = (await app.http.get(f"/objects/{link}")).text
    assert "Acme" in page
    assert "moved" not in page
