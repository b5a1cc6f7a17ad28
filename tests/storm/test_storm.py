"""A short storm that must be green, and one with blind searches that must be red."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storm.plan import make_plan
from tests.storm.storm import run_storm

SEED = 3
ORDERS = 15
BLIND_ORDERS, BLIND_SETTLE_SECONDS_MAX = 12, 4
SETTLE_SECONDS_MAX = 60


def test_a_seed_decides_everything() -> None:
    assert make_plan(7, 50) == make_plan(7, 50)
    assert make_plan(7, 50) != make_plan(8, 50)


@pytest.mark.timeout(300)
async def test_the_promises_hold_in_a_short_storm(tmp_path: Path) -> None:
    report = await run_storm(make_plan(SEED, ORDERS), tmp_path, settle_seconds_max=SETTLE_SECONDS_MAX)
    assert report.judgement.findings == []
    assert report.figures.kills.keys() == {"Temporal", "simulator", "api", "worker", "worker-2"}
    assert report.figures.faults.total() > 0


@pytest.mark.timeout(300)
async def test_a_storm_with_blind_searches_is_red(tmp_path: Path) -> None:
    plan = make_plan(SEED, BLIND_ORDERS)
    report = await run_storm(plan, tmp_path, settle_seconds_max=BLIND_SETTLE_SECONDS_MAX, blind=True)
    assert {"twice", "left-over"} & {one.rule for one in report.judgement.findings}
    assert (tmp_path / "findings.json").exists()
