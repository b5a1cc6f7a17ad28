"""What the real ERP says to wrong data: a refusal with its place, which nobody retries for ever."""

from __future__ import annotations

import pytest

from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import HttpFactory
from seamline.records.stock import StockRequest
from seamline.systems.tryton.client import TrytonClient, open_client
from seamline.systems.tryton.inventory import Account, TrytonInventory, connect
from tests.erp.conftest import NAME, Shop
from tests.erp.tryton import KEYS, OURS
from tests.systems.conformance import ADDRESS, REFERENCE
from tests.systems.inventory_suite import stock_request

pytestmark = pytest.mark.timeout(600)

KEY = f"{REFERENCE}/reserve#1"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": "XXX"}, "currency"),
        ({"address": ADDRESS.model_copy(update={"country": "QQ"})}, "address.country"),
    ],
)
async def test_what_it_does_not_know_is_refused_by_field(
    adapter: TrytonInventory, changes: dict[str, object], field: str
) -> None:
    request = stock_request().model_copy(update=changes)
    with pytest.raises(Refusal) as caught:
        await adapter.create_reservation(KEY, StockRequest.model_validate(request))
    assert [one.field for one in caught.value.failure.problems] == [field]
    assert await adapter.find_reservations(REFERENCE) == []


async def test_a_wrong_field_model_or_type_is_a_refusal(shop: Shop) -> None:
    client = raw_client(shop)
    for model, values in (
        ("party.party", {"nam": "Jo"}),
        ("no.such.model", {"name": "Jo"}),
        ("party.party", {"name": "Jo", "addresses": 7}),
        ("sale.sale", {"party": "Jo"}),
    ):
        with pytest.raises(Refusal) as caught:
            await client.create("create", model, values)
        assert (caught.value.failure.code, caught.value.failure.status) == ("malformed-request", 500), model
    await client.close()


async def test_what_a_user_could_mend_is_told_in_tryton_s_words(shop: Shop) -> None:
    client = raw_client(shop)
    for values, told in (({"name": "Jo", "code": "OWN"}, "unique"), ({"name": "Jo", "lang": 999}, "does not exist")):
        with pytest.raises(Refusal) as caught:
            await client.create("create", "party.party", values)
        assert (caught.value.failure.code, caught.value.failure.status) == ("bad-request", 400)
        assert told in caught.value.failure.reason
    await client.close()


async def test_a_wrong_account_is_no_outage(shop: Shop) -> None:
    for changes, kind in (
        ({"database": "nobodys"}, Refusal),
        ({"key": "wrong"}, LockedOut),
        ({"company": 99}, Refusal),
    ):
        adapter = connect(NAME, Account.model_validate(shop.account(**changes)), HttpFactory())
        with pytest.raises(kind):
            await adapter.card()
        await adapter.close()


async def test_a_locked_table_is_an_outage_and_nothing_is_lost(adapter: TrytonInventory, shop: Shop) -> None:
    """Somebody holds the lock that assigning needs, as a long report does."""
    reservation = await adapter.create_reservation(KEY, stock_request())
    async with shop.erp.postgres.locked(shop.database, "stock_move"):
        with pytest.raises(Outage):
            await adapter.advance_reservation(reservation)
    assert (await adapter.advance_reservation(reservation)).state == "assigned"


def raw_client(shop: Shop) -> TrytonClient:
    """The adapter's transport alone."""
    return open_client(
        NAME, shop.proxy.url, shop.database, KEYS[OURS], 1, HttpFactory(), calls_per_second_max=50, calls_at_once_max=8
    )
