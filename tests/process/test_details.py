"""The commands that staff are shown: whatever a wait holds, they can be pasted into a shell and mean what they say."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.errors import Problem
from seamline.process.decision import Action, read_decision
from seamline.process.details import commands, nested
from seamline.process.view import Status, Wait

ID = "play:test:1"
NASTY = st.text(max_size=20) | st.sampled_from(["it's", "a.b", "a", "$(reboot)", "`id`", "a\nb", ";", '"', "\\", ""])


def wait(fields: list[str], result_fields: list[str]) -> Wait:
    """A wait that names these fields."""
    return Wait(
        name="paint#1",
        title="Paint",
        status=Status.WAITING,
        team="operations",
        cause="workshop refusal no-colour",
        reason="",
        problems=tuple(Problem(field=one, reason="is wrong") for one in fields),
        actions=tuple(Action),
        since=datetime(2026, 1, 1, tzinfo=UTC),
        request={},
        result_fields=tuple(result_fields),
    )


@given(st.lists(NASTY, max_size=4), st.lists(NASTY, max_size=3), st.sampled_from(Action), NASTY)
def test_the_commands_are_words_of_a_shell(fields: list[str], results: list[str], action: Action, value: str) -> None:
    ours, theirs = commands(ID, wait(fields, results), action, value)
    words = shlex.split(ours)
    assert words[:4] == ["seamline", action.value, ID, "paint#1"]
    assert words[-2:] == ["--why", "WHY"]
    if action is Action.AMEND:
        assert words[4:-2] == [f"{field}={value}" for field in fields or ["FIELD"]]
    *start, data = shlex.split(theirs)
    assert start == ["temporal", "workflow", "signal", "--workflow-id", ID, "--name", "decide", "--input"]
    decision = read_decision([json.loads(data)])
    assert (decision.wait, decision.action) == ("paint#1", action)
    assert bool(decision.change) is (action is Action.AMEND)


@given(st.dictionaries(NASTY, st.integers(), max_size=6))
def test_nesting_takes_any_fields(changes: dict[str, int]) -> None:
    patch: object = nested(changes)
    for dotted in changes:
        if any(other.startswith(f"{dotted}.") for other in changes):
            continue
        place: object = patch
        for name in dotted.split("."):
            assert isinstance(place, dict)
            place = place[name]
        assert place == changes[dotted]


@pytest.mark.parametrize("order", [["a", "a.b"], ["a.b", "a"]])
def test_a_field_within_beats_the_whole(order: list[str]) -> None:
    assert nested(dict.fromkeys(order, 1)) == {"a": {"b": 1}}
