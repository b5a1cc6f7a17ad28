"""Deals beside the orders: sales win, amend and reopen them, customers pay their invoices, early or in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from seamline.simulator.salesforce_flow import TRIES_MAX
from tests.storm.acts import CONFLICT, UNPROCESSABLE, cancelled
from tests.storm.deal_odds import Act, Does, PlannedDeal
from tests.storm.odds import BOOKS, CRM, MARKETING
from tests.storm.scene import Scene

DEAL, REVERSAL = "deal-to-invoice", "reverse-deal"
LOOK_SECONDS = 0.4
LIMITS = {"a_minute": 100_000, "at_once": 100}
"""Accounting's own would have the storm wait for minutes."""
WON, REOPENED = "Closed Won", "Negotiation/Review"


class Sales:
    """The people around the deals: sales, marketing, customers."""

    def __init__(self, scene: Scene, planned: Sequence[PlannedDeal]) -> None:
        self._scene = scene
        self._ahead = list(planned)
        self._acts: dict[str, list[Act]] = {}
        self._in_marketing: set[str] = set()
        self.reopened: set[str] = set()
        """Those that were not won at some time: the reversal of each is to be there."""

    async def work(self, over: asyncio.Event) -> None:
        """Win the deals in their turn, and do to each what is planned, until it is over."""
        await self._scene.simulator("PUT", f"books/{BOOKS}/limits", LIMITS)
        while not over.is_set():
            for deal in [one for one in self._ahead if one.after <= len(self._scene.made)]:
                self._ahead.remove(deal)
                await self._win(deal)
            for reference, acts in self._acts.items():
                if acts and await self._has_come(reference, acts[0].moment):
                    await self._do(reference, acts.pop(0))
            await asyncio.sleep(LOOK_SECONDS)

    async def pay_all(self) -> None:
        """Customers pay what is open."""
        for invoice in await self._scene.simulator("GET", f"books/{BOOKS}/invoices"):
            if invoice["Status"] == "AUTHORISED":
                await self._pay(invoice["InvoiceID"])

    async def count_deliveries(self) -> int:
        """Note which events the door has taken. How many the CRM will still try."""
        deliveries = await self._scene.simulator("GET", f"crms/{CRM}/deliveries")
        for one in deliveries:
            process = {"opportunity-won": DEAL, "opportunity-reopened": REVERSAL}.get(one["event"])
            if process and 200 <= (one["status"] or 0) < 300:
                self._scene.accepted.add(f"{process}:{CRM}:{one['id']}")
        return sum(not 200 <= (one["status"] or 0) < 300 and one["tries"] < TRIES_MAX for one in deliveries)

    def wanted(self) -> Iterator[str]:
        """The ids of the processes that there must be."""
        yield from (f"{DEAL}:{reference}" for reference in self._acts)
        yield from (f"{REVERSAL}:{reference}" for reference in sorted(self.reopened))

    async def _win(self, deal: PlannedDeal) -> None:
        email = deal.wanted["contact"]["email"]
        if deal.in_marketing and email not in self._in_marketing:
            self._in_marketing.add(email)
            base, domain = f"audiences/{MARKETING}", email.partition("@")[2]
            company = {"name": domain, "domain": domain, "stage": "opportunity"}
            made = await self._scene.simulator("POST", f"{base}/companies", company, taken=[CONFLICT])
            person = {"email": email, "stage": "opportunity", "company": made.get("id"), "consent": "given"}
            await self._scene.simulator("POST", f"{base}/contacts", person, taken=[CONFLICT, UNPROCESSABLE])
        won = await self._scene.simulator("POST", f"crms/{CRM}/deals", dict(deal.wanted))
        self._acts[won["reference"]] = list(deal.acts)

    async def _has_come(self, reference: str, moment: str) -> bool:
        effects = await self._scene.simulator("GET", f"effects?operation={moment}")
        return any(one["reference"].partition(".")[0] == reference for one in effects)

    async def _do(self, reference: str, act: Act) -> None:
        deal = f"crms/{CRM}/deals/{reference.partition(':')[2]}"
        match act.does:
            case Does.REOPEN:
                await self._scene.simulator("PATCH", deal, {"stage": REOPENED})
                self.reopened.add(reference)
            case Does.WIN:
                await self._scene.simulator("PATCH", deal, {"stage": WON})
            case Does.AMEND:
                await self._scene.simulator("PATCH", deal, {"po_number": "PO-7"})
            case Does.PAY:
                for one in await self._scene.simulator("GET", f"effects?operation=post-invoice&connection={BOOKS}"):
                    if one["reference"].partition(".")[0] == reference:
                        await self._pay(one["object_id"])
            case Does.CANCEL:
                await cancelled(self._scene.handle(f"{DEAL}:{reference}"))
        self._scene.figures.acts[act.does] += 1

    async def _pay(self, invoice: str) -> None:
        # It can be voided or credited meanwhile.
        taken = [CONFLICT, UNPROCESSABLE]
        await self._scene.simulator("POST", f"books/{BOOKS}/payments", {"invoice": invoice}, taken=taken)
