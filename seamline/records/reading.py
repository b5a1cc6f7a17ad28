"""Outside data read into records: what does not fit is refused field by field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from seamline.errors import Problem, Refusal


@contextmanager
def refusing(code: str, reason: str, place: str = "") -> Iterator[None]:
    """Turn what pydantic finds wrong inside into a Refusal with a problem for each field, below `place`."""
    try:
        yield
    except ValidationError as error:
        problems = [
            Problem(field=".".join([*filter(None, [place]), *map(str, one["loc"])]) or "body", reason=one["msg"])
            for one in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise Refusal(code, reason, problems=problems) from None
