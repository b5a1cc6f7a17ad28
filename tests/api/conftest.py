"""The API's tests talk HTTP to the app, over a real Temporal server."""

from tests.servers import client, temporal

__all__ = ["client", "temporal"]
