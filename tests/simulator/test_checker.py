"""Each rule of the checker, seen green and red."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from seamline.simulator.checker import Verdict, check, report
from seamline.simulator.checker_ledger import Effect
from seamline.simulator.checker_money import Authorization
from seamline.simulator.checker_orders import Unsent
from seamline.simulator.checker_process import Process

ORDER = "shop-uk:5001"
_SYSTEMS = {
    "reserve": ("erp-main", "tryton"),
    "release": ("erp-main", "tryton"),
    "ship": ("erp-main", "tryton"),
    "post-fulfilment": ("shop-uk", "shopify"),
    "cancel-fulfilment": ("shop-uk", "shopify"),
    "send-mail": ("mail-main", "smtp"),
    "hold": ("shop-uk", "shopify"),
    "release-hold": ("shop-uk", "shopify"),
    "cancel-order": ("shop-uk", "shopify"),
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
        ([], ran(kind="observed")),
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
        ("observed-acted", undone(), ran(kind="observed")),
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


def second_part() -> list[Effect]:
    """What the second part of an order leaves behind; the shop is told under the order's reference."""
    own = [
        effect(name, f"second-{name}", reference=f"{ORDER}.2", key=f"{ORDER}.2/{name}#1")
        for name in ("reserve", "buy-label", "ship", "send-mail")
    ]
    return [*own, effect("post-fulfilment", "F2", key="")]


def part(status: str = "COMPLETED", kind: str | None = "completed", **told: Any) -> Process:
    """The process of that part."""
    result = {"kind": kind, "reason": "", "result": told} if kind else None
    return Process(id=f"order-to-shipment:{ORDER}.2", status=status, result=result)


def test_each_part_of_an_order_has_effects_of_its_own() -> None:
    both = [*completed(), *second_part()]
    assert check(both, [ran(), part()]).ok
    assert rules(check(both, [ran()])) == {"no-process", "count"}
    for lacking in range(len(second_part())):
        less = [*completed(), *(one for place, one in enumerate(second_part()) if place != lacking)]
        assert rules(check(less, [ran(), part()])) == {"count"}
    assert rules(check([*both, effect("post-fulfilment", "F3", key="")], [ran(), part()])) == {"count"}
    assert check(both, [ran(), part("RUNNING", None)]).ok
    assert rules(check(both, [ran(), part("CANCELED", None)])) == {"count", "left-over"}
    assert rules(check([*completed(), second_part()[0]], [ran(), part(kind="ignored")])) == {"ignored-acted"}


def test_what_people_fulfilled_of_an_order_in_parts_is_theirs() -> None:
    by_hand = effect("post-fulfilment-by-hand", "F9", connection="shop-uk", system="shopify", key="")
    both_undone = [ran(kind="undone"), part(kind="undone")]
    assert check([*undone(), by_hand], both_undone).ok
    assert rules(check([*undone(), effect("post-fulfilment", "F9", key="")], both_undone)) == {"count"}
    second = [*second_part()[:-1], by_hand]
    assert check([*completed(), *second], [ran(), part()]).ok
    assert rules(check([*completed(), *second_part(), effect("post-fulfilment", "F3", key="")], [ran(), part()])) == {
        "count"
    }


def test_the_payment_of_an_order_in_parts_stands_while_one_of_them_ships() -> None:
    both = [*completed(), *second_part(), money("capture")]
    assert check(both, [ran(), part()], [kept("19.45")]).ok
    held = second_part()[0]
    back = effect("release", "second-reserve", reference=f"{ORDER}.2", undoes="second-reserve")
    taken = [*completed(), held, back, money("capture")]
    assert check(taken, [ran(), part("CANCELED", None)], [kept("19.45")]).ok
    refunded = [*taken, money("refund-payment", "R1", undoes="C1")]
    assert rules(check(refunded, [ran(), part("CANCELED", None)], [kept("19.45")])) == {"money"}
    assert rules(check([*taken, money("capture", "C2")], [ran(), part("CANCELED", None)], [kept("19.45")])) >= {"twice"}


def test_there_are_as_many_labels_as_parcels() -> None:
    packed = [effect("pack-parcel", f"package-{number}", connection="erp-main", system="tryton") for number in (1, 2)]
    second = effect("buy-label", "T2", key=f"{ORDER}/buy-label#2")
    others: dict[str, Any] = {"kind": "completed", "result": {"others": [{"label_id": "T2"}]}}
    told = Process(id=f"order-to-shipment:{ORDER}", status="COMPLETED", result=others)
    assert check([*completed(), *packed, second], [ran()]).ok
    assert check([*completed(), *packed, second], [ran("RUNNING", None)]).ok
    assert check([*completed(), second], [told]).ok
    assert rules(check([*completed(), *packed], [ran()])) == {"count"}
    assert rules(check([*completed(), second], [ran()])) == {"count", "twice"}
    assert rules(check(completed(), [told])) == {"count"}
    unpacked = [effect("unpack-parcel", one.object_id, connection="erp-main", undoes=one.object_id) for one in packed]
    assert check([*undone(), *packed, *unpacked], [ran(kind="undone")]).ok
    assert rules(check([*undone(), *packed], [ran(kind="undone")])) == {"left-over"}


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


