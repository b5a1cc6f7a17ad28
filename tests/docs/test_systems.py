"""The page of systems says what adapters, roles and tests declare, and these declare what there is."""

from __future__ import annotations

from typing import ClassVar

import pytest

from activities.inventory import TakesBack
from docs.examples.shelf.inventory import ShelfInventory
from seamline import catalog
from seamline.records.system import Repeat
from seamline.systems.tryton.inventory import TrytonInventory
from tests.checked import Against, all_checks
from tests.docs import systems_tables

ADAPTERS = [(system, role) for system in catalog.systems() for role in catalog.roles_of(system)]


def test_the_page_is_that_of_the_code() -> None:
    page = systems_tables.PAGE.read_text()
    assert len(systems_tables.MARKED.findall(page)) == 1
    assert systems_tables.written(page) == page, "run: python -m tests.docs.systems_tables"


@pytest.mark.parametrize(("system", "role"), ADAPTERS)
def test_every_effect_says_what_makes_its_repeat_safe(system: str, role: str) -> None:
    assert any(row.kind == "effect" for row in systems_tables.rows(role))
    assert systems_tables.undeclared(systems_tables.adapter_of(system, role), role) == []


def test_an_effect_that_says_nothing_is_named_unless_the_system_does_not_have_it() -> None:
    class Silent(TrytonInventory):
        repeats: ClassVar[dict[str, Repeat]] = {}  # type: ignore[misc]

    assert systems_tables.undeclared(Silent, "inventory") == ["receive", "reserve"]
    assert systems_tables.undeclared(ShelfInventory, "inventory") == []
    assert not issubclass(ShelfInventory, TakesBack)


def test_what_was_checked_are_operations_that_there_are() -> None:
    names = {system: set[str]() for system in catalog.systems()}
    for system, role in ADAPTERS:
        names[system] |= {row.name for row in systems_tables.rows(role)}
    assert all_checks()
    for one in all_checks():
        assert (one.operations or set()) <= names[one.system], one.what


def test_what_nobody_checked_says_so() -> None:
    assert "nothing yet" in "".join(line for line in systems_tables.tables().splitlines() if "`create_task`" in line)
    assert not any(one.system == "slack" for one in all_checks())


def test_only_a_server_that_is_not_ours_is_a_real_system() -> None:
    assert {one.system for one in all_checks() if one.against is Against.REAL} <= {"smtp", "tryton"}
