"""The rules for customs: a parcel that passes them is declared, and nobody reserves goods that cannot be declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_process import ORDER_PROCESS, Process
from seamline.simulator.shippo_rates import passes_customs

WAREHOUSES = ("GB", "DE")
"""The countries that goods leave from."""
_MENDED = {"amend", "skip"}
_ASKED = ("tariff_number", "origin_country", "quantity", "value_amount")


class Consignment(BaseModel):
    """A bought label whose parcel passes customs, and what is declared of its goods; None without a declaration."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    connection: str
    label_id: str
    reference: str
    items: list[dict[str, object]] | None


class Undeclared(BaseModel):
    """An order of which the shop never told what customs ask, and the country it goes to."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    reference: str
    country: str

    @property
    def goes_abroad(self) -> bool:
        """Whether it passes customs, whichever warehouse it leaves from."""
        return all(passes_customs(home, self.country) for home in WAREHOUSES)


def undeclared(consignments: Sequence[Consignment]) -> Iterator[Finding]:
    """Every label without a declaration, or with one that tells too little."""
    for one in consignments:
        label = f"label {one.label_id} at {one.connection}"
        if not one.items:
            yield _finding(one.reference, f"{label} has no declaration")
            continue
        lacking = sorted({name for item in one.items for name in _ASKED if not item.get(name)})
        if lacking:
            yield _finding(one.reference, f"{label} declares no {', '.join(lacking)}")


def reserved_early(
    effects: Sequence[Effect], processes: Sequence[Process], lacking: Sequence[Undeclared]
) -> Iterator[Finding]:
    """Every such order that goods were reserved for though nobody had mended it."""
    for process in undeclarable(effects, processes, lacking):
        if not process.answers & _MENDED:
            yield _finding(process.reference, "reserved, and nobody had told what customs ask")


def undeclarable(
    effects: Sequence[Effect], processes: Sequence[Process], lacking: Sequence[Undeclared]
) -> list[Process]:
    """The processes that reserved goods for an order that cannot be declared as the shop has it."""
    orders = {one.reference for one in lacking if one.goes_abroad}
    reserved = {one.reference for one in effects if one.operation == "reserve" and one.key}
    return [one for one in processes if one.type == ORDER_PROCESS and one.reference in orders & reserved]


def _finding(reference: str, detail: str) -> Finding:
    return Finding(reference=reference, rule="customs", detail=detail)
