"""Follow a parcel until the carrier says that it arrived; what does not arrive is mended as staff choose."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from activities import carrier, inventory, shop, shop_remedies
from activities.shop import OrderRequest
from seamline.process.asking import Answer, Choice, Question
from seamline.process.beginning import begin
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.event import EventKind
from seamline.records.followed import Claim, Course, ParcelNews, ParcelStory, ParcelWatch, SentParcel
from seamline.records.parcel import ParcelNumber
from seamline.records.policy import Policy
from seamline.records.reference import of_parcel
from seamline.records.remedy import GoodsRefund, GoodsRefundRequest
from seamline.records.returning import put_back
from workflows.claim_parcel import ClaimParcel, ClaimStart

WAIT, RESHIP, REFUND, CLAIM, CLOSE, RESTOCK = "wait", "reship", "refund", "claim", "close", "restock"
_CHOICES = (
    Choice(WAIT, "Wait on for the parcel"),
    Choice(RESHIP, "Send the same goods once more"),
    Choice(REFUND, "Give the money back"),
    Choice(CLAIM, "Claim it from the carrier; you are asked again what the customer gets"),
    Choice(CLOSE, "Do nothing more"),
)
_RESTOCK = Choice(RESTOCK, "The goods are here: put them back on the shelf; you are asked again what the customer gets")


RESHIP_ORDER = "reship-order"
"""By its name: it starts the process of this file in turn."""


class ReshipStart(Start):
    """What is sent again, under its new number, and the parcel that it takes the place of."""

    lost: ParcelNumber
    sent: SentParcel


class FollowStart(Start):
    """Which parcel, by the carrier's number, and what is in it; one that was started without that mends nothing."""

    parcel: ParcelNumber
    sent: SentParcel | None = None


