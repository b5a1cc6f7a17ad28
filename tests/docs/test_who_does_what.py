"""The table of who does what names the settings as they are: each with all of its values, the default first."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import get_args

import pytest

from seamline.records.policy import Policy
from seamline.records.shop_rules import ShopRules
from seamline.settings import Connection, Settings
from seamline.systems.shopify.shop import Account
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/who-does-what.md").read_text()
ROWS = [[cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)][2:]


def settled(setting: str) -> tuple[set[str], object] | None:
    """The values of a setting and its default; None for a row without one."""
    place = re.match(r"`([\w.]+)`", setting)
    if place is None:
        return None
    name = place.group(1).rpartition(".")[2]
    field = (Account if ".account." in setting else ShopRules).model_fields[name]
    kind = field.annotation
    assert kind
    values = set(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else set(get_args(kind))
    return values, field.default


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_setting_is_named_with_its_values(row: list[str]) -> None:
    what, setting, who, _ = row
    if found := settled(setting):
        values, default = found
        named = re.findall(r"`([\w-]+)`:", who)
        assert set(named) == values, what
        assert named[0] == default, what


def test_every_choice_of_a_shop_is_in_the_table() -> None:
    choices = [name for name, one in ShopRules.model_fields.items() if isinstance(one.default, StrEnum)]
    chosen = {f"policy.shops.NAME.{name}" for name in choices}
    assert chosen <= set(re.findall(r"^\|[^|]*\| `([\w.]+)`", PAGE, re.MULTILINE))


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`((?:policy|stock|routes|connections)\.[\w.]+)`", PAGE))))
def test_each_place_is_a_setting(place: str) -> None:
    first, *rest = place.split(".")
    models = {"policy": Policy, "connections": Connection, "stock": Settings.model_fields["stock"].annotation}
    if first == "routes":
        assert first in Settings.model_fields
    elif "shops" in rest:
        assert rest[-1] in ShopRules.model_fields
    elif "account" in rest:
        assert rest[-1] in Account.model_fields
    else:
        assert rest[0] in models[first].model_fields  # type: ignore[union-attr]
