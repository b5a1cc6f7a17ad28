"""Locations, countries and payments of the accounts, held against the settings."""

from __future__ import annotations

from typing import Any

import pytest

from seamline.cli_accounts import by_default, misplaced, sent_from_elsewhere, unpaid
from seamline.records.system import Card
from seamline.settings import Settings

SYSTEMS = {
    "shop-uk": "shopify",
    "erp-main": "tryton",
    "erp-north": "tryton",
    "shippo-main": "shippo",
    "shippo-north": "shippo",
    "mail-main": "smtp",
}
NORTH = {"North": {"inventory": "erp-north", "carrier": "shippo-north", "ship_from": "DE"}}
ROUTES = {"inventory": "erp-main", "carrier": "shippo-main"}


def settings(*without: str, routes: dict[str, str] = ROUTES, **policy: Any) -> Settings:
    connections = {name: {"system": system} for name, system in SYSTEMS.items() if name not in without}
    return Settings(connections=connections, routes=routes, policy=policy)


def card(connection: str, **facts: Any) -> Card:
    told = {"system": "x", "role": "x", "holds": (), "connected": "", "authentication": "", "limits": "", "repeats": {}}
    return Card.model_validate({**told, "connection": connection, **facts})


SHOP = card("shop-uk", locations=("Main", "North"))
CARRIERS = (card("shippo-main", country="GB"), card("shippo-north", country="DE"))


def test_what_is_named_and_what_the_default_serves_is_well() -> None:
    assert misplaced(settings(locations=NORTH), [SHOP]) == []
    assert by_default(settings(locations=NORTH), [SHOP]) == "by the default: Main"
    assert by_default(settings(), [SHOP]) == ""
    assert sent_from_elsewhere(settings(locations=NORTH), [SHOP, *CARRIERS]) == []


def test_one_connection_of_a_role_needs_no_name_and_no_route() -> None:
    alone = settings("erp-north", "shippo-north", routes={})
    assert misplaced(alone, [SHOP]) == []


def test_a_name_that_no_shop_has_is_told_with_those_there_are() -> None:
    (told,) = misplaced(settings(locations={"north": {}}), [SHOP])
    assert told.startswith('policy.locations."north": no shop has a location of this name')
    assert "there are: Main, North: correct the name" in told


@pytest.mark.parametrize("cards", [[], [card("erp-main")]])
def test_a_shop_that_did_not_answer_may_have_the_name(cards: list[Card]) -> None:
    assert misplaced(settings(locations={"north": {}}), cards) == []


def test_a_location_that_nobody_serves_is_told_with_both_remedies() -> None:
    (told,) = misplaced(settings(routes={"inventory": "erp-main"}, locations=NORTH), [SHOP])
    assert told == (
        "shop-uk ships from 'Main', of which no carrier is known: "
        'set policy.locations."Main", or routes.carrier for all that is not named there'
    )


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"ship_from": "FR"}, "policy.ship_from is FR and shippo-main sends from GB what leaves from Main, North: "),
        ({"locations": {"North": {"ship_from": "FR"}}}, 'policy.locations."North".ship_from is FR and shippo-main'),
        (
            {"locations": {"North": {"carrier": "shippo-north"}}},
            "policy.ship_from is GB and shippo-north sends",
        ),
    ],
)
def test_a_country_that_labels_do_not_have_is_told(policy: dict[str, Any], told: str) -> None:
    (found,) = sent_from_elsewhere(settings(**policy), [SHOP, *CARRIERS])
    assert found.startswith(told)
    assert "correct one of them" in found


def test_where_no_shop_tells_its_locations_those_named_and_the_default_are_looked_at() -> None:
    found = sent_from_elsewhere(settings(ship_from="FR", locations=NORTH), CARRIERS)
    (told,) = [one.split(":")[0] for one in found]
    assert told == "policy.ship_from is FR and shippo-main sends from GB what leaves from other locations"


@pytest.mark.parametrize(("live", "gateways", "told"), [(True, ("bogus",), 1), (False, ("bogus",), 0), (True, (), 0)])
def test_a_live_shop_whose_customers_pay_nothing_is_told(live: bool, gateways: tuple[str, ...], told: int) -> None:
    found = unpaid([card("shop-uk", live=live, test_payments=gateways)])
    assert len(found) == told
    assert all("by bogus: switch test mode off" in one for one in found)
