"""Requests and answers held to an OpenAPI description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from seamline.http import Answer
from tests.contract.fields import resolved, unknown_fields

Description = Mapping[str, Any]


class OpenApiJudge:
    """Beyond the description no field may be unknown, since most of its objects allow any."""

    def __init__(self, api: OpenAPI, description: Description, host: str, root: str = "") -> None:
        """`root` is what stands before the paths of the description."""
        self._api = api
        self._description = description
        self._host = host
        self._root = root
        self._paths = _patterns(description["paths"])
        self._shown = frozenset(_names_in_examples(description["paths"]))

    def covers(self, path: str) -> bool:
        """Whether it is the description that must know this path."""
        return path.startswith(self._root)

    def describes(self, path: str, request: httpx.Request, answer: Answer) -> bool:
        """Whether it says anything of such an answer; of a success to what it knows it must."""
        operation = self._operation(path, request)
        if operation is None or answer.media_type == "text/xml":
            return False
        return answer.status < 300 or bool({str(answer.status), "default"} & operation["responses"].keys())

    def request(self, path: str, request: httpx.Request) -> Iterator[str]:
        """What is wrong with a request."""
        try:
            self._api.validate_request(self._checked(path, request))
        except OpenAPIError as error:
            yield _told(error)
            return
        operation = self._operation(path, request)
        if operation and request.content:
            yield from self._unknown(operation["requestBody"], json.loads(request.content))

    def answer(self, path: str, request: httpx.Request, answer: Answer) -> Iterator[str]:
        """What is wrong with an answer."""
        reply = MockResponse(answer.content, answer.status, content_type=answer.media_type)
        try:
            self._api.validate_response(self._checked(path, request), reply)
        except OpenAPIError as error:
            yield _told(error)
            return
        operation = self._operation(path, request)
        if operation and answer.content:
            responses = operation["responses"]
            place = responses.get(str(answer.status)) or responses["default"]
            yield from self._unknown(place, answer.json(), self._shown)

    def _operation(self, path: str, request: httpx.Request) -> Description | None:
        below, method = path.removeprefix(self._root), request.method.lower()
        known = (item[method] for pattern, item in self._paths if method in item and pattern.fullmatch(below))
        return next(known, None)

    def _unknown(self, place: Description, body: Any, shown: frozenset[str] = frozenset()) -> Iterator[str]:
        for kind in resolved(self._description, place).get("content", {}).values():
            for name in unknown_fields(self._description, kind["schema"], body):
                if name.rpartition(".")[2] not in shown:
                    yield f"{name}: is not described"

    def _checked(self, path: str, request: httpx.Request) -> MockRequest:
        return MockRequest(
            self._host,
            request.method,
            path,
            args=dict(request.url.params),
            headers=dict(request.headers),
            data=request.content or None,
            content_type=request.headers.get("content-type", "application/json"),
        )


def _patterns(paths: Description) -> Sequence[tuple[re.Pattern[str], Description]]:
    """The paths as patterns, those with the fewest variables first."""
    ordered = sorted(paths.items(), key=lambda one: one[0].count("{"))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), item) for path, item in ordered]


def _names_in_examples(value: Any, *, inside: bool = False) -> Iterator[str]:
    """The fields that examples of answers show: a vendor may have left them out of his schemas."""
    if isinstance(value, list):
        for one in value:
            yield from _names_in_examples(one, inside=inside)
    elif isinstance(value, dict):
        for name, one in value.items():
            if inside:
                yield name
            yield from _names_in_examples(one, inside=inside or name == "example")


def _told(error: BaseException) -> str:
    """The error with its causes; and what is wrong with which field."""
    cause = error.__cause__
    fields = [f"{list(one.absolute_path)}: {one.message}" for one in getattr(cause, "schema_errors", ())]
    return "; ".join([str(error), *(fields or [_told(cause)] if cause else fields)])
