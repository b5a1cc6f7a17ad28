"""What a process that only observes would have written, and what it goes on with in its place."""

from __future__ import annotations

from typing import Any, cast

from seamline.process.effect import Call, Effect, Foreseen, Operation, Read, Req, Res, Wait
from seamline.process.view import Unwritten
from seamline.records.base import Record
from seamline.records.undo import Undone, UndoState


class HeldBack(Exception):
    """A process that only observes cannot tell how it would go on. The text says why."""


class Foresight:
    """The effects of one process that were held back, and what they would have made."""

    def __init__(self) -> None:
        self.unwritten: list[Unwritten] = []
        self.made: dict[type[Record], Record] = {}
        """The latest of each kind."""

    def note(self, operation: Operation[Any, Any], call: Call[Any], connection: str) -> str:
        """Note an effect that was held back, and say it in words; nothing for what is none."""
        if not isinstance(operation, Effect):
            return ""
        foreseen = operation.foreseen
        told = foreseen.told(call.request) if foreseen else ""
        self.unwritten.append(
            Unwritten(
                title=operation.title,
                connection=connection,
                key=call.key,
                told=told,
                holding=foreseen.holding if foreseen else "",
                amount=str(foreseen.amount(call.request)) if foreseen else "",
            )
        )
        return told

    def result(self, operation: Operation[Req, Res], call: Call[Req]) -> Res:
        """What the process goes on with. HeldBack where nobody can tell."""
        result = self._result(operation, call)
        if result is None:
            raise HeldBack(f"what follows depends on the answer to: {operation.title}")
        self.made[operation.result_type] = result
        return result

    def _result(self, operation: Operation[Req, Res], call: Call[Req]) -> Res | None:
        if isinstance(operation, Effect):
            foreseen: Foreseen[Req, Res] | None = operation.foreseen
            earlier = cast("Res | None", self.made.get(operation.result_type))
            return foreseen.result(call, earlier) if foreseen else None
        if isinstance(operation, Wait) and operation.foreseen:
            return cast(Res, operation.foreseen(call.request))
        if isinstance(operation, Wait | Read):
            # What it is about is as it was.
            return cast(Res, call.request) if operation.result_type is type(call.request) else None
        return cast(Res, Undone(state=UndoState.NOTHING))
