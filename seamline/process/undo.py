"""What a process did and could take back: registered before each effect, undone gate first and then in reverse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seamline.process.effect import STANDS, Call, Effect, Irreversible, Operation, Wait
from seamline.process.view import Planned, UndoneStep
from seamline.records.undo import Undone


@dataclass
class Entry:
    """One effect that may have happened. `call` is kept at the latest request, since amendments change it."""

    effect: Effect[Any, Any]
    call: Call[Any]
    by_hand: bool = False
    """Staff skipped the step: they did it by hand or it was not needed, so taking it back is theirs too."""
    answer: Undone | None = None

    @property
    def undo(self) -> Operation[Any, Undone] | None:
        """The operation that takes the effect back, None when nothing can."""
        if isinstance(self.effect.undo, Irreversible):
            return None
        return Operation(
            self.effect.undo,
            title=f"Take back: {self.effect.title}",
            team=self.effect.team,
        )

    @property
    def confirm(self) -> Wait[Any, Undone] | None:
        """The wait that follows a promised undo."""
        effect = self.effect
        if effect.confirm is None:
            return None
        return Wait(effect.confirm, title=f"Confirmed: {effect.title}", team=effect.team, news=effect.news)

    @property
    def how(self) -> str:
        """What an undo would do about it, in words."""
        if self.undo is None or self.by_hand:
            return "is left to people"
        if self.effect.gate:
            return "is taken back first; if that is too late, nothing is"
        return "is asked back and followed until confirmed" if self.effect.confirm else "is taken back"


class UndoLog:
    """The effects of one process in the order they were begun."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self.by_others: list[str] = []
        """The keys of effects that are others' by the policy."""

    def register(self, effect: Effect[Any, Any], call: Call[Any]) -> Entry:
        """Note the effect before it is tried, since a failed one may have happened.

        One that is done again under its key replaces what it made before: still one entry, and one undo.
        """
        if before := self._ours(call.key):
            before.call = call.model_copy(update={"amendment": before.call.amendment + 1, "repeated": True})
            before.answer = None
            return before
        entry = Entry(effect, call)
        if effect.undo is not STANDS:
            self._entries.append(entry)
        return entry

    def forget(self, entry: Entry) -> None:
        """Leave out an effect that was held back: there is nothing to take back."""
        self._entries = [one for one in self._entries if one is not entry]

    def _ours(self, key: str) -> Entry | None:
        return next((one for one in self._entries if one.call.key == key and not one.by_hand), None)

    @property
    def empty(self) -> bool:
        """Whether no effect was begun."""
        return not self._entries

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The keys of the effects that are not ours: staff skipped them, or others did them first."""
        return (*(one.call.key for one in self._entries if one.by_hand), *self.by_others)

    @property
    def gates(self) -> list[Entry]:
        """The gates that still stand, latest first."""
        return [one for one in reversed(self._entries) if one.effect.gate and one.answer is None]

    @property
    def standing(self) -> list[Entry]:
        """The effects still to be taken back, latest first."""
        return [one for one in reversed(self._entries) if one.answer is None]

    @property
    def answered(self) -> list[Entry]:
        """The effects whose undo was answered, in the order they were begun."""
        return [one for one in self._entries if one.answer is not None]

    def planned(self, route: Mapping[str, str]) -> tuple[Planned, ...]:
        """What a cancel would do, in its order: the gates, then the rest."""
        gates = self.gates
        return tuple(
            Planned(title=one.effect.title, connection=route[one.effect.role], key=one.call.key, how=one.how)
            for one in (*gates, *(one for one in self.standing if one not in gates))
        )

    def told(self, route: Mapping[str, str]) -> tuple[UndoneStep, ...]:
        """What became of each effect that was taken back, for the view and the outcome."""
        return tuple(
            UndoneStep(
                title=entry.effect.title,
                connection=route[entry.effect.role],
                key=entry.call.key,
                answer=entry.answer,
            )
            for entry in self._entries
            if entry.answer
        )
