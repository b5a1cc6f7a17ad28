"""Webhooks as the door hands them to a system's reader."""

from __future__ import annotations

from seamline.records.event import Delivery


def delivery(
    body: bytes = b"", *, headers: dict[str, str] | None = None, query: dict[str, str] | None = None
) -> Delivery:
    """A webhook as the door hands it on."""
    lowered = {name.lower(): value for name, value in (headers or {}).items()}
    return Delivery("https://door.example/webhooks/one", lowered, query or {}, body)
