"""Each rule of the checker, seen green and red."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from seamline.simulator.checker import Effect, Process, Verdict, check, report

ORDER = "shop-uk:5001"
_SYSTEMS = {
    "reserve": ("erp-main", "tryton"),
    "release": ("erp-main", "tryton"),
    "ship": ("erp-main", "tryton"),
    "post-fulfilment": ("shop-uk", "shopify"),
    "cancel-fulfilment": ("shop-uk", "shopify"),
    "send-mail": ("mail-main", "smtp"),
}
_numbers = count(1)


def effect(operation: str, object_id: str = "", **fields: Any) -> Effect:
    connection, system = _SYSTEMS.get(operation, ("shippo-main", "shippo"))
    money = {"amount": "3.35", "currency": "GBP"} if system == "shippo" else {}
    return Effect.model_validate(
        {
            "id": next(_numbers),
            "connection": connection,
            "system": system,
            "operation": operation,
            "reference": ORDER,
            "key": f"{ORDER}/{operation}#1",
            "object_id": object_id or f"{operation}-1",
        }
        | money
        | fields
    )


def completed(reference: str = ORDER, prefix: str = "") -> list[Effect]:
    """What a plain order leaves behind."""
    operations = ("reserve", "buy-label", "ship", "post-fulfilment", "send-mail")
    return [
        effect(name, f"{prefix}{name}-1", reference=reference, key=f"{reference}/{name}#1" if name != "ship" else "")
        for name in operations
    ]


def undone() -> list[Effect]:
    """What an order leaves behind that was taken back after its label was bought."""
    return [
        effect("reserve", "S1"),
        effect("buy-label", "T1"),
        effect("release", "S1", undoes="S1"),
        effect("request-refund", "R1", undoes="T1"),
    ]


def ran(status: str = "COMPLETED", kind: str | None = "completed", process: str = "order-to-shipment") -> Process:
    return Process(id=f"{process}:{ORDER}", status=status, result={"kind": kind, "reason": ""} if kind else None)


def rules(verdict: Verdict) -> set[str]:
    assert verdict.ok is not bool(verdict.findings)
    return {finding.rule for finding in verdict.findings}


REFUND = effect("refund", "R1", undoes="T1", id=10_000)
REJECTED = effect("refund-rejected", "R1", undoes="R1", id=10_001)
TOLD = [
    effect("tell-team", "1", reference="", key="", connection="chat-main", system="slack"),
    effect("send-mail", "<notice@seamline>", reference="", key="notices/run#1"),
]


def replaced() -> list[Effect]:
    """A completed order whose first label gave way to another."""
    first = [effect("buy-label", "T0", key="shop-uk:5001/buy-label#1", amount="5.00", id=9_000)]
    return [*first, effect("request-refund", "R1", undoes="T0", id=9_001), *completed()]


@pytest.mark.parametrize(
    ("effects", "process"),
    [
        (completed(), ran()),
        ([*completed(), *TOLD], ran()),
        (undone(), ran(kind="undone")),
        (undone(), ran("CANCELED", None)),
        ([*undone(), REFUND], ran(kind="undone")),
        ([], ran(kind="ignored")),
        ([], ran("FAILED", None)),
        (undone(), ran("TERMINATED", None)),
        (completed()[:2], ran("RUNNING", None)),
        (completed(), ran("RUNNING", None, "follow-parcel")),
        # A label taken back and bought again, stock released and reserved again, a mail that left twice.
        ([effect("buy-label", "T0"), effect("request-refund", "R0", undoes="T0"), *completed()], ran()),
        ([effect("reserve"), effect("release", undoes="reserve-1"), *completed()], ran()),
        ([*completed(), effect("send-mail")], ran()),
    ],
)
def test_green(effects: list[Effect], process: Process) -> None:
    verdict = check(effects, [process])
    assert verdict.ok, report(verdict)


@pytest.mark.parametrize(
    ("rule", "effects", "process"),
    [
        ("twice", [*completed(), effect("reserve", "S2")], ran("RUNNING", None)),
        ("twice", [*completed(), effect("buy-label", "T2")], ran("RUNNING", None)),
        ("twice", [*completed(), effect("buy-label", "T2", key=f"{ORDER}/buy-label#2")], ran("RUNNING", None)),
        ("twice", [*completed(), effect("post-fulfilment", "F2")], ran("RUNNING", None)),
        ("count", completed()[1:], ran()),
        ("count", [e for e in completed() if e.operation != "ship"], ran()),
        ("count", completed()[:-1], ran()),
        ("count", [], ran()),
        ("count", [*completed(), effect("send-mail", "<other@seamline>")], ran()),
        ("count", [*completed(), effect("post-fulfilment", "F2", key="")], ran()),
        ("left-over", undone()[:3], ran(kind="undone")),
        ("left-over", undone()[:2] + undone()[3:], ran("CANCELED", None)),
        ("rejected-untold", [*replaced(), REJECTED], ran()),
        ("ignored-acted", undone(), ran(kind="ignored")),
        ("failed-with-effects", completed(), ran("FAILED", None)),
        ("failed-with-effects", completed()[:1], ran("TERMINATED", None)),
        ("failed-with-effects", completed()[:1], ran("TIMED_OUT", None)),
        ("failed-with-effects", completed(), ran("FAILED", None, "follow-parcel")),
        ("no-process", completed("shop-uk:5002", "other-"), ran("RUNNING", None)),
        ("no-process", [effect("buy-label", reference="", key="")], ran("RUNNING", None)),
        ("no-process", [effect("send-mail", reference="", key="")], ran("RUNNING", None)),
        ("over-refunded", [*undone(), REFUND, effect("refund", "R2", undoes="T1", id=10_002)], ran(kind="undone")),
        ("undone-nothing", [effect("release", undoes="S1")], ran(kind="undone")),
        ("undone-nothing", [*undone(), effect("release", undoes="S1")], ran(kind="undone")),
        ("undone-nothing", [effect("refund-rejected", "R1", undoes="R1")], ran(kind="undone")),
        ("unreadable", [], ran(kind="finished")),
        ("unreadable", [], Process(id=f"order-to-shipment:{ORDER}", status="COMPLETED", result="done")),
    ],
)
def test_red(rule: str, effects: list[Effect], process: Process) -> None:
    verdict = check(effects, [process])
    assert rule in rules(verdict), report(verdict)
    assert "RED" in report(verdict)


def test_releasing_what_was_shipped_does_not_take_the_shipment_back() -> None:
    shipped = [effect("reserve", "S1"), effect("ship", "S1", key=""), effect("release", "S1", undoes="S1")]
    (finding,) = check(shipped, [ran(kind="undone")]).findings
    assert finding.detail == "ship S1 at erp-main"


def test_a_second_parcel_has_effects_of_its_own() -> None:
    second = [
        effect(name, f"second-{name}", reference=f"{ORDER}.2", key=f"{ORDER}.2/{name}#1")
        for name in ("reserve", "buy-label", "ship")
    ]
    told = [effect("post-fulfilment", "F2", key=""), effect("send-mail", "<second@seamline>", key=f"{ORDER}.2/mail#1")]
    assert check([*completed(), *second, *told], [ran()]).ok
    assert rules(check([*completed(), *second[1:], *told], [ran()])) == {"count"}


def test_what_is_not_over_is_red_only_when_everything_should_be() -> None:
    running, pending = ran("RUNNING", None), undone()
    assert check([], [running]).unsettled == [running.id]
    assert check([], [running]).ok
    assert rules(check([], [running], settled=True)) == {"unsettled"}

    verdict = check(pending, [ran(kind="undone")])
    assert [(money.object_id, str(money.amount), money.currency) for money in verdict.pending] == [
        ("T1", "3.35", "GBP")
    ]
    assert rules(check(pending, [ran(kind="undone")], settled=True)) == {"money-pending"}
    assert check([*pending, REFUND], [ran(kind="undone")], settled=True).ok


def test_the_report_counts_per_system() -> None:
    verdict = check(completed(), [ran()])
    assert verdict.counts["shippo"] == {"buy-label": 1}
    assert verdict.processes == {"completed": 1}
    assert "GREEN" in report(verdict)
