"""Rounds: within one, the contenders follow one another, each with fresh servers; each round begins with another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from benchmarks.contenders import Contender
from benchmarks.measure import Sizes, Turn, Wrong, measure
from benchmarks.table import Round


async def rounds_of(
    contenders: Sequence[Contender], rounds: int, sizes: Sizes, say: Callable[[str], None]
) -> list[Round]:
    """All turns. Raises Wrong when one contender did other than the first."""
    done: list[Round] = []
    for number in range(rounds):
        place = number % len(contenders)
        turns: dict[str, Turn] = {}
        for contender in (*contenders[place:], *contenders[:place]):
            began = time.monotonic()
            turns[contender.name] = turn = await measure(contender, sizes)
            check_same(contender, turn, next(iter(turns.values())))
            say(
                f"round {number + 1}: {contender.title}: {turn.orders_a_second:.1f} orders/s, "
                f"p50 {turn.p50_ms:.0f} ms, in {time.monotonic() - began:.0f} s"
            )
        done.append({one.name: turns[one.name] for one in contenders})
    return done


def check_same(contender: Contender, turn: Turn, first: Turn) -> None:
    """Raise Wrong unless it made the same calls and effects as the first."""
    for name, mine, theirs in (("calls", turn.calls, first.calls), ("effects", turn.effects, first.effects)):
        if mine != theirs:
            more, less = list((mine - theirs).elements()), list((theirs - mine).elements())
            raise Wrong(f"{contender.title} made other {name} than the first: more {more}, less {less}")
