"""Take back what a deal that was reopened has been billed."""

from __future__ import annotations

from activities import crm
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.deal import DealRequest


@process("reverse-deal")
class ReverseDeal(Process):
    """Starts when a deal is reopened."""

    roles = ("crm", "accounting", "marketing", "mail")
    origin = "crm"
    chosen = ("accounting",)
    repeats = True

    async def run(self, start: Start) -> Outcome:
        """Nothing is taken back by itself yet."""
        await self.do(crm.fetch_deal, DealRequest())
        return self.ignored("taken back by people")
