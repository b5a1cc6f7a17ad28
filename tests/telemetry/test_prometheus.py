"""A real Prometheus: it takes our configuration, its alerts say what they should, and it fetches what we tell.

It is Debian's package `prometheus`, or what PROMETHEUS_BIN names; without it these are left out.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from seamline.child import Child, free_port
from tests.telemetry.collector import SECONDS_MAX
from tests.telemetry.conftest import Watched

HERE = Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
FOLDER = os.environ.get("PROMETHEUS_BIN")
PROMETHEUS, PROMTOOL = (shutil.which(name, path=FOLDER) for name in ("prometheus", "promtool"))
BOUGHT = 'sum by (job) (seamline_step_duration_seconds_count{activity_type="carrier.buy_label",end="done"})'

pytestmark = pytest.mark.skipif(
    not (PROMETHEUS and PROMTOOL), reason="no prometheus here: apt-get install prometheus, or set PROMETHEUS_BIN"
)


@pytest.mark.parametrize(
    "asked",
    [("check", "config", str(DEPLOY / "prometheus.yml")), ("test", "rules", str(HERE / "alerts.yml"))],
    ids=["configuration", "alerts"],
)
async def test_it_takes_what_we_deploy(asked: tuple[str, ...]) -> None:
    process = await asyncio.create_subprocess_exec(
        str(PROMTOOL), *asked, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert b"SUCCESS" in said


@pytest.fixture
async def prometheus(watched: Watched, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Prometheus as we deploy it, told where worker and API are here."""
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    config["global"]["scrape_interval"] = "1s"
    config["rule_files"] = [str(DEPLOY / "alerts.yml")]
    for job, program in zip(config["scrape_configs"], ("worker", "api"), strict=True):
        job["static_configs"] = [{"targets": [f"127.0.0.1:{watched.ports[program]}"]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(PROMETHEUS),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    ]
    child = await Child.start("prometheus", command, tmp_path / "prometheus.log")
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}/api/v1") as http:
            yield http
    finally:
        await child.stop()


async def test_it_fetches_what_worker_and_api_tell(watched: Watched, prometheus: httpx.AsyncClient) -> None:
    await watched.order()
    assert await asked(prometheus, "up") == {"seamline-worker": 1, "seamline-api": 1}
    assert (await asked(prometheus, BOUGHT))["seamline-worker"] >= 1
    taken = 'sum by (job) (http_server_request_duration_seconds_count{http_response_status_code="200"})'
    assert (await asked(prometheus, taken))["seamline-api"] >= 1
    rules = (await prometheus.get("/rules")).raise_for_status().json()["data"]["groups"]
    assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}


async def asked(prometheus: httpx.AsyncClient, query: str) -> dict[str, float]:
    """What a query finds, by job, once it finds both jobs well or anything at all."""
    deadline = time.monotonic() + SECONDS_MAX
    found: dict[str, float] = {}
    while time.monotonic() < deadline:
        found = await _once(prometheus, query)
        if found and all(found.values()) and (query != "up" or len(found) > 1):
            return found
        await asyncio.sleep(0.2)
    raise AssertionError(found)


async def _once(prometheus: httpx.AsyncClient, query: str) -> dict[str, float]:
    try:
        answer = await prometheus.get("/query", params={"query": query})
    except httpx.TransportError:
        return {}  # It is starting.
    if not answer.is_success:
        return {}
    results: list[dict[str, Any]] = answer.json()["data"]["result"]
    return {one["metric"].get("job", ""): float(one["value"][1]) for one in results}
