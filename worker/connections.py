"""From settings to activities: each connection's adapters, made once and shared by all its tasks."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel, ValidationError
from temporalio import activity

from activities.tracing import Traceable, Tracing
from seamline.errors import ConfigurationError
from seamline.http import HttpFactory
from seamline.settings import Connection, Settings, account_of, configuration_error
from worker.slots import BreakerSlots


class Adapter(Traceable, Protocol):
    """What a system's role file connects to."""

    async def close(self) -> None:
        """Close what is kept open to the system."""


@dataclass(frozen=True)
class ServedConnection:
    """A connection that this worker serves, with everything its task queue runs."""

    name: str
    settings: Connection
    adapters: Sequence[Adapter]
    activities: Sequence[Callable[..., Any]]
    has_room: Callable[[], bool]
    """Whether a call would be let through at once by the limits of the connection."""

    @functools.cached_property
    def slots(self) -> BreakerSlots:
        """Its slots in this worker, with its breaker."""
        return BreakerSlots(self.name, self.settings.concurrency, self.settings.breaker)

    async def close(self) -> None:
        """Close every adapter."""
        for adapter in self.adapters:
            await adapter.close()


def serve_connections(settings: Settings, http: HttpFactory) -> Sequence[ServedConnection]:
    """The connections this worker serves; nothing is sent yet. ConfigurationError names every wrong account setting."""
    http.hold_back(settings.observed)
    served, wrong = [], []
    for name in settings.served:
        try:
            served.append(serve(name, settings.connections[name], http))
        except ConfigurationError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return served


def serve(name: str, connection: Connection, http: HttpFactory) -> ServedConnection:
    """One connection with its adapters and their activities. ConfigurationError when its account is set wrongly."""
    adapters: list[Adapter] = []
    activities: list[Callable[..., Any]] = []
    for role in connection.fills:
        adapter = _adapter(name, connection, role, http)
        adapters.append(adapter)
        activities += activities_of(_role_class(role)(adapter))
    activities += activities_of(Tracing(adapters[0]))
    return ServedConnection(name, connection, adapters, activities, functools.partial(http.has_room, name))


def activities_of(instance: object) -> list[Callable[..., Any]]:
    """The methods of a role that are activities."""
    methods = (getattr(instance, name) for name in dir(type(instance)) if not name.startswith("_"))
    return [method for method in methods if activity._Definition.from_callable(method)]


def _adapter(name: str, connection: Connection, role: str, http: HttpFactory) -> Adapter:
    module = importlib.import_module(f"seamline.systems.{connection.system}.{role}")
    account_type: type[BaseModel] = module.Account
    try:
        account = account_type.model_validate(account_of(name, connection))
    except ValidationError as error:
        raise configuration_error(error, f"connections.{name}.account") from None
    return cast(Adapter, module.connect(name, account, http))


def _role_class(role: str) -> Callable[[Adapter], object]:
    module = importlib.import_module(f"activities.{role}")
    return cast(Callable[[Adapter], object], getattr(module, role.capitalize()))
