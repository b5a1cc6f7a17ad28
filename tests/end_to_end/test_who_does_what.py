"""Who tells the customer is a setting: one does, and never both."""

from __future__ import annotations

import pytest

from seamline.records.shop_rules import Mailer, ShopRules
from tests.end_to_end.world import World


@pytest.mark.parametrize(("mails", "sent"), [(Mailer.US, 1), (Mailer.SHOP, 0)])
async def test_the_customer_is_mailed_by_us_or_by_the_shop(world: World, mails: Mailer, sent: int) -> None:
    reference = await world.order()
    handle = await world.start(reference, shops={world.names.shop: ShopRules(mails=mails)})
    assert (await world.outcome(handle))["kind"] == "completed"
    counted = await world.counted(reference)
    assert (counted["send-mail"], counted["shop-mail"]) == (sent, 1 - sent)
    (fulfilment,) = [one for one in await world.effects(reference) if one["operation"] == "post-fulfilment"]
    assert fulfilment["object_id"]
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
