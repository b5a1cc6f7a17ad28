"""Rules that all models and all operations of the product keep, whoever adds one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from pydantic import BaseModel

import activities
import seamline
import worker
import workflows
from seamline.process.effect import Effect, Operation
from seamline.process.undo import Entry
from seamline.records.base import Record
from seamline.records.reference import effect_key


def modules(*packages: ModuleType) -> Iterator[ModuleType]:
    """All modules below the packages."""
    for package in packages:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All models of ours below `base`."""
    for one in base.__subclasses__():
        if one.__module__.startswith(("seamline.", "activities.", "workflows.", "worker.")):
            yield one
        yield from models(one)


def operations() -> dict[str, list[Operation[object, object]]]:  # type: ignore[type-var]
    """The declared operations, by the module that declares them."""
    return {
        module.__name__.removeprefix("activities."): [
            one for one in vars(module).values() if isinstance(one, Operation)
        ]
        for module in modules(activities)
    }


def test_no_model_shows_its_input_in_errors() -> None:
    list(modules(seamline, activities, workflows, worker))
    found = set(models(BaseModel))
    assert Record in found
    assert not [one.__qualname__ for one in found if not one.model_config.get("hide_input_in_errors")]


def test_operations_are_named_after_their_role_so_that_one_worker_can_serve_two() -> None:
    declared = operations()
    names = [one.name for role in declared.values() for one in role]
    assert len(names) == len(set(names)) > 0
    for module, found in declared.items():
        role = module.partition("_")[0]  # the shop's are too many for one file: shop_stock
        assert {one.role for one in found} <= {role}
        undone = [Entry(one, None) for one in found if isinstance(one, Effect)]  # type: ignore[arg-type]
        assert {entry.undo.role for entry in undone if entry.undo} <= {role}


def test_no_two_effects_of_a_process_share_a_key() -> None:
    purposes = [one.purpose for role in operations().values() for one in role if isinstance(one, Effect)]
    assert len(purposes) == len(set(purposes)) > 0
    assert effect_key("shop-uk:5001", "buy-label", 2) == "shop-uk:5001/buy-label#2"
