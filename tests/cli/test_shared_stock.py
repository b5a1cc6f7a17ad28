"""Sharing stock where every shop counts its own is told."""

from __future__ import annotations

import pytest

from seamline.cli_doctor import shared_stock
from seamline.settings import Settings

SHOPS = {name: {"system": "shopify"} for name in ("shop-uk", "shop-de")}


@pytest.mark.parametrize(
    ("share", "owners", "well"),
    [
        (True, ("shop", "shop"), False),
        (True, ("shop", "erp"), True),
        (False, ("shop", "shop"), True),
    ],
)
def test_nothing_is_left_to_share(share: bool, owners: tuple[str, str], well: bool) -> None:
    shops = {name: {"stock": owner} for name, owner in zip(SHOPS, owners, strict=True)}
    settings = Settings(connections=SHOPS, policy={"shops": shops}, stock={"share": share})
    told = [one.detail for one in shared_stock(settings)]
    assert told == ([] if well else ["nothing is shared: shop-de, shop-uk own their stock"])