# ---- money, holds, cancelled orders -------------------------------------------------------------------------------


def money(operation: str, object_id: str = "C1", amount: str = "19.45", undoes: str | None = None) -> Effect:
    """An entry about the customer's payment."""
    shop = {"connection": "shop-uk", "system": "shopify", "key": "", "amount": amount, "currency": "GBP"}
    return effect(operation, object_id, undoes=undoes, **shop)


def kept(*totals: str, sold: str = "0") -> Authorization:
    """What the customer let be kept for the order."""
    values = {"reference": ORDER, "amount": totals[0], "sold": sold, "currency": "GBP", "totals": totals}
    return Authorization.model_validate(values)


def paid(*entries: Effect, order: Authorization | None = None, ending: str = "completed") -> Verdict:
    """The verdict on an authorised order with these entries about its payment."""
    effects = [*completed(), *entries] if ending == "completed" else [*undone(), *entries]
    return check(effects, [ran(kind=ending)], [order or kept("19.45")])


def test_money_of_a_completed_order_is_captured_whoever_did_it() -> None:
    for operation in ("capture", "capture-by-hand", "capture-by-shop"):
        assert paid(money(operation)).ok
    assert paid(money("capture"), money("refund-by-hand", "R", "5.00", undoes="C1")).ok
    assert paid(money("capture", amount="10.00"), order=kept("19.45", "10.00")).ok
    assert paid(money("capture", amount="14.45"), order=kept("19.45", sold="5.00")).ok
    assert check(completed(), [ran()]).ok


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [money("capture", amount="19.44")],
        [money("capture"), money("refund-payment", "R", undoes="C1")],
        [money("capture"), money("refund-payment", "R", "0.01", undoes="C1")],
    ],
)
def test_money_that_does_not_fit_the_order(entries: list[Effect]) -> None:
    assert rules(paid(*entries)) == {"money"}


@pytest.mark.parametrize("second", ["capture", "capture-by-hand", "capture-by-shop"])
def test_two_captures_of_one_order(second: str) -> None:
    assert "twice" in rules(paid(money("capture"), money(second, "C2")))
    again = [money("capture"), money("refund-payment", "R", undoes="C1"), money("capture", "C2")]
    assert check([*completed(), *again], [ran("RUNNING", None)]).ok


@pytest.mark.parametrize(
    ("taken", "back", "findings"),
    [
        ("capture", [("refund-payment", "19.45")], set()),
        ("capture", [("refund-by-hand", "9.45"), ("refund-payment", "10.00")], set()),
        ("capture", [("refund-by-shop", "19.45")], set()),
        ("capture-by-hand", [], set()),
        ("capture", [], {"left-over"}),
        ("capture", [("refund-by-hand", "9.45")], {"left-over"}),
    ],
)
def test_an_undone_order_keeps_no_money_that_we_took(
    taken: str, back: list[tuple[str, str]], findings: set[str]
) -> None:
    entries = [money(taken), *(money(name, f"R{name}", amount, undoes="C1") for name, amount in back)]
    assert rules(paid(*entries, ending="undone")) == findings
    failed = rules(check(entries, [ran("TERMINATED", None)]))
    assert failed == ({"failed-with-effects"} if findings else set())


def test_a_refund_under_way_is_pending_until_it_is_settled() -> None:
    asked = [money("capture"), money("request-payment-refund", "R", undoes="C1")]
    (pending,) = check(asked, [ran(kind="undone")]).pending
    assert (pending.object_id, str(pending.amount)) == ("C1", "19.45")
    assert rules(check(asked, [ran(kind="undone")], settled=True)) == {"money-pending"}
    arrived = [*asked, money("refund-payment", "R", undoes="C1")]
    assert check(arrived, [ran(kind="undone")], settled=True).ok
    sent_back = [*asked, money("payment-refund-rejected", "R", undoes="C1")]
    assert rules(check(sent_back, [ran(kind="undone")])) == {"left-over"}


def test_more_given_back_than_taken_and_what_was_never_taken() -> None:
    twice = [money("capture"), money("refund-payment", "R", undoes="C1"), money("refund-payment", "R2", undoes="C1")]
    assert rules(check(twice, [ran(kind="undone")])) == {"over-refunded"}
    assert rules(check([money("refund-payment", undoes="C9")], [ran(kind="undone")])) == {"undone-nothing"}
    assert check([money("refund-by-shop", undoes="S1")], [ran(kind="undone")]).ok


def test_what_others_do_is_no_effect_of_a_process() -> None:
    by_hand = [money("capture-by-hand"), money("refund-by-hand", "R", undoes="C1")]
    assert check(by_hand, []).ok
    assert check(by_hand, [ran(kind="ignored")]).ok
    assert rules(check([money("capture")], [])) == {"no-process"}
    assert rules(check([money("capture")], [ran(kind="ignored")])) == {"ignored-acted"}
    assert check(by_hand, []).counts["shopify"] == {"capture-by-hand": 1, "refund-by-hand": 1}


