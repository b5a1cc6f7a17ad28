"""Who does what for each shop, and which connections only observe, as a storm draws it; and how settings say it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.storm.odds import CRM, SHOP_ABROAD, SHOPS

SHARE_SECONDS = "5"
_MAILS = {"us": 2, "shop": 1}
_LABELS = {"ours": 4, "others": 1}
_STOCK = {"erp": 2, "shop": 1}
_OBSERVED: Mapping[tuple[str, ...], int] = {(): 6, (SHOP_ABROAD,): 2, (CRM,): 1, (SHOP_ABROAD, CRM): 1}
"""With weights. The first shop is not among them: most of the orders are its."""

Rules = Mapping[str, str]
LAPTOP: Mapping[str, Rules] = {SHOP_ABROAD: {"mails": "shop"}}
"""As a Seamline on one machine is set, where nothing else is drawn."""


@dataclass(frozen=True)
class Who:
    """Who does what. A shop that is not named is as on a laptop; `shared`: shops are told what is in stock."""

    shops: Mapping[str, Rules] = field(default_factory=dict)
    shared: bool = False
    observed: Sequence[str] = ()

    def rule(self, reference: str, what: str) -> str:
        """Who mails, who buys labels, whose count of stock leads, for a shop's object; else empty."""
        shop = reference.partition(":")[0]
        return {**LAPTOP.get(shop, {}), **self.shops.get(shop, {})}.get(what, "")

    def others_label(self, reference: str) -> bool:
        """Whether others buy the labels of a shop's order, or of a part of it."""
        return self.rule(reference, "labels") == "others"

    def settings(self) -> dict[str, str]:
        """The same as door and workers are told."""
        told = {"SEAMLINE_POLICY__SHOPS": json.dumps(self.shops)}
        if self.shared:
            told |= {"SEAMLINE_STOCK__SHARE": "true", "SEAMLINE_STOCK__INTERVAL_SECONDS": SHARE_SECONDS}
        for name in self.observed:
            told[f"SEAMLINE_CONNECTIONS__{name.upper().replace('-', '_')}__OBSERVE_ONLY"] = "true"
        return told

    def __str__(self) -> str:
        rules = [f"{shop} {what} {who}" for shop, one in self.shops.items() for what, who in one.items()]
        shared = ["stock is shared"] if self.shared else []
        return ", ".join([*rules, *shared, *(f"{name} observes" for name in self.observed)]) or "as on a laptop"


def draw_who(dice: random.Random) -> Who:
    """Who does what in a storm."""
    shops = {
        shop: {"mails": _one(dice, _MAILS), "labels": _one(dice, _LABELS), "stock": _one(dice, _STOCK)}
        for shop in SHOPS
    }
    observed = dice.choices(list(_OBSERVED), list(_OBSERVED.values()))[0]
    return Who(shops, shared=dice.random() < 0.5, observed=observed)


def _one(dice: random.Random, weights: Mapping[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]
