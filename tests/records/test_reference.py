"""References of wholes, parts and parcels: none is that of another."""

from __future__ import annotations

import pytest

from seamline.records.reference import (
    effect_key,
    is_reference,
    number_of,
    part_of,
    reference_of,
    whole_of,
    with_parcel,
    with_part,
)

ORDER = "shop-uk:5001"


def test_no_two_parts_or_parcels_have_the_same_reference() -> None:
    parts = [ORDER, *(with_part(ORDER, number) for number in range(1, 12))]
    named = [with_parcel(part, number) for part in parts for number in range(1, 12)]
    assert len(set(named)) == len(named)
    assert all(is_reference(one) and whole_of(one) == ORDER for one in named)
    assert with_parcel(ORDER, 1) == ORDER
    assert [part_of(with_parcel(part, 3)) for part in parts] == list(range(12))


@pytest.mark.parametrize("text", ["shop-uk:5001.0", "shop-uk:5001.01", "shop-uk:5001.1.0", "shop-uk:5001.1.2.3"])
def test_what_looks_only_nearly_like_a_reference_is_none(text: str) -> None:
    assert not is_reference(text)


def test_the_key_of_a_part_tells_whose_it_is() -> None:
    key = effect_key(with_part(ORDER, 2), "buy-label", 3)
    assert (reference_of(key), number_of(key)) == ("shop-uk:5001.2", 3)
