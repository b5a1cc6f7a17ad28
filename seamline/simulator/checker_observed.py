"""The rule for observe-only: a process that only observes has written nothing, however it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_money import is_by_others
from seamline.simulator.checker_process import Process


def observed_acted(effects: Sequence[Effect], processes: Sequence[Process]) -> Iterator[Finding]:
    """Every effect of ours for what is only observed; the parts of an order are as their whole."""
    watched = {_whole(one.reference) for one in processes if one.observes or one.ending == "observed"}
    for one in effects:
        if _whole(one.reference) in watched and is_ours(one):
            detail = f"{one.operation} {one.object_id} at {one.connection}"
            yield Finding(reference=one.reference, rule="observed-acted", detail=detail)
    for process in processes:
        if process.observes and process.ending == "completed":
            detail = f"{process.id} completed, though it only observes"
            yield Finding(reference=process.reference, rule="observed-acted", detail=detail)


def is_ours(effect: Effect) -> bool:
    """Whether it carries a key, or was made in the shop by an app: there are none but us."""
    return bool(effect.key) or (effect.system == "shopify" and not is_by_others(effect))


def _whole(reference: str) -> str:
    return reference.partition(".")[0]
