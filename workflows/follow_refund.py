"""Follow the money of labels that others took the place of, until the carrier has given it back."""

from __future__ import annotations

from activities import carrier
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.event import EventKind
from seamline.records.parcel import ReplacedLabels


class RefundStart(Start):
    """Which labels."""

    replaced: ReplacedLabels


@process("follow-refund", upgrades=True)
class FollowRefund(Process):
    """A process of its own, since carriers take days; a refund that the carrier rejects waits for staff."""

    roles = ("carrier",)
    hears = (EventKind.LABEL_CHANGED, EventKind.LABEL_REFUNDED)

    async def run(self, start: RefundStart) -> Outcome:
        """Until every refund is confirmed."""
        refunded = await self.until(carrier.replaced_refunded, start.replaced)
        return self.completed(refunded)
