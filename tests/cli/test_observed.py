"""What differs between what a process would have done and what people did."""

from __future__ import annotations

import pytest

from seamline.observed import Held, differences
from seamline.process.view import Unwritten
from seamline.records.system import Holding

SALE = Unwritten(title="Reserve stock", connection="erp-main", key="shop-uk:1/reserve#1", holding="sale")
LABEL = Unwritten(
    title="Buy", connection="shippo-main", key="shop-uk:1/buy-label#1", holding="label", amount="5.20 GBP"
)
MAIL = Unwritten(title="Mail the customer", connection="mail-main", key="shop-uk:1/send-shipped#1")


def held(kind: str, connection: str = "erp-main", amount: str = "", state: str = "done", id: str = "7") -> Held:
    return Held(connection=connection, holding=Holding(kind=kind, id=id, state=state, amount=amount))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([held("sale"), held("label", "shippo-main", "5.20 GBP")], []),
        ([held("sale"), held("order", "shop-uk", "40.00 GBP")], ["people made no label at shippo-main"]),
        (
            [held("sale", state="cancelled"), held("label", "shippo-main")],
            ["people made no sale at erp-main"],
        ),
        (
            [held("sale"), held("label", "shippo-main", "7.10 GBP")],
            ["people made the label at shippo-main for 7.10 GBP instead of 5.20 GBP"],
        ),
        (
            [held("sale"), held("sale", id="8"), held("label", "shippo-main")],
            ["people made 2 of sale at erp-main: 7 done, 8 done"],
        ),
        (
            [held("sale"), held("label", "shippo-main"), held("refund", "shop-uk", "4.00 GBP")],
            ["people made a refund at shop-uk: 7 done 4.00 GBP"],
        ),
    ],
)
def test_each_difference_is_named(found: list[Held], told: list[str]) -> None:
    assert differences([SALE, LABEL, MAIL], found) == told
