"""Finds what can be run: the processes of the `workflows` package, the systems' webhook readers and mappings."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from seamline.errors import ConfigurationError
from seamline.fields import FieldMapping
from seamline.process.process import Process
from seamline.records.event import Delivery, Event, EventKind

ROOT = Path(__file__).resolve().parent.parent
"""Where `seamline`, `workflows`, `activities` and `worker` lie."""

ROLES = ("shop", "inventory", "carrier", "mail", "crm", "accounting", "marketing", "staff")
"""Every role there is; each is a file in `activities/` with a class named like it."""


class Webhook(Protocol):
    """A system's pure module that reads its webhooks."""

    def verify(self, secret: str, delivery: Delivery) -> None:
        """Raise BadSignature unless the vendor signed these bytes with our secret."""

    def read(self, delivery: Delivery) -> Sequence[Event]:
        """What happened, oldest first; some vendors tell several events at once. Raises UnreadableEvent naming the
        field."""


def check_ours(package: ModuleType) -> None:
    """Raise ConfigurationError unless the package lies beside `seamline`: its plain name can belong to another."""
    places = [Path(place).resolve().parent for place in package.__path__]
    if ROOT not in places:
        raise ConfigurationError(
            f"the package {package.__name__!r} that Python finds is not Seamline's: run from the project root, "
            f"or put it first on PYTHONPATH"
        )


@cache
def workflow_modules() -> tuple[ModuleType, ...]:
    """Every module of the `workflows` package. ConfigurationError when that package is not ours."""
    package = importlib.import_module("workflows")
    check_ours(package)
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return tuple(importlib.import_module(f"{package.__name__}.{name}") for name in names)


def processes(modules: Sequence[ModuleType] | None = None) -> Mapping[str, type[Process]]:
    """Name -> class of every process defined in the modules, by default in those of `workflows`."""
    found: dict[str, type[Process]] = {}
    for module in workflow_modules() if modules is None else modules:
        for cls in vars(module).values():
            if _is_process(cls) and cls.__module__ == module.__name__:
                found[cls.name] = cls
    return found


def workflows() -> Sequence[type]:
    """Every workflow class of the `workflows` package, processes and others."""
    classes = (cls for module in workflow_modules() for cls in vars(module).values() if isinstance(cls, type))
    return sorted(
        {cls for cls in classes if "__temporal_workflow_definition" in vars(cls)}, key=lambda cls: cls.__name__
    )


def starting_on(kind: EventKind, known: Mapping[str, type[Process]]) -> type[Process] | None:
    """The process among the known that this kind of event starts."""
    return next((process for process in known.values() if kind in process.starts_on), None)


def hearing(kind: EventKind, known: Mapping[str, type[Process]]) -> Sequence[type[Process]]:
    """The processes among the known that want this kind of event while they run."""
    return [process for process in known.values() if kind in process.hears]


@cache
def systems() -> tuple[str, ...]:
    """The name of every system that has a folder."""
    package = importlib.import_module("seamline.systems")
    return tuple(sorted(found.name for found in pkgutil.iter_modules(package.__path__) if found.ispkg))


@cache
def roles_of(system: str) -> tuple[str, ...]:
    """The roles that a system has an adapter for. Looks for files only: no adapter is imported."""
    return tuple(role for role in ROLES if system in systems() and _has(system, role))


@cache
def webhook_of(system: str) -> Webhook | None:
    """The system's webhook reader, None when it sends no webhooks."""
    if not _has(system, "webhook"):
        return None
    return cast(Webhook, importlib.import_module(f"seamline.systems.{system}.webhook"))


@cache
def mappings() -> Mapping[str, Sequence[FieldMapping[Any]]]:
    """The declared mappings of every system that has some."""
    modules = {
        name: importlib.import_module(f"seamline.systems.{name}.mapping") for name in systems() if _has(name, "mapping")
    }
    return {name: module.MAPPINGS for name, module in modules.items() if hasattr(module, "MAPPINGS")}


def _has(system: str, module: str) -> bool:
    return importlib.util.find_spec(f"seamline.systems.{system}.{module}") is not None


def _is_process(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Process) and "name" in vars(value)
