"""The worker's tests run on a real server."""

from tests.servers import client, temporal

__all__ = ["client", "temporal"]
