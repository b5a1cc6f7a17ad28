"""One order is one trace: its webhook, its process, each step, each call to a system; whatever is restarted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from seamline.process.view import View
from tests.telemetry.collector import Collector, Seen
from tests.telemetry.conftest import Watched

DOOR, START = "POST /webhooks/{connection}", "StartWorkflow:order-to-shipment"

DOOR_TELLS = {
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "seamline.connection",
    "seamline.event",
}
"""Not the path, nor the query: some vendors put their webhook's token there."""


async def test_an_order_is_one_trace_though_the_worker_dies_meanwhile(watched: Watched) -> None:
    await watched.change("settings", {"autopilot": False})
    reference = await watched.order()
    identity = f"order-to-shipment:{reference}"
    watched.collector.until(lambda it: _named(_trace(it, identity), "RunActivity:inventory.packed"))
    await watched.local.worker.child.kill()  # type: ignore[union-attr]
    await watched.local.start_worker()
    await watched.change("settings", {"autopilot": True})
    await _release(watched, reference)
    for process in ("order-to-shipment", "follow-parcel"):
        await watched.handle(process, reference).result()
    watched.collector.until(lambda it: _named(_trace(it, identity), "CompleteWorkflow:follow-parcel"))
    trace = _trace(watched.collector, identity)
    by_id = {span.id: span for span in trace}

    (door,) = _named(trace, DOOR)
    assert (door.parent, door.service, door.attributes["seamline.connection"]) == ("", "seamline-api", "shop-uk")
    (start,) = _named(trace, START)
    assert set(door.attributes) == DOOR_TELLS
    assert (start.parent, start.attributes["temporalWorkflowID"]) == (door.id, identity)
    assert {span.trace for span in trace} == {door.trace}

    for span in trace:
        kind, _, what = span.name.partition(":")
        above = by_id[span.parent].name if span.parent else ""
        if kind == "RunActivity":
            assert above == f"StartActivity:{what}"
        elif kind.startswith(("POST ", "GET ", "PUT ", "SMTP ")) and span is not door:
            assert above.startswith("RunActivity:"), span
        elif kind in ("RunWorkflow", "StartActivity", "StartChildWorkflow", "CompleteWorkflow"):
            assert above.startswith(("StartWorkflow:", "StartChildWorkflow:"))
            assert span.nanoseconds == 0

    history = await watched.handle("order-to-shipment", reference).fetch_history()
    scheduled = Counter(
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    )
    issued = Counter(span.name for span in trace if span.attributes.get("temporalWorkflowID") == identity)
    assert {name: issued[f"StartActivity:{name}"] for name in scheduled} == scheduled

    view = View.model_validate(await watched.handle("order-to-shipment", reference).query("view"))
    steps = {name.partition(".")[2].replace("_", "-") for name in issued if name.startswith("StartActivity:")}
    assert steps == {step.name for step in view.steps}

    started = {span.name.partition(":")[2] for span in trace if span.name.startswith("StartActivity:")}
    called = {by_id[span.parent].name for span in trace if "seamline.operation" in span.attributes}
    assert called == {f"RunActivity:{name}" for name in started}

    # What systems tell meanwhile comes by traces of their own, which the process's trace links to.
    others = {span.trace for span in _named(watched.collector.spans, DOOR)} - {door.trace}
    heard = [link for span in _named(trace, "HandleSignal:happened") for link in span.links]
    assert heard
    assert set(heard) <= others

    told = [line for line in _lines(watched.log("api")) if line["event"] == "webhook" and line["started"]]
    assert [line["trace_id"] for line in told if line["workflow_id"] == identity] == [door.trace]
    assert _lines(watched.log("worker"))


async def test_a_callers_trace_goes_on_and_a_strangers_does_not(watched: Watched) -> None:
    api, trace, above = watched.local.running.api, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    named = {"traceparent": f"00-{trace}-{above}-01"}
    before = {span.id for span in watched.collector.spans}
    await watched.http.post(f"{api}/processes/order-to-shipment", json={"reference": "shop-uk"}, headers=named)
    await watched.http.post(f"{api}/webhooks/nobody", json={}, headers=named)

    def answered(status: int) -> Callable[[Collector], list[Seen]]:
        wanted = {"http.response.status_code": status}.items()
        return lambda it: [one for one in it.spans if one.id not in before and wanted <= one.attributes.items()]

    (started,) = watched.collector.until(answered(422))
    assert (started.name, started.trace, started.parent) == ("POST /processes/{process}", trace, above)
    (refused,) = watched.collector.until(answered(404))
    assert (refused.name, refused.parent) == (DOOR, "")
    assert refused.trace != trace


def _lines(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines()]


def _trace(collector: Collector, identity: str) -> Sequence[Seen]:
    """The spans of the trace in which the process runs."""
    traces = {
        span.trace
        for span in collector.spans
        if span.name.startswith("RunWorkflow:") and span.attributes["temporalWorkflowID"] == identity
    }
    return [span for span in collector.spans if span.trace in traces]


def _named(spans: Sequence[Seen], name: str) -> Sequence[Seen]:
    return [span for span in spans if span.name == name]


async def _release(watched: Watched, reference: str) -> None:
    effects = await watched.http.get(
        f"{watched.local.running.simulator}/_simulator/effects", params={"reference": reference}
    )
    (shipment,) = {one["object_id"] for one in effects.json() if one["operation"] == "reserve"}
    await watched.post(f"warehouse/erp-main/shipments/{shipment}", {"state": "done"})
