"""The world of deals: real Temporal, real worker, the simulated Salesforce, Xero, HubSpot and mail server."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from temporalio.client import Client

from seamline.billing_settings import BillingSettings
from seamline.settings import PolicySettings, Settings, start_for
from seamline.simulator.server import Simulator
from seamline.temporal import start_process
from tests.end_to_end.world import QUICK, Handle, World
from workflows.deal_to_invoice import DealToInvoice

BILLING = BillingSettings(
    settle_seconds=0.01, new_customers_asked=False, payment_poll_seconds=0.2, payment_poll_max_seconds=0.5
)
ASKED = {"invoice_max": {"GBP": Decimal(1)}}
"""Rules by which every invoice is approved."""


@dataclass(frozen=True)
class DealNames:
    """One connection for each role; any name works, since the simulator makes it on first use."""

    crm: str = "crm-main"
    accounting: str = "xero-main"
    marketing: str = "hub-main"
    mail: str = "mail-deals"


def deal_settings(
    simulator: Simulator, names: DealNames, billing: BillingSettings = BILLING, *, workflows: bool = True
) -> Settings:
    """The connections, all to the simulator. No limit or breaker of ours slows a test down."""
    quick = {"rate_per_second": 1000, "breaker": {"failures": 100, "open_seconds": 0.2, "open_seconds_max": 0.2}}
    xero = f"{simulator.url}/xero/{names.accounting}"
    systems: dict[str, dict[str, Any]] = {
        names.crm: {
            "system": "salesforce",
            "webhook_secret": f"secret-{names.crm}",
            "account": {
                "url": f"{simulator.url}/salesforce/{names.crm}",
                "client_id": f"client-{names.crm}",
                "client_secret": f"secret-{names.crm}",
                "calls_per_second_max": 100,
            },
        },
        names.accounting: {
            "system": "xero",
            "webhook_secret": f"secret-{names.accounting}",
            "account": {
                "url": xero,
                "identity_url": xero,
                "client_id": f"client-{names.accounting}",
                "client_secret": f"secret-{names.accounting}",
                "calls_per_second_max": 100,
            },
        },
        names.marketing: {
            "system": "hubspot",
            "account": {
                "url": f"{simulator.url}/hubspot/{names.marketing}",
                "token": f"hubspot-test-{names.marketing}",
                "prospect_subscription": "101",
                "calls_per_second_max": 100,
            },
        },
        names.mail: {
            "system": "smtp",
            "roles": ["mail"],
            "account": {
                "host": simulator.smtp_host,
                "port": simulator.smtp_port,
                "security": "plain",
                "username": names.mail,
                "password": f"smtp-test-{names.mail}",
                "sender": "billing@supplies.example",
                "mails_per_second_max": 100,
            },
        },
    }
    return Settings(
        connections={name: {**one, **quick} for name, one in systems.items()},
        policy=PolicySettings.model_validate({**QUICK.model_dump(), "billing": billing.model_dump()}),
        worker={"workflows": workflows},
        watch={"enabled": False},
    )


class DealWorld(World):
    """What a test of deals does and sees."""

    def __init__(
        self,
        simulator: Simulator,
        client: Client,
        http: httpx.AsyncClient,
        deal_names: DealNames = DealNames(),
        *,
        workflows: bool = True,
    ) -> None:
        super().__init__(simulator, client, http)
        self.deal_names = deal_names
        self.settings = deal_settings(simulator, deal_names, workflows=workflows)

    async def ready(self) -> None:
        """No limit of the simulated Xero and HubSpot slows a test down."""
        books = {"a_minute": 100_000, "at_once": 100, "a_day": 100_000}
        await self.change(f"books/{self.deal_names.accounting}/limits", books)
        account = {"calls_in_window_max": 100_000, "searches_each_second_max": 1000}
        await self.change(f"audiences/{self.deal_names.marketing}/account/limits", account)

    async def deal(self, **wanted: Any) -> str:
        """A won deal: its reference."""
        made = await self.post(f"crms/{self.deal_names.crm}/deals", wanted)
        reference: str = made["reference"]
        return reference

    async def new_customers_deal(self, **wanted: Any) -> str:
        """A won deal of a customer that accounting does not know, and marketing does: its reference."""
        name = f"customer-{uuid.uuid4().hex[:8]}"
        domain, email = f"{name}.example", f"bills@{name}.example"
        await self.audience(domain, email)
        account = {"name": name, "website": f"https://www.{domain}", "tax_id": f"GB{name}"}
        return await self.deal(account=account, contact={"email": email}, **wanted)

    async def audience(self, domain: str, email: str) -> None:
        """Have a company and a person of it in marketing."""
        base = f"audiences/{self.deal_names.marketing}"
        company = await self.post(f"{base}/companies", {"name": domain, "domain": domain, "stage": "opportunity"})
        person = {"email": email, "stage": "opportunity", "company": company["id"], "consent": "given"}
        await self.post(f"{base}/contacts", person)

    async def begin(self, reference: str, **policy: Any) -> Handle:
        """Start the deal's process as the door does, with these changes to the policy."""
        start = start_for(DealToInvoice, reference, self.settings)
        changed = start.model_copy(update={"policy": start.policy.model_copy(update=policy)})
        identity, _ = await start_process(self.client, DealToInvoice, changed)
        return self.client.get_workflow_handle(identity)