@pytest.mark.parametrize("status", ["RUNNING", "CANCELED", "COMPLETED"])
def test_what_only_observes_has_written_nothing_however_it_ended(status: str) -> None:
    watching = ran(status, "undone").model_copy(update={"observes": True})
    assert check([], [watching]).ok
    assert "observed-acted" in rules(check(undone(), [watching]))
    other_part = [effect("reserve", "S9", reference=f"{ORDER}.2", key=f"{ORDER}.2/reserve#1")]
    assert "observed-acted" in rules(check(other_part, [watching]))
    by_hand = [effect("post-fulfilment-by-hand", "F9", connection="shop-uk", system="shopify", key="")]
    assert check(by_hand, [watching]).ok


def test_what_only_observes_never_completes() -> None:
    assert "observed-acted" in rules(check(completed(), [ran().model_copy(update={"observes": True})]))


def test_where_others_buy_the_labels_we_buy_none() -> None:
    told = {"tracking_number": "THEIRS1", "label_id": "THEIRS1", "message_id": "M1"}
    by_hand = [f"{ORDER}/buy-label#1"]
    theirs = ran().model_copy(update={"result": {"kind": "completed", "by_hand": by_hand, "result": told}})
    without = [one for one in completed() if one.operation != "buy-label"]
    assert check(without, [theirs]).ok
    assert rules(check(completed(), [theirs])) == {"left-over"}


def test_a_hold_does_not_outlive_its_process() -> None:
    hold, release = effect("hold", "H1"), effect("release-hold", "H1", undoes="H1")
    assert check([*completed(), hold, release], [ran()]).ok
    assert rules(check([*completed(), hold], [ran()])) == {"left-over"}
    assert rules(check([*undone(), hold], [ran(kind="undone")])) == {"left-over"}
    assert check([hold, effect("hold", "H2")], [ran("RUNNING", None)]).ok


def test_a_cancelled_order_stays_cancelled_when_its_process_is_undone() -> None:
    cancelled = effect("cancel-order", "O1")
    assert check([*undone(), cancelled], [ran(kind="undone")]).ok
    assert rules(check([*completed(), cancelled], [ran()])) == {"count"}


def test_what_staff_did_by_hand_is_not_missed_and_all_else_is() -> None:
    effects = [one for one in completed() if one.operation not in ("post-fulfilment", "send-mail")]
    by_hand = [f"{ORDER}/post-fulfilment#1", f"{ORDER}/send-shipped#1"]
    process = Process(
        id=f"order-to-shipment:{ORDER}", status="COMPLETED", result={"kind": "completed", "by_hand": by_hand}
    )
    assert check(effects, [process]).ok
    assert rules(check(effects[1:], [process])) == {"count"}


def test_a_fulfilment_that_staff_posted_stands_for_ours_and_not_beside_it() -> None:
    by_hand = effect("post-fulfilment-by-hand", "F9", connection="shop-uk", system="shopify", key="")
    told_by_them = [one for one in completed() if one.operation != "post-fulfilment"]
    assert rules(check([*told_by_them, by_hand], [ran()])) == set()
    assert rules(check(told_by_them, [ran()])) == {"count"}
    assert rules(check([*completed(), by_hand], [ran()])) == {"count"}


def test_nothing_is_done_for_an_order_that_others_hold_until_they_release_it() -> None:
    release = effect("release-by-hand", "O1", connection="shop-uk", system="shopify", key="", id=1)
    hold = effect("hold-by-hand", "O1", connection="shop-uk", system="shopify", key="", id=2)
    assert check([release, hold, *completed()], [ran()]).ok
    late = release.model_copy(update={"id": 20_000})
    assert rules(check([*completed(), late], [ran()])) == {"held"}
    assert check([hold.model_copy(update={"id": 19_999}), late, *completed()], [ran()]).ok


def test_what_is_done_with_has_nothing_left_to_send() -> None:
    left = [Unsent(reference=ORDER, pieces=1)]
    assert rules(check(completed(), [ran()], unsent=left, settled=True)) == {"unshipped"}
    assert check(completed(), [ran()], unsent=left).ok
    both = [*completed(), *second_part()]
    assert rules(check(both, [ran(), part()], unsent=left, settled=True)) == {"unshipped"}
    taken_back = [*completed(), *(one for one in undone() if one.reference != ORDER)]
    assert check(taken_back, [ran(), part("CANCELED", None)], unsent=left, settled=True).ok
    told = ran().model_copy(update={"result": {"kind": "completed", "manual": ["changed in the shop: see to it"]}})
    assert check(completed(), [told], unsent=left, settled=True).ok


def test_a_label_that_a_parcel_travels_with_stands_though_its_refund_was_rejected() -> None:
    asked = effect("request-refund", "R1", undoes="buy-label-1", id=10_002)
    entries = [*completed(), asked, REJECTED.model_copy(update={"id": 10_003})]
    used = Process(
        id=f"order-to-shipment:{ORDER}",
        status="COMPLETED",
        result={"kind": "completed", "result": {"label_id": "buy-label-1"}},
    )
    assert check(entries, [used]).ok
    assert rules(check(entries, [ran()])) == {"count", "rejected-untold"}
