"""The page about orders names every kind that is tested, and every reason to ignore one."""

from __future__ import annotations

from seamline.records.order_rules import WORDS, Why
from tests.docs.pages import ROOT
from tests.end_to_end.kinds import CAPTURED, SHIPPED, WAITED_FOR

PAGE = ROOT / "docs/orders.md"
CAPTURED_BY_THE_STORE = "captured by the store on fulfilment"


def rows(title: str) -> dict[str, str]:
    """The table under a heading: its first column and its second."""
    section = PAGE.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return {first.strip(): second.strip() for first, second, *_ in cells[2:]}


def test_what_is_shipped() -> None:
    assert set(rows("Shipped")) == {*SHIPPED, *CAPTURED, CAPTURED_BY_THE_STORE}


def test_what_is_waited_for() -> None:
    assert set(rows("Waited for, without a person")) == set(WAITED_FOR)


def test_what_is_ignored() -> None:
    assert rows("Ignored") == {f"`{why}`": WORDS[why] for why in Why}
