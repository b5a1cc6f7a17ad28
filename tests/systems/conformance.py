"""What every system must do, whatever its role. The roles' own suites are in `<role>_suite.py` beside this file.

A system's test module gives a fixture `side`, the adapter with the means to make things happen at the vendor's, and
inherits its role's suite: `class TestConformance(ShopConformance): ...`
"""

from __future__ import annotations

from typing import Protocol

import pytest

from activities.tracing import Traceable
from seamline.errors import LockedOut, Outage
from seamline.records.address import Address
from seamline.records.system import Repeat

REFERENCE = "shop-uk:5001"
ADDRESS = Address(
    name="Jo Fielding",
    street1="12 Mill Lane",
    city="Cambridge",
    region="ENG",
    postcode="CB2 1RX",
    country="GB",
    phone="+441223000000",
    email="jo.fielding@example.com",
)
PERSONAL = ("Fielding", "Mill Lane", "CB2 1RX", "jo.fielding")
WAIT_SECONDS_MAX = 10.0
PAUSE_SECONDS = 0.05


class Side(Protocol):
    """What every suite needs of the vendor's side."""

    name: str
    secrets: tuple[str, ...]

    @property
    def adapter(self) -> Traceable: ...

    async def throttle(self) -> None:
        """The vendor asks to wait, from now on."""

    async def go_down(self) -> None:
        """The vendor does not answer, from now on."""

    async def lock_out(self) -> None:
        """The vendor takes our credentials no more."""

    async def heal(self) -> None:
        """All is well again."""


class SystemConformance:
    """What holds for all roles."""

    async def test_its_card_describes_the_connection(self, side: Side) -> None:
        card = await side.adapter.card()
        assert (card.connection, card.account != "") == (side.name, True)
        assert all(isinstance(repeat, Repeat) for repeat in card.repeats.values())
        assert not any(secret in card.model_dump_json() for secret in side.secrets)

    @pytest.mark.parametrize("unknown", ["nobody's", '" OR ""="', "../../x", "999999999", "0" * 32, "0" * 200])
    async def test_an_id_that_it_does_not_know_is_nobodys(self, side: Side, unknown: str) -> None:
        assert list(await side.adapter.references(unknown)) == []

    async def test_throttling_is_an_outage(self, side: Side) -> None:
        await side.throttle()
        with pytest.raises(Outage) as caught:
            await side.adapter.card()
        assert caught.value.failure.connection == side.name

    async def test_what_is_down_is_an_outage_and_comes_back(self, side: Side) -> None:
        await side.go_down()
        with pytest.raises(Outage) as caught:
            await side.adapter.card()
        assert caught.value.failure.cause.startswith(f"{side.name} outage ")
        await side.heal()
        assert (await side.adapter.card()).connection == side.name

    async def test_refused_credentials_lock_out(self, side: Side) -> None:
        await side.lock_out()
        with pytest.raises(LockedOut) as caught:
            await side.adapter.card()
        assert not any(secret in f"{caught.value!r} {caught.value.failure}" for secret in side.secrets)
