"""Staff find every cause that can hold a process explained, and none that cannot."""

from __future__ import annotations

import re

import pytest

from seamline.errors import Kind
from tests.docs.causes import Cause, causes
from tests.docs.pages import ROOT

_NAMED = re.compile(rf"`(?:\.\.\. )?({'|'.join(Kind)}) ([a-z-]+)(?:\.\.\.)?`")


def named(page: str) -> set[Cause]:
    """The causes that a page names; one whose code is put together ends in dots: `refusal smtp-...`."""
    return {(Kind(kind), code) for kind, code in _NAMED.findall((ROOT / "docs" / page).read_text())}


@pytest.mark.parametrize("cause", sorted(causes()), ids=" ".join)
def test_staff_find_it_explained(cause: Cause) -> None:
    kind, code = cause
    text = (ROOT / "docs/staff.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    start = f"`{kind} {code}" if not code or code.endswith("-") else f"`{kind} {code}`"
    assert any(start in row.split("|")[1] for row in rows), f"docs/staff.md does not explain: {kind} {code}"


@pytest.mark.parametrize("page", ["staff.md", "on-call.md"])
def test_what_is_explained_can_come(page: str) -> None:
    known = causes()
    beginnings = {(kind, code) for kind, code in known if code.endswith("-")}
    told = named(page)
    assert len(told) > 3
    strange = {
        f"{kind} {code}"
        for kind, code in told - known
        if not any(kind == other and code.startswith(beginning) for other, beginning in beginnings)
    }
    assert strange == set()


def test_the_causes_are_found_in_the_source() -> None:
    assert causes() >= {
        (Kind.REFUSAL, "no-rates"),
        (Kind.REFUSAL, "smtp-"),
        (Kind.REFUSAL, "malformed-request"),
        (Kind.LOCKED_OUT, "forbidden"),
        (Kind.OUTAGE, "unreachable"),
        (Kind.NOT_YET, "refund-pending"),
        (Kind.UNKNOWN_OUTCOME, "may-have-happened"),
        (Kind.APPROVAL, "risk"),
    }
