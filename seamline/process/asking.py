"""Asking people: an approval, from the question to the answer of a person, of the policy, or of the clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from temporalio import workflow

from seamline.errors import Failure, Kind, Problem
from seamline.process.decision import Action, BadDecision, Decision, amend
from seamline.process.lookout import Lookout
from seamline.process.view import Status, StepState
from seamline.process.waits import OpenWait
from seamline.records.base import Record

if TYPE_CHECKING:
    from seamline.process.process import Process

POLICY = "policy"
"""Who decides when nobody does: the rule itself."""


@dataclass(frozen=True)
class Choice:
    """One of several answers that a question offers."""

    name: str
    meaning: str


@dataclass(frozen=True)
class Question:
    """What people are asked. `name` is the rule's in `policy.approvals`; `about` is what they are shown."""

    name: str
    title: str
    reason: str
    about: Record
    team: str = "operations"
    """Who is asked where the rule names nobody."""
    amendable: bool = False
    """Whether what they are shown may be amended instead; the story then goes on with the answer's `amended`."""
    choices: tuple[Choice, ...] = ()
    """What they can choose among, in place of yes and no. A choice may come with a change to what they are shown."""
    asked: datetime | None = None
    """Since when they are asked, where they may be asked again: its times count from then, else from now."""


@dataclass(frozen=True)
class Answer:
    """What they said."""

    approved: bool
    who: str
    why: str
    amended: Record | None = None
    """What `about` was amended to; neither approved nor rejected by that."""
    choice: str = ""
    """The name of what was chosen; empty where the question offers no choices."""

    @property
    def told(self) -> str:
        """The answer in words: `rejected by kim: too dear`, `reship chosen by kim`."""
        word = f"{self.choice} chosen" if self.choice else "approved" if self.approved else "rejected"
        return f"{word} by {self.who or 'staff'}: {self.why}".rstrip(": ")


