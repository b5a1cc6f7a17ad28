"""HubSpot's own Python client does its ordinary work against the simulator."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from hubspot import HubSpot
from hubspot.communication_preferences import PublicUpdateSubscriptionStatusRequest
from hubspot.crm.companies import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    SimplePublicObjectBatchInputUpsert,
)
from hubspot.crm.contacts import (
    ApiException,
    BatchReadInputSimplePublicObjectId,
    Filter,
    FilterGroup,
    PublicGdprDeleteInput,
    PublicObjectSearchRequest,
    SimplePublicObjectId,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)

from seamline.simulator.server import Simulator
from tests.checked import Against, Checks
from tests.simulator.hubspot_client import CONNECTION, KEY, App

CHECKS = Checks(
    "hubspot",
    Against.CLIENT,
    "hubspot-api-client, with the simulator",
    frozenset({"find_audience", "become_customer", "stop_prospect_mail", "resume_prospect_mail"}),
)


@pytest.fixture
def hubspot(simulator: Simulator) -> HubSpot:
    return HubSpot(access_token=f"hubspot-test-{CONNECTION}", host=f"{simulator.url}/hubspot/{CONNECTION}")


async def test_a_customer_is_made_and_found(hubspot: HubSpot, http: httpx.AsyncClient) -> None:
    await asyncio.to_thread(_make_customer, hubspot)
    assert [one[0] for one in await App(http).effects()] == [
        "create-company",
        "create-contact",
        "become-customer",
        "resume-prospect-mail",
        "stop-prospect-mail",
    ]


def _make_customer(hubspot: HubSpot) -> None:
    upsert = SimplePublicObjectBatchInputUpsert(
        id="crm-main:001A", id_property="seamline_reference", properties={"name": "Acme", "seamline_key": KEY}
    )
    batch = BatchInputSimplePublicObjectBatchInputUpsert(inputs=[upsert])
    (company,) = hubspot.crm.companies.batch_api.upsert(batch).results
    assert company.new is True
    wanted = SimplePublicObjectInputForCreate(properties={"email": "ann@example.com"}, associations=[])
    contact = hubspot.crm.contacts.basic_api.create(wanted)
    associations = hubspot.crm.associations.v4.basic_api
    associations.create_default("contacts", contact.id, "companies", company.id)
    (found,) = associations.get_page("companies", company.id, "contacts").results
    assert str(found.to_object_id) == contact.id
    changed = SimplePublicObjectInput(properties={"lifecyclestage": "customer", "seamline_key": KEY})
    assert hubspot.crm.contacts.basic_api.update(contact.id, changed).properties["lifecyclestage"] == "customer"
    by_email = hubspot.crm.contacts.basic_api.get_by_id("ann@example.com", id_property="email")
    assert by_email.id == contact.id
    assert [one.id for one in hubspot.crm.contacts.get_all()] == [contact.id]
    stages = hubspot.crm.properties.core_api.get_by_name("contacts", "lifecyclestage").options
    assert "customer" in [one.value for one in stages]
    _stop_mail(hubspot)


def _stop_mail(hubspot: HubSpot) -> None:
    definitions = hubspot.communication_preferences.definition_api.get_page().subscription_definitions
    number = next(one.id for one in definitions if one.purpose == "Marketing")
    mail = hubspot.communication_preferences.status_api
    asked = {"email_address": "ann@example.com", "subscription_id": number}
    basis = {"legal_basis": "CONSENT_WITH_NOTICE", "legal_basis_explanation": f"Seamline {KEY}"}
    mail.subscribe(PublicUpdateSubscriptionStatusRequest(**asked, **basis))
    mail.unsubscribe(PublicUpdateSubscriptionStatusRequest(**asked, **basis))
    statuses = mail.get_email_status("ann@example.com").subscription_statuses
    assert {one.id: one.status for one in statuses}[number] == "NOT_SUBSCRIBED"


async def test_searches_batches_and_errors(hubspot: HubSpot, http: httpx.AsyncClient) -> None:
    app = App(http)
    ids = [await app.contact(email=f"ann{number}@example.com", stage="lead") for number in range(3)]
    await asyncio.to_thread(_look_around, hubspot, ids)


def _look_around(hubspot: HubSpot, ids: list[str]) -> None:
    leads = FilterGroup(filters=[Filter(property_name="lifecyclestage", operator="EQ", value="lead")])
    asked = PublicObjectSearchRequest(filter_groups=[leads], limit=2, properties=["email"])
    page = hubspot.crm.contacts.search_api.do_search(asked)
    assert (page.total, page.paging.next.after, [one.id for one in page.results]) == (3, "2", ids[:2])
    inputs = [SimplePublicObjectId(id=ids[0]), SimplePublicObjectId(id="999")]
    read = hubspot.crm.contacts.batch_api.read(
        BatchReadInputSimplePublicObjectId(inputs=inputs, properties=["email"], properties_with_history=[])
    )
    assert (len(read.results), read.num_errors, read.errors[0].context) == (1, 1, {"ids": ["999"]})
    hubspot.crm.contacts.basic_api.archive(ids[0])
    hubspot.crm.contacts.basic_api.purge(PublicGdprDeleteInput(object_id=ids[1]))
    for gone in ids[:2]:
        with pytest.raises(ApiException) as refused:
            hubspot.crm.contacts.basic_api.get_by_id(gone)
        assert refused.value.status == 404
