"""A live shop whose parcels would travel under test labels is told, and the reverse."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from seamline.cli_accounts import real_and_test
from seamline.records.system import Card
from seamline.settings import Settings
from seamline.systems.shippo.carrier import Account

SYSTEMS = {"shop-uk": "shopify", "erp-main": "tryton", "shippo-main": "shippo", "mail-main": "smtp"}
SETTINGS = Settings(connections={name: {"system": system} for name, system in SYSTEMS.items()})
SENDER = {"name": "W", "street1": "1 Dock Road", "city": "London", "postcode": "E16 2QU", "country": "GB"}


def cards(**live: bool | None) -> list[Card]:
    told = {"system": "x", "role": "x", "holds": (), "connected": "", "authentication": "", "limits": "", "repeats": {}}
    names = {name.replace("_", "-"): one for name, one in live.items()}
    return [Card.model_validate({**told, "connection": name, "live": one}) for name, one in names.items()]


@pytest.mark.parametrize("live", [True, False])
def test_accounts_of_one_kind_are_well(live: bool) -> None:
    assert real_and_test(SETTINGS, cards(shop_uk=live, shippo_main=live, erp_main=None)) == []


@pytest.mark.parametrize(("shop", "carrier"), [(True, False), (False, True)])
def test_a_live_and_a_test_account_do_not_go_together(shop: bool, carrier: bool) -> None:
    kind = {True: "a live account", False: "a test account"}
    (told,) = real_and_test(SETTINGS, cards(shop_uk=shop, shippo_main=carrier))
    assert told.startswith(f"shop-uk is {kind[shop]} and shippo-main is {kind[carrier]}: set connections.shippo-main")


@pytest.mark.parametrize(("token", "test"), [("shippo_test_1", False), ("shippo_live_1", True)])
def test_a_token_of_the_other_kind_is_a_wrong_setting(token: str, test: bool) -> None:
    with pytest.raises(ValidationError, match=r"token is a (test|live) token"):
        Account.model_validate({"token": token, "test": test, "sender": SENDER})
    assert Account.model_validate({"token": token, "test": not test, "sender": SENDER}).test is not test
