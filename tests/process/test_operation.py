"""How an operation tells its failures to Temporal: what is tried again, what is final, and whose words travel where."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from seamline.errors import Failure, LockedOut, NotYet, Outage, Refusal, SystemFailure, UnknownOutcome
from seamline.process.effect import Call
from tests.process.stage import Made, Stage, Workshop

MADE = Made(id="made", key="", colour="red")


async def told(
    error: Exception,
    *,
    healing: bool = False,
    patience_seconds: float | None = None,
    remembered: Sequence[float | None] = (),
    beats: list[object] | None = None,
) -> ApplicationError:
    """What Temporal is told when the system raises `error`. `remembered`: when the earlier attempts' outage began."""
    stage = Stage(Workshop(script={"collected": [error]}))
    call = Call[Made](reference="test:1", request=MADE, healing=healing, patience_seconds=patience_seconds)
    env = ActivityEnvironment()
    env.info = dataclasses.replace(env.info, heartbeat_details=remembered)
    if beats is not None:
        env.on_heartbeat = beats.append
    with pytest.raises(ApplicationError) as raised:
        await env.run(stage.collected, call)
    return raised.value


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (Outage("http-503"), False),
        (LockedOut("http-401"), False),
        (NotYet("not-collected"), False),
        (ValueError("a bug"), False),
        (Refusal("no-colour"), True),
        (UnknownOutcome("may-have-happened"), True),
    ],
)
async def test_only_what_a_person_must_answer_is_final(error: Exception, final: bool) -> None:
    assert (await told(error)).non_retryable is final


async def test_while_it_heals_the_first_answer_ends_a_wait() -> None:
    assert (await told(NotYet("not-collected"), healing=True)).non_retryable
    assert not (await told(Outage("http-503"), healing=True)).non_retryable


async def test_a_wait_whose_patience_is_over_gives_up() -> None:
    assert (await told(Outage("http-503"), patience_seconds=0)).non_retryable
    assert not (await told(Outage("http-503"), patience_seconds=60)).non_retryable


async def test_an_outage_during_a_wait_counts_from_its_first_failure_and_ends_with_an_answer() -> None:
    since, beats = time.time() - 100, list[object]()
    assert (await told(Outage("http-503"), patience_seconds=60, remembered=[since], beats=beats)).non_retryable
    assert beats == [since]
    await told(NotYet("not-collected"), patience_seconds=60, remembered=[since], beats=beats)
    assert beats == [since, None]
    assert not (await told(Outage("http-503"), patience_seconds=60, remembered=[None])).non_retryable


async def test_looking_again_is_not_counted_as_a_failure() -> None:
    assert (await told(NotYet("not-collected"))).category is ApplicationErrorCategory.BENIGN
    assert (await told(Outage("http-503"))).category is ApplicationErrorCategory.UNSPECIFIED


@pytest.mark.parametrize("error", [Refusal("no-colour", "Ada Lovelace"), Outage("http-503", "Ada Lovelace")])
async def test_the_vendors_words_travel_in_the_details_alone(error: SystemFailure) -> None:
    raised = await told(error)
    assert "Ada" not in f"{raised} {raised.message} {raised.type} {raised.__cause__}"
    (failure,) = raised.details
    assert isinstance(failure, Failure)
    assert failure.reason == "Ada Lovelace"


async def test_a_defects_words_travel_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    raised = await told(ValueError("Ada Lovelace"))
    assert "Ada" not in f"{raised} {raised.details} {raised.__cause__} {caplog.text}"
    assert "defect in stage.collected" in caplog.text
