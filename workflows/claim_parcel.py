"""Claim a parcel from the carrier: a task that stays open until somebody has closed it."""

from __future__ import annotations

from seamline.process.asking import Choice, Question
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.base import Record
from seamline.records.followed import Claim

PAID, REFUSED = "paid", "refused"


class ClaimStart(Start):
    """What is claimed."""

    claim: Claim


class ClaimEnd(Record):
    """How it ended, and what is known of the claim then."""

    ended: str
    claim: Claim


@process("claim-parcel", upgrades=True)
class ClaimParcel(Process):
    """A process of its own, so that no customer waits for what a carrier pays."""

    async def run(self, start: ClaimStart) -> Outcome:
        """One question to staff, who enter the claim's number and amount as they learn them."""
        reason = (
            f"{start.claim.carrier} {start.claim.tracking_number} did not arrive: claim it, enter number and amount"
        )
        choices = (Choice(PAID, "The carrier has paid"), Choice(REFUSED, "The carrier does not pay, or we give up"))
        claim, ended = start.claim, ""
        while not ended:
            answer = await self.ask(
                Question("claim", "Claim a parcel", reason, about=claim, amendable=True, choices=choices)
            )
            claim = answer.amended if isinstance(answer.amended, Claim) else claim
            ended = answer.choice
        return self.completed(ClaimEnd(ended=ended, claim=claim))
