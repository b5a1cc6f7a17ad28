"""Shopify as its API documents it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from seamline.simulator.faults import Injected
from seamline.simulator.vendor import Vendor
from seamline.simulator.world import World


def vendor(world: World) -> Vendor:
    """Shopify, on this world."""
    return Vendor(system="shopify", router=APIRouter(), render=render)


def render(injected: Injected) -> Response:
    """An injected fault as Shopify would answer it."""
    return JSONResponse({"detail": injected.fault.reason}, injected.fault.status or 503)
