"""The ledger as the checker reads it: what stands, and what was taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

STANDING = ("cancel-order", "split-order", "note-order", "cancel-goods")
"""What is meant to stay when a process is taken back."""


class Effect(BaseModel):
    """One line of the ledger."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: int
    connection: str
    system: str
    operation: str
    reference: str
    key: str
    object_id: str
    amount: Decimal | None = None
    currency: str | None = None
    undoes: str | None = None


class Finding(BaseModel):
    """One broken rule. Holds ids, keys and amounts only, no personal data."""

    model_config = ConfigDict(hide_input_in_errors=True)

    reference: str
    rule: str
    detail: str


class State(StrEnum):
    LIVE = "live"
    REFUND_REQUESTED = "refund requested"
    REFUND_REJECTED = "refund rejected"
    """Its money is lost. It stands no more for us, but somebody must have been told."""
    GONE = "taken back"


class Held:
    """One effect and whether it still stands."""

    def __init__(self, effect: Effect) -> None:
        self.effect = effect
        self.state = State.LIVE


class Books:
    """The ledger read from its start: what stands, what was taken back, what money went where."""

    def __init__(self, effects: Iterable[Effect]) -> None:
        self.held: list[Held] = []
        self.findings: list[Finding] = []
        self.pending: dict[tuple[str, str], Held] = {}
        self._spent: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for effect in sorted(effects, key=lambda effect: effect.id):
            self._enter(effect)
        for (connection, reference, currency), left in self._spent.items():
            if left < 0:
                self._find(reference, "over-refunded", f"{-left} {currency} more came back from {connection} than went")

    def live(self) -> Iterator[Effect]:
        """Effects that stand. A mail sent again under its Message-ID is one mail."""
        seen: set[tuple[str, str]] = set()
        for held in self.held:
            mark = (held.effect.connection, held.effect.object_id)
            if held.state is not State.LIVE or (held.effect.operation == "send-mail" and mark in seen):
                continue
            if held.effect.operation == "send-mail":
                seen.add(mark)
            yield held.effect

    def rejected(self) -> Iterator[Effect]:
        """Effects whose refund was rejected."""
        return (held.effect for held in self.held if held.state is State.REFUND_REJECTED)

    def _enter(self, effect: Effect) -> None:
        match effect.operation:
            case "request-refund":
                if held := self._take_back(effect, State.REFUND_REQUESTED):
                    self.pending[effect.connection, effect.object_id] = held
            case "refund-rejected":
                if held := self.pending.pop((effect.connection, effect.object_id), None):
                    held.state = State.REFUND_REJECTED
                else:
                    self._find(effect.reference, "undone-nothing", f"refund {effect.object_id} was never asked for")
            case "refund":
                self._spend(effect, -1)
                held = self.pending.pop((effect.connection, effect.object_id), None)
                if held is None:
                    self._take_back(effect, State.GONE)
                else:
                    held.state = State.GONE
            case _ if effect.operation in STANDING:
                pass
            case _ if effect.undoes is not None:
                self._take_back(effect, State.GONE)
            case _:
                self._spend(effect, 1)
                self.held.append(Held(effect))

    def _take_back(self, effect: Effect, state: State) -> Held | None:
        for held in reversed(self.held):
            same = (held.effect.connection, held.effect.object_id) == (effect.connection, effect.undoes)
            if same and held.state is State.LIVE and held.effect.operation != "ship":
                held.state = state
                return held
        self._find(effect.reference, "undone-nothing", f"{effect.operation} of {effect.undoes}, which does not stand")
        return None

    def _spend(self, effect: Effect, sign: int) -> None:
        if effect.amount is not None:
            place = (effect.connection, effect.reference, effect.currency or "")
            self._spent[place] += sign * effect.amount

    def _find(self, reference: str, rule: str, detail: str) -> None:
        self.findings.append(Finding(reference=reference, rule=rule, detail=detail))
