"""Look, live, at what each system holds for a reference, whose an id is, and whether connections can be reached.

Short processes that the workers run, since only they hold the systems' credentials. They change nothing.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import Field
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from activities import tracing
from activities.tracing import Holdings, References, ResolveRequest, TraceRequest
from seamline.errors import Failure
from seamline.process.attempt import failure_of
from seamline.process.effect import Call, Operation, Req, Res
from seamline.records.base import Record
from seamline.records.system import Card

ANSWER_WITHIN = timedelta(seconds=20)
_FEW = RetryPolicy(maximum_attempts=3)
"""Somebody waits for the answer, and a system that throttles wants a moment."""


class TraceInput(Record):
    """Which connections to ask, and for what; `reference` may be empty for a survey."""

    reference: str = Field(default="", max_length=64)
    connections: tuple[str, ...] = Field(max_length=100)


class ResolveInput(Record):
    """Which connections to ask, and about which id of one of their objects."""

    external_id: str = Field(min_length=1, max_length=200)
    connections: tuple[str, ...] = Field(max_length=100)


class Traced(Record):
    """One connection's answer: what it holds, or why it could not be asked."""

    connection: str
    holdings: Holdings | None = None
    failure: Failure | None = None


class Surveyed(Record):
    """One connection's card, or why it could not be reached."""

    connection: str
    card: Card | None = None
    failure: Failure | None = None


class Resolved(Record):
    """One connection's answer: the references it knows the id by, or why it could not be asked."""

    connection: str
    references: References | None = None
    failure: Failure | None = None


class TraceResult(Record):
    """All answers, in the order asked."""

    answers: tuple[Traced, ...]


class SurveyResult(Record):
    """All cards, in the order asked."""

    answers: tuple[Surveyed, ...]


class ResolveResult(Record):
    """All answers, in the order asked."""

    answers: tuple[Resolved, ...]


@workflow.defn(name="trace")
class Trace:
    """Ask every connection what it holds for a reference."""

    @workflow.run
    async def run(self, asked: TraceInput) -> TraceResult:
        """Ask all at the same time."""

        async def ask(connection: str) -> Traced:
            answer = await _ask(tracing.holdings, connection, TraceRequest(), asked.reference)
            if isinstance(answer, Failure):
                return Traced(connection=connection, failure=answer)
            return Traced(connection=connection, holdings=answer)

        return TraceResult(answers=tuple(await asyncio.gather(*map(ask, asked.connections))))


@workflow.defn(name="resolve")
class Resolve:
    """Ask every connection which references an id of its own stands for."""

    @workflow.run
    async def run(self, asked: ResolveInput) -> ResolveResult:
        """Ask all at the same time."""
        request = ResolveRequest(external_id=asked.external_id)

        async def ask(connection: str) -> Resolved:
            answer = await _ask(tracing.references, connection, request)
            if isinstance(answer, Failure):
                return Resolved(connection=connection, failure=answer)
            return Resolved(connection=connection, references=answer)

        return ResolveResult(answers=tuple(await asyncio.gather(*map(ask, asked.connections))))


@workflow.defn(name="survey")
class Survey:
    """Ask every connection who it is."""

    @workflow.run
    async def run(self, asked: TraceInput) -> SurveyResult:
        """Ask all at the same time."""

        async def ask(connection: str) -> Surveyed:
            answer = await _ask(tracing.card, connection, TraceRequest())
            if isinstance(answer, Failure):
                return Surveyed(connection=connection, failure=answer)
            return Surveyed(connection=connection, card=answer)

        return SurveyResult(answers=tuple(await asyncio.gather(*map(ask, asked.connections))))


async def _ask(operation: Operation[Req, Res], connection: str, request: Req, reference: str = "") -> Res | Failure:
    try:
        answer: Res = await workflow.execute_activity(
            operation.name,
            Call[Any](reference=reference, request=request),
            task_queue=connection,
            result_type=operation.result_type,
            start_to_close_timeout=ANSWER_WITHIN,
            schedule_to_close_timeout=ANSWER_WITHIN,
            retry_policy=_FEW,
            summary=f"{operation.title}: {connection}",
        )
    except ActivityError as error:
        return failure_of(error, connection, operation.name)
    return answer
