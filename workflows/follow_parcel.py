"""Follow a parcel until the carrier says that it arrived."""

from __future__ import annotations

from activities import carrier
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.event import EventKind
from seamline.records.parcel import ParcelNumber


class FollowStart(Start):
    """Which parcel, by the carrier's number."""

    parcel: ParcelNumber


@process("follow-parcel", upgrades=True)
class FollowParcel(Process):
    """A process of its own, so that weeks on the road keep no order process open."""

    roles = ("carrier",)
    hears = (EventKind.PARCEL_MOVED,)

    async def run(self, start: FollowStart) -> Outcome:
        """Until delivered; a parcel that is lost or comes back waits for staff."""
        tracking = await self.until(carrier.delivered, start.parcel)
        return self.completed(tracking)
