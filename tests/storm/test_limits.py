"""The bounds of calls: what they count, and that they can be broken."""

from __future__ import annotations

from tests.storm.limits import (
    CALLS_AT_ONCE_MAX,
    CALLS_PER_SECOND_MAX,
    UNDER_WAY_SECONDS_MAX,
    WINDOW_SECONDS,
    Call,
    Workers,
    busiest_windows,
    calls_of_one_worker_max,
    calls_while_down,
    calls_while_stopped,
)
from tests.storm.odds import CARRIER, SHOP
from tests.storm.scene import Outage

WORKERS = Workers(2, [1000.0])


def calls(count: int, *, every: float, outcome: str = "done") -> list[Call]:
    return [{"connection": CARRIER, "at": 10 + number * every, "outcome": outcome} for number in range(count)]


def test_the_bound_grows_by_the_breakers_looks_alone() -> None:
    assert calls_of_one_worker_max(0.5) + 3 == calls_of_one_worker_max(8)


def test_a_dead_system_that_is_called_too_often_is_told() -> None:
    outage = Outage(CARRIER, 10, 14)
    most = 2 * calls_of_one_worker_max(4)
    assert calls_while_down(outage, calls(most, every=0.01, outcome="down"), WORKERS).share == 1
    assert calls_while_down(outage, calls(most + 1, every=0.01, outcome="down"), WORKERS).share > 1
    assert calls_while_down(outage, calls(most + 1, every=0.01), WORKERS).calls == 0


def test_a_call_after_people_stopped_them_is_told_unless_it_was_under_way() -> None:
    made = calls(3, every=1)
    assert calls_while_stopped(Outage(CARRIER, 10 - UNDER_WAY_SECONDS_MAX, 12), made) == 3
    assert calls_while_stopped(Outage(CARRIER, 13 - UNDER_WAY_SECONDS_MAX, 20), made) == 0
    assert calls_while_stopped(Outage(SHOP, 0, 20), made) == 0


def test_a_rate_that_is_exceeded_is_told() -> None:
    most = int(2 * (CALLS_PER_SECOND_MAX[CARRIER] * (WINDOW_SECONDS + 1) + CALLS_AT_ONCE_MAX[CARRIER]))
    (kept,) = busiest_windows(calls(most, every=0.01), WORKERS)
    (broken,) = busiest_windows(calls(most + 1, every=0.01), WORKERS)
    assert (kept.share, broken.connection) == (1, CARRIER)
    assert broken.share > 1


def test_the_busiest_window_is_found_wherever_it_is() -> None:
    quiet = [{"connection": SHOP, "at": float(at), "outcome": "done"} for at in range(0, 100, 5)]
    busy = [{"connection": SHOP, "at": 60 + number / 10, "outcome": "done"} for number in range(40)]
    (found,) = busiest_windows(sorted(quiet + busy, key=lambda one: one["at"]), WORKERS)
    assert found.calls == 40 + 3


def test_a_worker_started_again_may_call_anew() -> None:
    (once,) = busiest_windows(calls(3, every=1), Workers(2, []))
    (again,) = busiest_windows(calls(3, every=1), Workers(2, [11.0]))
    assert again.calls_max * 2 == once.calls_max * 3
