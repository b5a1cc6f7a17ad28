"""What the Temporal UI shows of a process: where it is, what holds it, and the commands that would release it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from temporalio import workflow

from seamline.process.decision import Action
from seamline.process.view import Status, Step, Wait
from seamline.process.waits import OpenWait
from seamline.records.moment import local


def current_details(
    status: Status, steps: Sequence[Step], waits: Iterable[OpenWait], notes: Sequence[str], time_zone: str
) -> str:
    """Markdown for the workflow's current details."""
    lines = [f"**{status.value}**", ""]
    for wait in waits:
        lines += _wait(wait, time_zone)
    lines += [f"- {step.title} · {step.connection}: {step.state.value}" for step in steps]
    lines += [f"- note: {note}" for note in notes[-5:]]
    return "\n".join(lines)


def commands(workflow_id: str, wait: Wait, action: Action, value: str = "NEW") -> tuple[str, str]:
    """The `seamline` and the `temporal` command that answer a wait; an amendment sets each named field to `value`."""
    fields = [one.field for one in wait.problems] or ["FIELD"]
    decision: dict[str, object] = {"wait": wait.name, "action": action.value, "who": "YOU", "why": "WHY"}
    ours = f"seamline {action.value} {workflow_id} {wait.name}"
    if action is Action.CHOOSE:
        decision["choice"] = next(iter(wait.choices), "CHOICE")
        ours += f" {decision['choice']}"
    if action is Action.AMEND:
        decision["change"] = nested(dict.fromkeys(fields, value))
        ours += "".join(f" {shlex.quote(f'{field}={value}')}" for field in fields)
    if action is Action.SKIP and wait.result_fields:
        decision["result"] = dict.fromkeys(wait.result_fields, value)
        ours += f" --result {shlex.quote(json.dumps(decision['result']))}"
    signal = f"temporal workflow signal --workflow-id {workflow_id} --name decide"
    theirs = f"{signal} --input {shlex.quote(json.dumps(decision))}"
    return ours + ' --why "WHY"', theirs


def nested(changes: Mapping[str, object]) -> dict[str, object]:
    """`{"address.postcode": x}` as the merge patch `{"address": {"postcode": x}}`; `a.b` beats `a`."""
    patch: dict[str, Any] = {}
    for dotted in sorted(changes):
        *path, last = dotted.split(".")
        place = patch
        for name in path:
            if not isinstance(place.get(name), dict):
                place[name] = {}
            place = place[name]
        place[last] = changes[dotted]
    return patch


def _wait(wait: OpenWait, time_zone: str) -> list[str]:
    due = f", due {local(wait.due, time_zone)}" if wait.due else ""
    since = local(wait.since, time_zone)
    lines = [f"**{wait.title}**: {wait.failure.cause}, for team {wait.team} since {since}{due}", ""]
    if wait.failure.reason:
        lines += [f"> {' '.join(wait.failure.reason.split())}", ""]
    lines += [f"- `{one.field}` {one.reason}" for one in wait.failure.problems]
    lines += [f"- `{name}`: {meaning}" for name, meaning in wait.choices.items()]
    for action in wait.actions:
        # Fenced, since the page would make other quotation marks and dashes of those in a command.
        lines += ["", action.value, "```", *commands(workflow.info().workflow_id, wait.shown(), action), "```"]
    return [*lines, ""]
