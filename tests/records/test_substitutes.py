"""What is sent abroad in an article's place is declared as what it is."""

from __future__ import annotations

from seamline.records.customs_rules import customs_of
from seamline.records.shipping_plan import Plan
from seamline.records.shortage import Substitute
from tests.records.test_customs import ABROAD, POLICY, line
from tests.records.test_order import ADDRESS, order, pounds

MUG = line().sku
CHOSEN = {MUG: "TEE-M"}
TEE = Substitute(sku="TEE-M", title="T-shirt", hs_code="610910", origin="PT", value=pounds("9.00"))


def plan_of(**changes: object) -> Plan:
    found = order(**{"address": ABROAD, "lines": (line(),), **changes})
    return Plan(order=found, found=found)


def declared(plan: Plan) -> list[tuple[str, str, str, str]]:
    customs = customs_of(plan.as_sent, plan.part, ABROAD, POLICY)
    return [(one.sku, one.hs_code, one.origin, str(one.value)) for one in customs.lines] if customs else []


def test_what_nobody_told_is_asked_by_its_place() -> None:
    plan = plan_of()
    goods = plan.known_of(CHOSEN)
    fields = [one.field for one in plan.substituted(CHOSEN, goods).undeclared(goods, POLICY)]
    assert fields == ["goods.0.hs_code", "goods.0.origin"]
    assert goods[0].value == line().worth


def test_it_is_declared_by_its_own_code_origin_and_value() -> None:
    plan = plan_of().substituted(CHOSEN, [TEE])
    assert plan.undeclared([TEE], POLICY) == []
    assert declared(plan) == [("TEE-M", "610910", "PT", "18.00 GBP")]
    again = plan.substituted({"TEE-M": "TEE-L"}, [TEE.model_copy(update={"sku": "TEE-L", "origin": "TR"})])
    assert [one[:3] for one in declared(again)] == [("TEE-L", "610910", "TR")]


def test_what_the_order_has_too_is_known() -> None:
    tee = line(id="L2", sku="TEE-M", hs_code="610910", origin="PT", title="T-shirt")
    (known,) = plan_of(lines=(line(), tee)).known_of(CHOSEN)
    assert (known.hs_code, known.origin, known.title, known.value) == ("610910", "PT", "T-shirt", tee.worth)


def test_at_home_nothing_is_asked_nor_of_goods_that_were_asked_about_before() -> None:
    home = plan_of(address=ADDRESS)
    goods = home.known_of(CHOSEN)
    assert home.substituted(CHOSEN, goods).undeclared(goods, POLICY) == []
    accepted = plan_of(lines=(line(origin=""),))
    assert accepted.undeclared([TEE], POLICY) == []
