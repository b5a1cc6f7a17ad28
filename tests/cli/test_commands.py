"""Each command does what it says, and says what went wrong, against a real Temporal and simulated systems."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from seamline.child import free_port
from seamline.local import Running
from tests.cli.conftest import Command, Said, until
from tests.conftest import binary

Order = Callable[..., str]
BAD_POSTCODE = {"address": {"zip": "ZZ9 9ZZ"}}


def shown(seamline: Command, process: str, status: str) -> Said:
    """`show` once the process is in this state."""

    def look() -> Said | None:
        said = seamline("show", process, "--json")
        return said if said.code == 0 and said.data["status"] == status else None

    return until(look)  # type: ignore[no-any-return]


def waiting(seamline: Command, order: Order) -> str:
    """A process that waits for a postcode."""
    reference = order(**BAD_POSTCODE)
    shown(seamline, reference, "waiting")
    return reference


def test_an_order_in_the_shop_becomes_a_process_that_completes(seamline: Command, order: Order) -> None:
    reference = order()
    view = shown(seamline, reference, "completed").data["view"]
    assert view["outcome"]["kind"] == "completed"
    assert [step["state"] for step in view["steps"]] == ["done"] * len(view["steps"])
    for_people = seamline("show", reference).out
    assert f"order-to-shipment:{reference}" in for_people
    assert "Buy the label" in for_people
    listed = seamline("list", "--reference", reference, "--json").data
    assert {one["id"] for one in listed} == {f"order-to-shipment:{reference}", f"follow-parcel:{reference}"}


def test_starting_twice_starts_once(seamline: Command, order: Order) -> None:
    reference = order(financial_status="PAID", test=True)
    first = seamline("start", "order-to-shipment", reference)
    again = seamline("start", "order-to-shipment", reference, "--json")
    assert (first.code, again.code) == (0, 0)
    assert again.data["id"] == f"order-to-shipment:{reference}"
    assert again.data["started"] is False
    shown(seamline, reference, "ignored")


def test_what_waits_is_listed_shown_with_its_commands_and_amended(seamline: Command, order: Order) -> None:
    reference = waiting(seamline, order)
    [listed] = seamline("list", "--status", "waiting", "--reference", reference, "--json").data
    assert listed["team"] == "operations"
    assert listed["cause"] == "shippo-main refusal address-invalid"
    for_people = seamline("show", reference).out
    assert f"seamline amend order-to-shipment:{reference} check-address#1 postcode=NEW" in for_people
    assert f"temporal workflow signal --workflow-id order-to-shipment:{reference}" in for_people

    wrong = seamline("amend", reference, "check-address#1", "postcoed=BS1 6XN")
    assert wrong.code == 1
    assert "change.postcoed is no field here" in wrong.err

    right = seamline(
        "amend", reference, "check-address#1", "postcode=BS1 6XN", "--why", "asked", "--who", "Ada", "--json"
    )
    assert (right.code, right.data["who"], right.data["verified"]) == (0, "Ada", True)
    view = shown(seamline, reference, "completed").data["view"]
    assert view["decisions"][0]["why"] == "asked"

    late = seamline("retry", reference, "check-address#1")
    assert late.code == 1
    assert "has ended" in late.err


def test_a_text_that_looks_like_a_number_stays_text_where_text_belongs(seamline: Command, order: Order) -> None:
    reference = waiting(seamline, order)
    assert seamline("amend", reference, "check-address#1", "postcode=12345").code == 0

    def waits_again() -> bool:
        waits = shown(seamline, reference, "waiting").data["view"]["waits"]
        return [one["request"]["postcode"] for one in waits if one["name"] == "check-address#2"] == ["12345"]

    assert until(waits_again)


def test_a_field_inside_a_list_is_amended_by_its_place(seamline: Command, order: Order) -> None:
    reference = order(lines=[{"sku": ""}])
    [wait] = shown(seamline, reference, "waiting").data["view"]["waits"]
    field = "fulfilment_orders.0.lines.0.sku"
    assert field in [problem["field"] for problem in wait["problems"]]
    said = seamline("amend", reference, wait["name"], f"{field}=12345", "lines.0.sku=12345")
    assert said.code == 0, said.err


def test_a_step_is_skipped_with_its_result(seamline: Command, order: Order) -> None:
    reference = waiting(seamline, order)
    request = shown(seamline, reference, "waiting").data["view"]["waits"][0]["request"]
    refused = seamline("skip", reference, "check-address#1", "--result", "{}")
    assert refused.code == 1
    assert "result.address" in refused.err
    taken = seamline("skip", reference, "check-address#1", "--result", json.dumps({"address": request}))
    assert taken.code == 0
    steps = shown(seamline, reference, "waiting").data["view"]["steps"]
    assert steps[1]["state"] == "skipped"


def test_cancelling_takes_back_and_answers_a_wait(seamline: Command, order: Order) -> None:
    by_request, by_answer = waiting(seamline, order), waiting(seamline, order)
    assert "cancel requested" in seamline("cancel", by_request, "--why", "customer asked").out
    assert seamline("cancel", by_answer, "check-address#1", "--json").data["action"] == "cancel"
    for reference in (by_request, by_answer):
        assert shown(seamline, reference, "undone").data["closed"]


def test_an_approval_is_given_and_refused(seamline: Command, order: Order) -> None:
    given, refused = order(risk="INVESTIGATE"), order(risk="CANCEL")
    for reference in (given, refused):
        (wait,) = shown(seamline, reference, "waiting").data["view"]["waits"]
        assert wait["actions"] == ["approve", "reject", "cancel"]
        assert f"due {wait['due'][:10]}" in seamline("show", reference).out
    assert "why is missing" in seamline("reject", refused, "risk#1").err
    assert seamline("reject", refused, "risk#1", "--why", "a stolen card").code == 0
    assert seamline("approve", given, "risk#1", "--why", "a known customer").code == 0
    assert shown(seamline, given, "completed").data["view"]["decisions"][0]["verified"]
    assert shown(seamline, refused, "undone").data["closed"]


def test_cancel_shows_first_what_it_will_undo(seamline: Command, order: Order) -> None:
    reference = order(risk="INVESTIGATE")
    shown(seamline, reference, "waiting")
    said = seamline("cancel", reference, "--why", "customer asked").out
    assert "- Hold the order in the shop · shop-uk: is taken back" in said
    done = order()
    shown(seamline, done, "completed")
    assert "has ended" in seamline("cancel", done).err


def test_what_cannot_be_mapped_waits_and_is_mended_where_it_is(seamline: Command, order: Order, stack: Running) -> None:
    reference = order(address={"zip": "SECRET" * 5})
    [wait] = shown(seamline, reference, "waiting").data["view"]["waits"]
    assert wait["cause"] == "shop-uk refusal unmappable"
    [problem] = wait["problems"]
    assert problem["field"] == "shippingAddress.zip"
    assert problem["reason"].startswith("is text that does not fit")
    assert problem["reason"].endswith("correct it in Shopify, then retry")
    assert "SECRET" not in json.dumps(wait)
    edit = f"{stack.simulator}/_simulator/shops/shop-uk/orders/{reference.partition(':')[2]}/edit"
    httpx.post(edit, json={"address": {"zip": "CB2 1RX"}}).raise_for_status()
    assert seamline("retry", reference, wait["name"]).code == 0
    shown(seamline, reference, "completed")


def test_retry_asks_again(seamline: Command, order: Order) -> None:
    reference = waiting(seamline, order)
    assert seamline("retry", reference, "check-address#1").code == 0
    again = seamline("retry", reference, "check-address#1")
    assert again.code == 1


def test_systems_lists_every_connection_with_its_facts(seamline: Command) -> None:
    cards = {one["connection"]: one["card"] for one in seamline("systems", "--json").data}
    assert cards["shippo-main"]["repeats"] == {"buy_label": "look-up"}
    assert "shippo-main  shippo as carrier" in seamline("systems").out


def test_doctor_finds_all_well(seamline: Command) -> None:
    said = seamline("doctor", "--json")
    assert (said.code, [check for check in said.data if not check["ok"]]) == (0, [])
    assert "well  Temporal at" in seamline("doctor").out


def test_doctor_names_what_is_wrong_and_the_remedy(seamline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_CONNECTIONS__SHOP_US__SYSTEM", "shopify")
    monkeypatch.setenv("SEAMLINE_CONNECTIONS__HUB_TWO__SYSTEM", "hubspot")
    monkeypatch.setenv("SEAMLINE_API__HOST", "0.0.0.0")  # noqa: S104 what is wrong
    said = seamline("doctor", "--json")
    wrong = {check["name"]: check["remedy"] for check in said.data if not check["ok"]}
    assert said.code == 1
    assert "routes.marketing: is missing" in wrong["routes"]
    assert "SEAMLINE_API__TOKEN" in wrong["api"]
    assert "seamline worker" in wrong["worker for shop-us"]
    assert "no worker serves" in wrong["system shop-us"]


def test_doctor_holds_the_systems_accounts_against_the_settings(
    seamline: Command, monkeypatch: pytest.MonkeyPatch, in_shop: Callable[..., None]
) -> None:
    in_shop("PUT", "shop-de/locations", name="Lighthouse")
    in_shop("PUT", "shop-de/account", live=True, currency="EUR")
    in_shop("POST", "shop-de/orders", test=True)
    monkeypatch.setenv("SEAMLINE_POLICY__LOCATIONS", '{"Cellar": {"ship_from": "GB"}}')
    monkeypatch.setenv("SEAMLINE_POLICY__SHIP_FROM", "FR")
    said = seamline("doctor", "--json")
    wrong = {check["name"]: check["remedy"] for check in said.data if not check["ok"]}
    assert wrong.keys() == {"live or test", "locations", "sent from"}
    assert 'policy.locations."Cellar": no shop has a location' in wrong["locations"]
    assert "Lighthouse, Main warehouse, North warehouse: correct the name" in wrong["locations"]
    assert "policy.ship_from is FR and shippo-main sends from GB" in wrong["sent from"]
    assert "paid for a test, by bogus" in wrong["live or test"]
    details = {check["name"]: check["detail"] for check in said.data}
    assert details["locations"] == "by the default: Lighthouse"


@pytest.fixture
def in_shop(stack: Running) -> Iterator[Callable[..., None]]:
    """Sets something up in a simulated shop; a live one is none afterwards."""

    def ask(method: str, path: str, **wanted: object) -> None:
        httpx.request(method, f"{stack.simulator}/_simulator/shops/{path}", json=wanted).raise_for_status()

    yield ask
    ask("PUT", "shop-de/account", currency="EUR")
    ask("PUT", "shop-de/locations", name="Lighthouse", ships=False)


def test_temporal_away_is_exit_code_3_with_address_and_remedy(
    seamline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    for arguments in (["list"], ["start", "order-to-shipment", "shop-uk:1"], ["systems"]):
        said = seamline(*arguments)
        assert said.code == 3
        assert address in said.err
        assert "TEMPORAL_ADDRESS" in said.err
    doctor = seamline("doctor")
    assert doctor.code == 1
    assert f"wrong Temporal at {address}" in doctor.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["start", "order-to-shipmnt", "shop-uk:1"], "there are: claim-parcel, deal-to-invoice, "),
        (["start", "order-to-shipment", "5001"], "reference must look like connection:external-id"),
        (["start", "order-to-shipment", "shop-fr:1"], "its connection 'shop-fr' is not set"),
        (["start", "follow-parcel", "shop-uk:1"], "parcel Field required"),
        (["start", "order-to-shipment", "shop-uk:1.2"], "reference names a part or parcel of shop-uk:1, whose own"),
        (["show", "shop-uk:404404"], "there is no process order-to-shipment:shop-uk:404404"),
        (["show", "5001"], "neither a process's id nor a reference"),
        (["amend", "shop-uk:404404", "buy-label#1", "a=b"], "there is no process"),
        (["cancel", "shop-uk:404404"], "there is no process"),
        (["list", "--team", "it' OR '1'='1"], "a filter is a plain word"),
        (["trace", "no-such-id"], "no system knows 'no-such-id'; a reference looks like connection:external-id"),
        (["trace", "shop-fr:1"], "no system knows 'shop-fr:1'"),
        (["trace", "x" * 201], "ID must have 1 to 200 characters"),
    ],
)
def test_what_cannot_be_done_is_exit_code_1_with_the_reason(seamline: Command, arguments: list[str], says: str) -> None:
    said = seamline(*arguments)
    assert said.code == 1
    assert says in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["amend", "shop-uk:1", "w#1", "novalue"],
        ["list", "--status", "odd"],
        ["skip", "shop-uk:1", "w#1", "--result", "x"],
    ],
)
def test_wrong_use_is_exit_code_2(seamline: Command, arguments: list[str]) -> None:
    assert seamline(*arguments).code == 2


def test_a_wrong_setting_names_itself(seamline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_API__PORT", "hunter2")
    said = seamline("list")
    assert said.code == 1
    assert "api.port" in said.err
    assert "hunter2" not in said.err


def test_a_second_up_over_the_same_state_is_refused(seamline: Command, stack: Running) -> None:
    said = seamline("up", "--state", str(Path(stack.config).parent))
    assert said.code == 1
    assert f"seamline up (process {stack.pid}) works in " in said.err


def test_what_was_terminated_is_found_and_resumed(seamline: Command, order: Order) -> None:
    reference = waiting(seamline, order)
    identity = f"order-to-shipment:{reference}"
    subprocess.run([binary("temporal"), "workflow", "terminate", "--workflow-id", identity], check=True)
    listed = {one["id"]: one["called"] for one in seamline("terminated", "--json").data}
    assert listed[identity] == []
    assert identity in seamline("terminated").out
    assert "terminated with effects: none" in seamline("doctor").out
    resumed = seamline("resume", reference, "--why", "by mistake")
    assert (resumed.code, "goes on where it was" in resumed.out) == (0, True)
    assert shown(seamline, reference, "waiting").data["view"]["waits"]
    assert identity not in {one["id"] for one in seamline("terminated", "--json").data}
    again = seamline("resume", reference)
    assert (again.code, "there is nothing to resume" in again.err) == (1, True)
