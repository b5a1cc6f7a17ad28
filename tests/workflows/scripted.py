"""What the systems kept in memory have in common: they note each call, fail as the test tells, and keep a ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from seamline.errors import Outage
from seamline.records.system import Card, Holding, Repeat


class Scripted:
    """A system of its own, not a stand-in for our code: it satisfies a role's Protocol and keeps what it is told.

    `calls` names each call. `before` holds, by call, what the next ones raise in place of doing anything; `after` what
    they raise once the effect has happened (a lost answer). A call that has a gate waits there until the test opens it.
    """

    role: ClassVar[str]
    repeats: Mapping[str, Repeat] = {}

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.effects: list[tuple[str, str]] = []
        """What changed: the effect's name, as in the simulator's ledger, and its key."""
        self._numbers: Counter[str] = Counter()

    def fail(self, call: str, *failures: Exception) -> None:
        """The next calls fail so, with nothing done."""
        self.before.setdefault(call, []).extend(failures)

    def lose(self, call: str, times: int = 1) -> None:
        """The next calls do their work, and their answers are lost."""
        self.after.setdefault(call, []).extend(Outage("timeout") for _ in range(times))

    def keys_of(self, effect: str) -> list[str]:
        """The keys under which an effect happened, in order."""
        return [key for name, key in self.effects if name == effect]

    async def called(self, name: str) -> None:
        """Note the call, wait at its gate, fail as told."""
        self.calls.append(name)
        if gate := self.gates.get(name):
            await gate.wait()
        if failures := self.before.get(name):
            raise failures.pop(0)

    def did(self, effect: str, key: str, call: str = "") -> None:
        """Note an effect; then its answer may be lost."""
        self.effects.append((effect, key))
        self.lost(call)

    def lost(self, call: str) -> None:
        """Fail as told after the effect."""
        if failures := self.after.get(call):
            raise failures.pop(0)

    def next_id(self, prefix: str) -> str:
        """An id that no other object has."""
        self._numbers[prefix] += 1
        return f"{prefix}-{self._numbers[prefix]:04}"

    async def holdings(self, reference: str) -> Sequence[Holding]:
        """Nothing: no test here traces."""
        return []

    async def references(self, external_id: str) -> Sequence[str]:
        """Nothing: no test here traces."""
        return []

    async def card(self) -> Card:
        """Who it is."""
        return Card(
            connection="",
            system="memory",
            role=self.role,
            holds=(),
            connected="in memory",
            authentication="none",
            limits="none",
            repeats=self.repeats,
        )
