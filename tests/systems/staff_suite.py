"""What every system must do that fills the role staff."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from activities.staff import StaffSystem
from seamline.errors import Outage
from seamline.records.notice import HeldGroup, HeldProcess, Notice, Occasion
from tests.systems.conformance import Side, SystemConformance

KEY = "notices/0198-run#1"
PROCESS = "order-to-shipment:shop-uk:5001"
PAGE = f"https://temporal.example/namespaces/default/workflows/{PROCESS}"


class Team(Protocol):
    """Where a team reads."""

    to: str


class StaffSide(Team, Side, Protocol):
    """Where a team reads, and the way there."""

    @property
    def adapter(self) -> StaffSystem: ...

    async def read(self) -> list[str]:
        """What the team can read, oldest first, marked up as it is."""

    async def lose_reply(self) -> None:
        """The next notice is taken, and the answer is lost."""


class StaffConformance(SystemConformance):
    """The role staff."""

    async def test_a_team_reads_what_waits_why_and_where(self, side: StaffSide) -> None:
        await side.adapter.notify(KEY, notice(side))
        (text,) = await side.read()
        for words in (
            "12 processes wait for Warehouse: shippo-main refusal bad-postcode",
            "The oldest was started 2026-11-22 10:50 GMT.",
            "The next decision is due 2026-11-22 12:00 GMT.",
            f"{PROCESS}, due 2026-11-22 12:00 GMT",
            "order-to-shipment:shop-uk:5002",
            PAGE,
            "10 more than are named here",
            "seamline list --status waiting --team operations",
            f"seamline show {PROCESS}",
        ):
            assert words in text

    async def test_markup_in_a_cause_is_text(self, side: StaffSide) -> None:
        await side.adapter.notify(KEY, notice(side, cause="shop-uk refusal <!channel> & <b>x</b>"))
        (text,) = await side.read()
        assert "<!channel>" not in text
        assert "&lt;!channel&gt; &amp; &lt;b&gt;" in text

    async def test_only_web_pages_become_links(self, side: StaffSide) -> None:
        process = HeldProcess(id=PROCESS, page="javascript:alert(1)")
        await side.adapter.notify(KEY, notice(side, count=1, processes=(process,)))
        (text,) = await side.read()
        assert PROCESS in text
        assert "javascript" not in text

    @pytest.mark.parametrize(
        ("occasion", "changes", "words"),
        [
            (Occasion.NEW, {"count": 1}, "1 process waits for Warehouse: "),
            (Occasion.NEW, {"heals": True}, "12 processes are held up: "),
            (Occasion.DUE, {"overdue": 2}, "Overdue: 12 processes wait"),
            (Occasion.REMINDER, {}, "Reminder: 12 processes wait"),
            (Occasion.OVER, {"heals": True, "count": 0, "processes": ()}, "Over: shippo-main refusal bad-postcode"),
        ],
    )
    async def test_each_occasion_says_so(
        self, side: StaffSide, occasion: Occasion, changes: dict[str, Any], words: str
    ) -> None:
        await side.adapter.notify(KEY, notice(side, occasion, **changes))
        (text,) = await side.read()
        assert words in text

    async def test_a_lost_answer_is_an_outage_and_the_notice_was_written(self, side: StaffSide) -> None:
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.notify(KEY, notice(side))
        assert len(await side.read()) == 1

    async def test_its_card_writes_nothing(self, side: StaffSide) -> None:
        assert (await side.adapter.card()).role == "staff"
        assert await side.read() == []


def notice(side: Team, occasion: Occasion = Occasion.NEW, **changes: Any) -> Notice:
    """A notice to the warehouse."""
    due = datetime(2026, 11, 22, 12, tzinfo=UTC)
    values: dict[str, Any] = {
        "team": "operations",
        "cause": "shippo-main refusal bad-postcode",
        "heals": False,
        "count": 12,
        "oldest": datetime(2026, 11, 22, 10, 50, tzinfo=UTC),
        "due": due,
        "processes": (HeldProcess(id=PROCESS, page=PAGE, due=due), HeldProcess(id="order-to-shipment:shop-uk:5002")),
    }
    group = HeldGroup.model_validate(values | changes)
    return Notice(to=side.to, title="Warehouse", occasion=occasion, group=group, time_zone="Europe/London")
