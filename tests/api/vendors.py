"""What vendors send to the door."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid

SECRET = "webhook-secret"


def number() -> int:
    """An order's number that no other test uses."""
    return uuid.uuid4().int % 10**12


def signed(body: bytes, topic: str = "orders/paid") -> dict[str, str]:
    """Shopify's headers of a webhook."""
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    return {"X-Shopify-Hmac-SHA256": base64.b64encode(digest).decode(), "X-Shopify-Topic": topic}
