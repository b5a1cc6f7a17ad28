"""Small readable pages, so that a link from a terminal shows an object or the ledger."""

from __future__ import annotations

from fastapi import APIRouter

from seamline.simulator.world import World


def router(world: World) -> APIRouter:
    """The routes over this world."""
    return APIRouter()
