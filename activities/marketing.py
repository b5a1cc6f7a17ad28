"""Marketing: where a customer's people stop being prospects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from activities.tracing import Traceable
from seamline.process.effect import STANDS, Call, Effect, Foreseen, Read, operation
from seamline.records.audience import (
    Audience,
    AudienceRequest,
    MailStop,
    MailStopped,
    PutBack,
    StageChange,
    StageRequest,
)
from seamline.records.event import EventKind
from seamline.records.system import FORESEEN, Repeat
from seamline.records.undo import Undone, UndoState


class MarketingSystem(Traceable, Protocol):
    """What marketing must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def find_audience(self, request: AudienceRequest) -> Audience:
        """The account by its reference, else by its domain, and its people by mail address. Empty when unknown."""

    async def read_audience(self, company_ids: tuple[str, ...], person_ids: tuple[str, ...]) -> Audience:
        """These, as they are now; those that are gone are left out."""

    async def set_stage(self, key: str, customers: Audience, stage: str) -> StageChange:
        """Set the stage, forward or back, and keep key and the earlier stage with each; `customers` as just read."""

    async def restore_stage(self, key: str, customers: Audience) -> int:
        """Put the saved stage back where the change with this key still stands; how many were put back."""

    async def stop_prospect_mail(self, key: str, person_ids: tuple[str, ...]) -> int:
        """Unsubscribe these from the prospects' mail; how many got it. Nothing happens to the others."""

    async def resume_prospect_mail(self, key: str, person_ids: tuple[str, ...]) -> int:
        """Subscribe again those that we unsubscribed under this key, and nobody else."""


class Marketing:
    """Marketing's activities over any system that fills the role."""

    def __init__(self, system: MarketingSystem) -> None:
        self.system = system

    @operation("marketing.find_audience")
    async def find_audience(self, call: Call[AudienceRequest]) -> Audience:
        """Who in marketing belongs to the customer."""
        return await self.system.find_audience(call.request)

    @operation("marketing.become_customer")
    async def become_customer(self, call: Call[StageRequest]) -> StageChange:
        """Set the stage of company and people. Repeating sets the same again; the saved stage stays the first."""
        now = await self.system.read_audience(call.request.company_ids, call.request.person_ids)
        return await self.system.set_stage(call.key, now, call.request.stage)

    @operation("marketing.restore_stage")
    async def restore_stage(self, call: Call[StageRequest]) -> Undone:
        """Put the saved stage back where nobody changed it since."""
        now = await self.system.read_audience(call.request.company_ids, call.request.person_ids)
        count = await self.system.restore_stage(call.key, now)
        return Undone(state=UndoState.UNDONE if count else UndoState.NOTHING, detail=f"{count} put back")

    @operation("marketing.stop_prospect_mail")
    async def stop_prospect_mail(self, call: Call[MailStop]) -> MailStopped:
        """Stop the mail for prospects."""
        return MailStopped(stopped=await self.system.stop_prospect_mail(call.key, call.request.person_ids))

    @operation("marketing.resume_prospect_mail")
    async def resume_prospect_mail(self, call: Call[MailStop]) -> Undone:
        """Let those have it again whom we took it from."""
        count = await self.system.resume_prospect_mail(call.key, call.request.person_ids)
        return Undone(state=UndoState.UNDONE if count else UndoState.NOTHING, detail=f"{count} get it again")

    @operation("marketing.put_back")
    async def put_back(self, call: Call[PutBack]) -> Undone:
        """Take both back for a process that is over."""
        request = call.request
        now = await self.system.read_audience(request.company_ids, request.person_ids)
        count = await self.system.restore_stage(request.stage_key, now)
        mailed = await self.system.resume_prospect_mail(request.mail_key, request.person_ids)
        told = f"{count} put back, {mailed} get the prospects' mail again"
        return Undone(state=UndoState.UNDONE if count or mailed else UndoState.NOTHING, detail=told)


def _changed(call: Call[StageRequest], _: StageChange | None) -> StageChange:
    changed = (*call.request.company_ids, *call.request.person_ids)
    return StageChange(id=next(iter(changed), FORESEEN), key=call.key, changed=len(changed))


def _whom(request: StageRequest | PutBack) -> str:
    return f"companies: {len(request.company_ids)}, people: {len(request.person_ids)}"


find_audience = Read(
    Marketing.find_audience,
    title="Find the customer in marketing",
    team="marketing",
    news=(EventKind.CONSENT_CHANGED,),
)
become_customer = Effect(
    Marketing.become_customer,
    undo=Marketing.restore_stage,
    title="Make them customers",
    team="marketing",
    foreseen=Foreseen(_changed, lambda request: _whom(request)),
)
stop_prospect_mail = Effect(
    Marketing.stop_prospect_mail,
    undo=Marketing.resume_prospect_mail,
    title="Stop the mail for prospects",
    team="marketing",
    foreseen=Foreseen(
        lambda call, _: MailStopped(stopped=len(call.request.person_ids)),
        lambda request: f"to {len(request.person_ids)} at most",
    ),
)
put_back = Effect(
    Marketing.put_back,
    undo=STANDS,
    title="Put back their stage and mail",
    team="marketing",
    foreseen=Foreseen(lambda call, _: Undone(state=UndoState.UNDONE), lambda request: _whom(request)),
)
