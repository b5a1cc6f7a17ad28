"""The breaker as a pure state machine, on a clock that the test moves."""

from __future__ import annotations

import pytest

from seamline.settings import BreakerSettings
from worker.breaker import RETRY_AFTER_SECONDS_MAX, Breaker, State


class Clock:
    """Seconds as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(BreakerSettings(failures=3, open_seconds=2, open_seconds_max=10), clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_opens_at_the_set_number_of_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.state is State.CLOSED
    breaker.failed()
    assert breaker.state is State.OPEN
    assert breaker.seconds_left == 2


def test_a_success_between_starts_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.state is State.CLOSED


def test_after_its_time_it_is_half_open_and_a_success_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    assert breaker.state is State.HALF_OPEN
    breaker.succeeded()
    assert breaker.state is State.CLOSED
    fail(breaker, 2)
    assert breaker.state is State.CLOSED


def test_each_failed_probe_doubles_the_time_up_to_the_limit(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    lengths = []
    for _ in range(5):
        lengths.append(breaker.seconds_left)
        clock.now += breaker.seconds_left
        breaker.failed()
    assert lengths == [2, 4, 8, 10, 10]


def test_failures_begun_before_it_opened_do_not_lengthen_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1
    breaker.failed()
    assert breaker.seconds_left == 1


def test_a_system_that_says_when_to_come_again_is_left_alone_at_once(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(retry_after_seconds=7)
    assert (breaker.state, breaker.seconds_left) == (State.OPEN, 7)
    breaker.failed(retry_after_seconds=5)
    assert breaker.seconds_left == 7
    clock.now += 7
    assert breaker.state is State.HALF_OPEN
    breaker.succeeded()
    assert breaker.state is State.CLOSED


def test_a_longer_retry_after_counts_and_a_shorter_does_not(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.failed(retry_after_seconds=1)
    assert breaker.seconds_left == 2
    breaker.failed(retry_after_seconds=60)
    assert breaker.seconds_left == 60


def test_a_nonsensical_retry_after_is_cut(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.failed(retry_after_seconds=1e9)
    assert breaker.seconds_left == RETRY_AFTER_SECONDS_MAX


def test_once_closed_it_opens_for_the_first_time_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    breaker.failed()
    clock.now += 4
    breaker.succeeded()
    fail(breaker, 3)
    assert breaker.seconds_left == 2
