"""The search attributes that every process sets, and nothing personal in them."""

from __future__ import annotations

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

REFERENCE = SearchAttributeKey.for_keyword("SeamlineReference")
STATUS = SearchAttributeKey.for_keyword("SeamlineStatus")
"""Absent while a process simply runs; `waiting`, `held up`, `undoing`, `undone`, `ignored`."""
TEAM = SearchAttributeKey.for_keyword("SeamlineTeam")
CAUSE = SearchAttributeKey.for_keyword("SeamlineCause")
DUE = SearchAttributeKey.for_datetime("SeamlineDue")
"""When what a process waits for should be decided; absent where no time is set."""

LENGTH_MAX = 255
"""Characters of a keyword; SQL stores take no more, and a longer one would fail the workflow task for ever."""


def ignored_cause(connection: str, code: str) -> str:
    """The cause of an ignored object: `shop-uk ignored pickup`. Codes are fixed, so that they can be counted."""
    return f"{connection} ignored {code}"[:LENGTH_MAX]


ALL = (REFERENCE, STATUS, TEAM, CAUSE, DUE)


def at_start(reference: str) -> TypedSearchAttributes:
    """What a process is started with."""
    return TypedSearchAttributes([SearchAttributePair(REFERENCE, reference)])
