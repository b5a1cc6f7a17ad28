"""What a simulated vendor hands to the app."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from seamline.simulator.faults import Injected


class WorldError(Exception):
    """The control API was asked for something impossible: answered with `status` and the text."""

    def __init__(self, text: str, status: int = 422) -> None:
        super().__init__(text)
        self.status = status


async def read_json(request: Request) -> dict[str, Any] | None:
    """The request's body if it is a JSON object, else None."""
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


@dataclass(frozen=True)
class Vendor:
    """One vendor. Each module has a function `vendor(world: World) -> Vendor`, listed in `app.VENDORS`.

    `router` is mounted at `/{system}/{connection}` (its routes take the path parameter `connection`), `control` at
    `/_simulator`. `render` gives an injected fault (status, throttle, refuse, down) the vendor's own shape.
    `move_shipment(connection, id, state, packages)` serves `/_simulator/warehouse/...`: state is picked, packed or
    done, packages are those it is put into; the answer is the state reached; WorldError when impossible.
    """

    system: str
    router: APIRouter
    render: Callable[[Injected], Response]
    control: APIRouter = field(default_factory=APIRouter)
    move_shipment: Callable[[str, str, str, Sequence[Any]], str] | None = None
