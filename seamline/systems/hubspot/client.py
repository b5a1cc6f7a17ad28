"""HubSpot's transport: the token, what its errors say, how long it wants to be left alone, and batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from seamline.errors import Outage, Refusal
from seamline.http import Answer, Explained, HttpClient, HttpFactory, Verdict, retry_after_seconds
from seamline.records.reading import refusing
from seamline.systems.hubspot import mapping, wire

OVERRIDES = (
    # An account that is being moved to another data centre takes nothing for a while.
    Verdict(477, Outage, "migrating"),
)
# The day's limit ends at midnight in the account's own time zone, so it is looked at every hour.
_WAIT_SECONDS = {"SECONDLY": 1.0, "DAILY": 3600.0}

T = TypeVar("T", bound=BaseModel)


class HubSpotClient:
    """REST over one account's `HttpClient`, answers read as wire models."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def get(self, operation: str, path: str, model: type[T], query: Mapping[str, str] | None = None) -> T:
        """Read something."""
        answer = await self._http.send(operation, "GET", path, write=False, query=query)
        return _read(model, answer)

    async def post(self, operation: str, path: str, model: type[T], body: Any, *, write: bool) -> T:
        """Ask with a body, or change something."""
        answer = await self._http.send(operation, "POST", path, write=write, json=body)
        return _read(model, answer)

    async def batch(
        self, operation: str, path: str, inputs: Sequence[Any], *, write: bool, **more: Any
    ) -> list[wire.Object]:
        """What comes of these, so many at once as HubSpot takes. What it does not find is left out."""
        found: list[wire.Object] = []
        for start in range(0, len(inputs), wire.BATCH_MAX):
            body = {"inputs": inputs[start : start + wire.BATCH_MAX], **more}
            page = await self.post(operation, path, wire.Page, body, write=write)
            _refuse_others(page.errors, operation)
            found += page.results
        return found


def open_client(
    name: str, url: str, token: str, http: HttpFactory, *, calls_per_second_max: float, calls_at_once_max: int
) -> HubSpotClient:
    """A client with HubSpot's headers and errors."""
    client = http.client(
        name,
        url,
        headers={"Authorization": f"Bearer {token}"},
        calls_per_second_max=calls_per_second_max,
        calls_at_once_max=calls_at_once_max,
        overrides=OVERRIDES,
        explain=explain,
        wait=wait,
    )
    return HubSpotClient(client)


def explain(answer: Answer) -> Explained:
    """The text and the properties of an error body; nothing when it is not HubSpot's."""
    told = _error(answer)
    return told.message, tuple(mapping.error_problems(told))


def wait(answer: Answer) -> float | None:
    """Until the limit that was reached lets calls through: HubSpot names it, and sends no `Retry-After` with it."""
    policy = _error(answer).policy.upper()
    if policy in _WAIT_SECONDS:
        return _WAIT_SECONDS[policy]
    window = answer.headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS and window.isdigit():
        return int(window) / 1000
    return retry_after_seconds(answer.headers.get("retry-after"))


def _error(answer: Answer) -> wire.Error:
    try:
        return wire.Error.model_validate_json(answer.content)
    except ValidationError:
        return wire.Error()


def _refuse_others(errors: Sequence[wire.Error], operation: str) -> None:
    """Raise what is wrong with one of a batch, other than that it is gone."""
    wrong = [one for one in errors if one.category != wire.NOT_FOUND]
    if wrong:
        problems = [problem for one in wrong for problem in mapping.error_problems(one)]
        raise Refusal("bad-request", wrong[0].message, operation=operation, problems=problems)


def _read(model: type[T], answer: Answer) -> T:
    with refusing("unreadable-answer", "the answer is not as HubSpot's API describes it"):
        return model.model_validate(answer.json())
