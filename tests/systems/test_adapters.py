"""Every adapter can do all that its role asks for, also what only odd paths call."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import get_type_hints

import pytest

from docs.examples.shelf import inventory as shelf
from seamline import catalog

ADAPTERS = {
    f"{system} {role}": (role, importlib.import_module(f"seamline.systems.{system}.{role}"))
    for system in catalog.systems()
    for role in catalog.roles_of(system)
} | {"shelf inventory": ("inventory", shelf)}


def protocol(role: str) -> type:
    """The Protocol that the class of the role's activities stands on."""
    stands_on: type = get_type_hints(getattr(importlib.import_module(f"activities.{role}"), role.title()).__init__)[
        "system"
    ]
    return stands_on


def adapter(module: ModuleType) -> type:
    """What `connect` of the adapter's module makes."""
    made: type = get_type_hints(module.connect)["return"]
    return made


def methods(cls: type) -> Mapping[str, list[str]]:
    """What can be called on the class, with the names of the parameters."""
    public = {name: method for name, method in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")}
    return {name: list(inspect.signature(method).parameters) for name, method in public.items()}


def lacking(cls: type, role: str) -> list[str]:
    """What a role asks for and the class has not, or with other parameters."""
    has = methods(cls)
    return [name for name, parameters in methods(protocol(role)).items() if has.get(name) != parameters]


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_has_all_that_its_role_asks_for(name: str) -> None:
    role, module = ADAPTERS[name]
    assert lacking(adapter(module), role) == []


def test_what_is_lacking_is_named() -> None:
    class Half(shelf.ShelfInventory):
        find_marked = None  # type: ignore[assignment]

        async def availability(self, connection: str) -> None:  # type: ignore[override]
            """Without the articles."""

    assert lacking(Half, "inventory") == ["availability", "find_marked"]