@process("follow-parcel", upgrades=True)
class FollowParcel(Process):
    """A process of its own, so that weeks on the road keep no order process open."""

    roles = ("shop", "carrier")
    hears = (EventKind.PARCEL_MOVED, EventKind.ORDER_REFUNDED)

    def __init__(self) -> None:
        super().__init__()
        self.remedy = ""
        self.told = ""
        self.refunded: GoodsRefund | None = None
        self.claimed = False
        self.restocked = 0
        self.since: datetime

    async def run(self, start: FollowStart) -> Outcome:
        """The story: until it arrived, or until staff have said what the customer gets in its place."""
        if start.sent is None:
            tracking = await self.until(carrier.delivered, start.parcel)
            return self.completed(tracking)
        self.since, self.policy = workflow.now(), seldom(start.policy)
        news = await self.until(carrier.moved, self.watch(start.parcel))
        while news.course is not Course.DELIVERED and not self.remedy:
            news = await self.mend(start.parcel, start.sent, news)
        return self.completed(self.story(start.parcel, news))

    def watch(self, parcel: ParcelNumber, known: ParcelNews | None = None, *, silence: bool = True) -> ParcelWatch:
        """Look for what people do not know yet."""
        days = self.policy.aftersales.silent_days if silence else None
        return ParcelWatch(parcel=parcel, since=self.since, silent_days=days, known=known)

    async def mend(self, parcel: ParcelNumber, sent: SentParcel, news: ParcelNews) -> ParcelNews:
        """Have staff choose a remedy, unless the parcel moves on by itself; what is known of it then."""
        if news.course is Course.MOVING:
            return await self.until(carrier.moved, self.watch(parcel))
        question = self.question(parcel, news)
        answer = await self.ask_or_until(question, carrier.moved, self.watch(parcel, news, silence=False))
        if isinstance(answer, ParcelNews):
            return answer
        await self.carry_out(parcel, sent, answer)
        if answer.choice != WAIT:
            return news
        self.since = workflow.now()
        return await self.until(carrier.moved, self.watch(parcel, news))

    def question(self, parcel: ParcelNumber, news: ParcelNews) -> Question:
        """What is asked, by what became of the parcel, so that policy can answer each by its own rule."""
        last = f"; the carrier's last word was on {news.tracking.at:%d %b %Y}" if news.tracking.at else ""
        told = f"{parcel.carrier} {parcel.number}{last}: {news.tracking.detail or news.tracking.state}"
        choices = tuple(one for one in _CHOICES if not (one.name == CLAIM and self.claimed))
        if news.course is Course.RETURNED:
            if not self.restocked and self.route.get("inventory"):
                choices = (*choices, _RESTOCK)
            return Question("parcel-returned", "A parcel comes back", told, about=news, choices=choices)
        if news.course is Course.LOST:
            return Question("parcel-lost", "A parcel is lost", told, about=news, choices=choices)
        if news.course is Course.SILENT:
            return Question("parcel-silent", "Nobody has scanned a parcel for long", told, about=news, choices=choices)
        return Question("parcel-exception", "A parcel cannot be delivered", told, about=news, choices=choices)

    async def carry_out(self, parcel: ParcelNumber, sent: SentParcel, answer: Answer) -> None:
        """Do what was chosen."""
        if answer.choice == RESHIP:
            await self.reship(parcel, sent)
        elif answer.choice == REFUND and not await self.refund(sent):
            return
        elif answer.choice == CLAIM:
            self.claimed = True
            await self.hand_on(ClaimParcel, self.claim_start(parcel))
        elif answer.choice == RESTOCK:
            await self.restock(sent)
        if answer.choice in (RESHIP, REFUND, CLOSE):
            self.remedy, self.told = answer.choice, answer.told

    async def reship(self, parcel: ParcelNumber, sent: SentParcel) -> None:
        """Have the goods sent once more, after other parcels of the same order that are."""
        start = ReshipStart(
            reference=of_parcel(self.start.reference),
            route=self.start.route,
            policy=self.start.policy,
            started_by=self.name,
            lost=parcel,
            sent=sent.again,
        )
        while not await self.unbroken(begin(RESHIP_ORDER, start, again=True)):
            await self.settle(self.policy.tracking_poll_seconds, "Wait for another parcel of it to be sent again")

    async def restock(self, sent: SentParcel) -> None:
        """Put what came back on the shelf."""
        order = await self.do(shop.fetch_order, OrderRequest())
        await self.do(inventory.receive, put_back(sent, order, of_parcel(self.start.reference)))
        self.restocked = sum(one.quantity for one in sent.lines)

    async def refund(self, sent: SentParcel) -> bool:
        """Give back what the goods are worth, as finance approves it; False when finance does not."""
        worth = await self.do(shop_remedies.worth_of, sent.goods)
        reason = f"{worth.amount} goes back to the customer of order {sent.order_number}: its parcel did not arrive"
        answer = await self.ask(
            Question("parcel-refund", "Give the money of a parcel back", reason, about=worth, team="finance")
        )
        if not answer.approved:
            self.note(f"the refund was {answer.told}")
            return False
        request = GoodsRefundRequest(goods=sent.goods, amount=worth.amount)
        made = await self.do(shop_remedies.refund_goods, request)
        self.refunded = await self.until(shop_remedies.goods_refunded, made)
        return True

    def claim_start(self, parcel: ParcelNumber) -> ClaimStart:
        """The claim's own process: carriers take weeks, and no customer waits for them."""
        return ClaimStart(
            reference=self.start.reference,
            route=self.start.route,
            policy=self.start.policy,
            started_by=self.name,
            claim=Claim(carrier=parcel.carrier, tracking_number=parcel.number),
        )

    def story(self, parcel: ParcelNumber, news: ParcelNews) -> ParcelStory:
        """The outcome's record."""
        if news.course is Course.RETURNED and not self.restocked:
            self.manual.append(f"take the goods of {parcel.carrier} {parcel.number} back into stock once they are here")
        return ParcelStory(
            carrier=parcel.carrier,
            tracking_number=parcel.number,
            course=news.course,
            remedy=self.remedy,
            told=self.told,
            refunded=str(self.refunded.amount) if self.refunded else "",
            restocked=self.restocked,
        )


def seldom(policy: Policy) -> Policy:
    """Carriers are asked less often than shelves are looked at."""
    times = {"poll_seconds": policy.tracking_poll_seconds, "poll_max_seconds": policy.tracking_poll_max_seconds}
    return policy.model_copy(update=times)
