"""The tables, and how actions are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from benchmarks.__main__ import BEGIN, END, PAGE, report, write_into
from benchmarks.contenders import ALL, BY_NAME
from benchmarks.history import History, actions_of
from benchmarks.measure import Sizes, Turn, Wrong
from benchmarks.rounds import check_same
from benchmarks.table import COLUMNS, contenders_table, ratios_table

TURN = Turn(
    orders_a_second=10,
    p50_ms=100,
    p95_ms=200,
    history=History(events=87, bytes=21_000, actions=15),
    worker_cpu_ms=90,
    server_cpu_ms=80,
    worker_mb=70,
    server_mb=60,
    calls=Counter({"shop-uk order": 2}),
    effects=Counter({"capture": 1}),
)


def test_the_table_has_a_line_for_each_contender_and_all_columns() -> None:
    head, _, *lines = contenders_table([{one.name: TURN for one in ALL}]).splitlines()
    assert [cell.strip() for cell in head.split("|")[2:-1]] == [column.title for column in COLUMNS]
    assert [line.split("|")[1].strip() for line in lines] == [one.title for one in ALL]
    assert "| 10.0 | 100 | 200 | 87 | 21,000 | 15 | 90 | 80 | 70 | 60 |" in lines[0]


def test_what_was_not_measured_is_a_dash() -> None:
    *_, line = contenders_table([{"plain": replace(TURN, history=None, worker_cpu_ms=None)}]).splitlines()
    assert line.endswith("| 10.0 | 100 | 200 | - | - | - | - | 80 | 70 | 60 |")


def test_a_ratio_is_of_one_round_whatever_the_machine_did_in_another() -> None:
    slow = replace(TURN, orders_a_second=1)
    rounds = [
        {"seamline": replace(TURN, orders_a_second=9), "temporal-queues": TURN},
        {"seamline": slow, "temporal-queues": slow},
        {"seamline": replace(TURN, orders_a_second=80), "temporal-queues": replace(TURN, orders_a_second=100)},
    ]
    *_, line = ratios_table(rounds).splitlines()
    assert line.startswith("| Seamline : Temporal by hand, a queue for each system |")
    assert "| 0.90 (0.80 to 1.00) |" in line


def test_a_contender_that_does_less_than_the_others_is_found() -> None:
    with pytest.raises(Wrong, match=r"DBOS on SQLite made other calls .* more \[\], less \['shop-uk order'\]"):
        check_same(BY_NAME["dbos"], replace(TURN, calls=Counter({"shop-uk order": 1})), TURN)


def test_the_page_takes_the_figures_between_its_marks(tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    write_into(page, report([{"plain": TURN}], Sizes(warm=1, alone=2, many=3, at_once=4)))
    text = page.read_text()
    assert text.startswith(f"before\n\n{BEGIN}\n\nMeasured on ")
    assert text.endswith(f"|\n\n{END}\n\nafter\n")
    assert "An order is 2 calls (2 of shop-uk) and 1 effects" in text
    assert "old" not in text
    assert BEGIN in PAGE.read_text()
    assert END in PAGE.read_text()


def _event(kind: str) -> HistoryEvent:
    return HistoryEvent(event_type=EventType.Value(f"EVENT_TYPE_{kind}"))


def test_what_temporal_cloud_bills_is_counted() -> None:
    start, child, timer = map(
        _event, ("WORKFLOW_EXECUTION_STARTED", "START_CHILD_WORKFLOW_EXECUTION_INITIATED", "TIMER_STARTED")
    )
    task, retried = _event("WORKFLOW_TASK_COMPLETED"), _event("ACTIVITY_TASK_STARTED")
    retried.activity_task_started_event_attributes.attempt = 3
    markers = [_event("MARKER_RECORDED") for _ in range(3)]
    for marker, completed in zip(markers, (4, 4, 9), strict=True):
        marker.marker_recorded_event_attributes.workflow_task_completed_event_id = completed
    assert actions_of([start, task, child, timer, retried, *markers]) == 1 + 2 + 1 + 3 + 2


def test_a_child_is_counted_where_it_is_started() -> None:
    started = _event("WORKFLOW_EXECUTION_STARTED")
    started.workflow_execution_started_event_attributes.parent_workflow_execution.workflow_id = "order-to-shipment:a:1"
    assert actions_of([started]) == 0
