"""What is short, what is left without it, and what is sent in its place."""

from __future__ import annotations

import pytest

from seamline.records.order import FulfilmentLine, FulfilmentOrder
from seamline.records.shortage import Shortage, missing_lines, some_is_there
from seamline.records.stock import ShortLine

PART = FulfilmentOrder(
    id="1",
    location="Main",
    open=True,
    lines=(
        FulfilmentLine(id="11", order_line_id="1", sku="MUG", quantity=2),
        FulfilmentLine(id="12", order_line_id="2", sku="TEE", quantity=1),
        FulfilmentLine(id="13", order_line_id="3", sku="MUG", quantity=2),
    ),
)


def short(sku: str, wanted: int, there: int) -> ShortLine:
    return ShortLine(sku=sku, wanted=wanted, there=there)


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        ((short("MUG", 4, 3),), [("13", 1)]),
        ((short("MUG", 4, 1),), [("11", 1), ("13", 2)]),
        ((short("MUG", 4, 0), short("TEE", 1, 0)), [("11", 2), ("12", 1), ("13", 2)]),
        ((short("CUP", 4, 0),), []),
    ],
)
def test_what_is_missing_comes_off_the_last_lines(lines: tuple[ShortLine, ...], missing: list[tuple[str, int]]) -> None:
    assert [(one.id, one.quantity) for one in missing_lines(PART, lines)] == missing
    assert some_is_there(PART, lines) is (sum(count for _, count in missing) < 5)


def test_what_is_written_over_an_sku_is_sent_in_its_place() -> None:
    shown = Shortage(lines=(short("MUG", 4, 3), short("TEE", 1, 0)))
    chosen = Shortage(lines=(short("MUG", 4, 3), short("TEE-L", 1, 0)))
    assert shown.substitutes(chosen) == {"TEE": "TEE-L"}
    assert shown.substitutes(shown) == {}
    assert shown.told == "3 of 4 MUG are there; 0 of 1 TEE are there"