class Asking:
    """One question until it is answered, or until what is looked out for makes it needless."""

    def __init__(self, process: Process, question: Question, lookout: Lookout[Any, Any] | None = None) -> None:
        self.process = process
        self.lookout = lookout
        self.question = question
        self.rule = process.policy.approval(question.name)
        asked = question.asked or workflow.now()
        self.due = self._after(asked, self.rule.due_hours)
        self.expires = self._after(asked, self.rule.expire_hours)
        self.escalates: datetime | None = self.due if self.rule.escalate_to else None
        self.place = process.begin_step(question.name, question.title, "staff")

    async def run(self) -> Answer | None:
        """The answer; None when it became needless. Raises Stopped when the process is cancelled and can be undone."""
        if self.rule.automatic and (default := self._default(Action.APPROVE)):
            return self._answered(self._by_policy(default, self.question.name, "automatic by its rule"))
        while True:
            wait = self._open()
            decision = await self._decided(wait)
            self.process.waits.close(wait, taken=decision is not None)
            self.process.publish()
            if self.lookout:
                await self.process.unbroken(self.lookout.end())
            if decision is None and self.lookout and self.lookout.seen:
                self.process.mark(self.place, StepState.DONE, ended=True, detail=f"needless: {self.lookout.wait.title}")
                return None
            if decision is None and self._overtaken() and not self.process.stop_requested():
                self.process.mark(self.place, StepState.STOPPED, ended=True, detail="something else happened first")
                return None
            if decision is not None and decision.action is not Action.CANCEL:
                return self._answered(decision)
            self.process.mark(self.place, StepState.STOPPED, ended=True)
            await self.process.stop(_cancelled(decision) if decision else self.process.why_stopped())

    def _open(self) -> OpenWait:
        wait = self.process.waits.open(
            OpenWait(
                name=self.process.waits.next_name(self.question.name),
                title=self.question.title,
                status=Status.WAITING,
                team=self._present(self.rule.team or self.question.team),
                failure=Failure(kind=Kind.APPROVAL, code=self.question.name, reason=self.question.reason),
                request=self.question.about,
                result_fields=(),
                actions=self._actions(),
                since=workflow.now(),
                check=self._check,
                due=self.due,
                choices={one.name: one.meaning for one in self.question.choices},
            )
        )
        self.process.mark(self.place, StepState.WAITING, detail=wait.failure.cause)
        self.process.publish()
        return wait

    def _actions(self) -> tuple[Action, ...]:
        answers = (Action.CHOOSE,) if self.question.choices else (Action.APPROVE, Action.REJECT)
        amend_ = (Action.AMEND,) if self.question.amendable else ()
        cancel = () if self.process.forward_only else (Action.CANCEL,)
        return (*answers, *amend_, *cancel)

    def _default(self, otherwise: Action) -> Action | None:
        """The answer of the rule itself; None where the question offers choices and the rule names none of them."""
        if not self.question.choices:
            return otherwise
        return Action.CHOOSE if self.rule.choice in self._choices() else None

    def _choices(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.question.choices)

    async def _decided(self, wait: OpenWait) -> Decision | None:
        """The decision, of people or of the policy; None when the process is to stop or the question is needless."""
        if self.lookout:
            self.lookout.begin()
        while not self._over(wait):
            try:
                await workflow.wait_condition(
                    lambda: self._over(wait) or self._to_look_again(), timeout=self._seconds_left()
                )
            except TimeoutError:
                if decision := self._expired(wait):
                    return decision
                self._escalate(wait)
            except asyncio.CancelledError:
                if not self.process.is_cancel_request():
                    raise
            await self._look_again()
        return wait.decision

    def _over(self, wait: OpenWait) -> bool:
        seen = self.lookout is not None and self.lookout.seen
        return wait.decision is not None or seen or self._overtaken() or self.process.stop_requested()

    def _overtaken(self) -> bool:
        return self.lookout is not None and self.lookout.overtaken

    def _to_look_again(self) -> bool:
        return self.lookout is not None and self.lookout.is_news

    async def _look_again(self) -> None:
        if self.lookout and self.lookout.is_news and not self.lookout.seen:
            await self.process.unbroken(self.lookout.end())
            if not self.lookout.seen:
                self.lookout.begin()

    def _expired(self, wait: OpenWait) -> Decision | None:
        if self.expires is None or self.expires > workflow.now():
            return None
        self.expires = None
        default = self._default(Action(self.rule.on_expiry.value))
        return self._by_policy(default, wait.name, "nobody answered in time") if default else None

    def _seconds_left(self) -> float | None:
        limits = [one for one in (self.escalates, self.expires) if one]
        return max(0.0, (min(limits) - workflow.now()).total_seconds()) if limits else None

    def _escalate(self, wait: OpenWait) -> None:
        if self.rule.escalate_to is None or self.escalates is None or self.escalates > workflow.now():
            return
        self.escalates = None
        before, wait.team = wait.team, self._present(self.rule.escalate_to)
        wait.due = self.due = self._after(workflow.now(), self.rule.due_hours)
        self.process.note(f"{wait.name} was due: passed on from {before} to {wait.team}")
        self.process.publish()

    def _check(self, decision: Decision, verified: bool) -> None:
        """Refuse an answer that the rule does not take."""
        problems = []
        if (self.rule.authenticated or self.rule.four_eyes) and not verified:
            reason = "this approval takes no signal, whose sender is only claimed: answer by the command or the API"
            problems.append(Problem(field="who", reason=reason))
        if self.rule.four_eyes and decision.action in (Action.APPROVE, Action.CHOOSE):
            problems += self._four_eyes(decision.who)
        if decision.action is Action.REJECT and not decision.why.strip():
            problems.append(Problem(field="why", reason="is missing: say why it is rejected"))
        if decision.action is Action.CHOOSE and decision.choice not in self._choices():
            reason = f"is not offered here; there are: {', '.join(self._choices())}"
            problems.append(Problem(field="choice", reason=reason))
        if problems:
            raise BadDecision(problems)
        self._amended(decision)

    def _four_eyes(self, who: str) -> list[Problem]:
        if not who.strip():
            return [Problem(field="who", reason="is missing: this approval needs a second person's name")]
        amended = [one.who for one in self.process.decisions if one.action is Action.AMEND]
        started_by = self.process.start.started_by
        # It names the way too: `command ann`.
        began = (started_by, started_by.rpartition(" ")[2])
        if _same(who) in {_same(one) for one in (*began, *amended)}:
            return [Problem(field="who", reason="started or amended this process: somebody else must approve it")]
        return []

    def _by_policy(self, action: Action, wait: str, why: str) -> Decision:
        choice = self.rule.choice if action is Action.CHOOSE else ""
        decision = Decision(wait=wait, action=action, who=POLICY, why=why, choice=choice)
        self.process.keep(decision, verified=True)
        return decision

    def _amended(self, decision: Decision) -> Record | None:
        """What people were shown, as amended. BadDecision names each wrong field."""
        if decision.action is Action.AMEND or (decision.action is Action.CHOOSE and decision.change):
            return amend(self.question.about, decision.change)
        return None

    def _answered(self, decision: Decision) -> Answer:
        amended = self._amended(decision)
        chosen = decision.choice if decision.action is Action.CHOOSE else ""
        answer = Answer(decision.action is Action.APPROVE, decision.who, decision.why, amended, chosen)
        word = f"{decision.action.value} {chosen}".strip()
        self.process.mark(self.place, StepState.DONE, ended=True, detail=f"{word} by {answer.who}")
        return answer

    def _present(self, team: str) -> str:
        """The team, or its deputy today."""
        return self.process.policy.present(team, workflow.now())

    def _after(self, moment: datetime, hours: float | None) -> datetime | None:
        return self.process.policy.working_hours_after(moment, hours) if hours else None


def _cancelled(decision: Decision) -> str:
    return f"cancelled by {decision.who or 'staff'} at {decision.wait}: {decision.why}".rstrip(": ")


def _same(who: str) -> str:
    return who.strip().casefold()
