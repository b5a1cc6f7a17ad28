"""The customer hears of a parcel once: from us, or from the shop."""

from __future__ import annotations

from typing import Any

import pytest

from seamline.simulator.checker import check
from tests.simulator.test_checker import ORDER, completed, effect, ran

BOTH = "we mailed the customer, and the shop did"
NOBODY = "nobody mailed the customer"


@pytest.mark.parametrize(
    ("ours", "theirs", "reachable", "told"),
    [
        (True, False, True, []),
        (False, True, True, []),
        (False, False, False, []),
        (True, True, True, [BOTH]),
        (False, False, True, [NOBODY]),
    ],
)
def test_the_customer_is_mailed_once(ours: bool, theirs: bool, reachable: bool, told: list[str]) -> None:
    key: dict[str, Any] = {"key": f"{ORDER}/send-shipped#1"}
    effects = [one for one in completed() if one.operation != "send-mail"]
    effects += [effect("send-mail", **key)] if ours else []
    effects += [effect("shop-mail", connection="shop-uk", system="shopify", amount=None, key="")] if theirs else []
    process = ran()
    process.result["result"] = {"message_id": "m1" if ours else ""}
    verdict = check(effects, [process], reachable=[ORDER] if reachable else [])
    assert [one.detail for one in verdict.findings] == told
