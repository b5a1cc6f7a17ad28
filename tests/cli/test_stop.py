"""Stopping all calls from the command line, where it shows, and letting them go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import Command, until


@pytest.fixture
def released(seamline: Command) -> Iterator[Command]:
    """The command; nothing is left stopped."""
    yield seamline
    seamline("release")


def test_a_stop_shows_everywhere_with_its_reason_until_it_is_released(
    released: Command, order: Callable[..., str]
) -> None:
    seamline = released
    said = seamline("stop-all", "erp-main", "--why", "stocktaking", "--who", "kim", "--json")
    assert (said.code, said.data) == (0, {"stopped": ["erp-main"]})
    told = "by kim: stocktaking (seamline release erp-main)"
    assert told in seamline("systems").out
    doctor = seamline("doctor")
    assert (doctor.code, told in doctor.out) == (1, True)
    reference = order()
    seamline("start", "order-to-shipment", reference)
    until(lambda: told in seamline("show", reference).out)
    assert seamline("release", "--json").data == {"released": ["erp-main"]}
    assert seamline("release").out == "nothing was stopped\n"
    until(lambda: seamline("list", "--reference", reference, "--status", "completed", "--json").data)
    assert told not in seamline("systems").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("stop-all", "erp-none", "--why", "x"), "'erp-none' is no connection; there are: "),
        (("stop-all", "--why", " "), "--why must say something, in at most 500 characters"),
        (("release", "erp-none"), "'erp-none' is no connection; there are: "),
    ],
)
def test_what_makes_no_sense_is_refused(seamline: Command, arguments: tuple[str, ...], told: str) -> None:
    said = seamline(*arguments)
    assert (said.code, told in said.err) == (1, True)
