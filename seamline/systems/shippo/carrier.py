"""Shippo in the role of the carrier."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

from seamline.errors import NotYet, Problem, Refusal
from seamline.http import HttpFactory, located
from seamline.records.address import Address
from seamline.records.customs import Customs
from seamline.records.parcel import (
    CheckedAddress,
    Label,
    LabelRequest,
    LabelState,
    ParcelNumber,
    ParcelRequest,
    Quote,
    Rate,
    Tracking,
)
from seamline.records.reference import reference_of
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.shippo import mapping, wire
from seamline.systems.shippo.client import ShippoClient, open_client

RATE_PAGES_MAX = 5
RECENT_PAGES_MAX = 20
RECENT_DAYS_MAX = 90
QUEUED_SECONDS = 2.0
_ID = re.compile(r"[A-Za-z0-9]{6,60}")

_GONE_BACK = (LabelState.REFUND_REQUESTED, LabelState.REFUNDED, LabelState.REFUND_REJECTED, LabelState.FAILED)


class Box(BaseModel):
    """The parcel that is used where none is given."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    length_cm: float = Field(default=30, gt=0, le=400)
    width_cm: float = Field(default=20, gt=0, le=400)
    height_cm: float = Field(default=10, gt=0, le=400)
    empty_grams: int = Field(default=0, ge=0, le=50_000, description="What the box weighs without the goods.")


class Account(BaseModel):
    """A Shippo account and what is always the same about its parcels."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: HttpUrl = Field(default=HttpUrl("https://api.goshippo.com"), description="Where Shippo's API is.")
    token: SecretStr = Field(description="The API token, shippo_live_... or shippo_test_...")
    test: bool = Field(
        default=False,
        description="Whether the token is a test token, whose labels ship nothing: refused unless this is set.",
    )
    sender: Address = Field(description="Where parcels leave from; printed on every label.")
    customs_signer: str = Field(
        default="", max_length=100, description="Who answers for customs declarations; the sender's name if empty."
    )
    box: Box = Field(default=Box(), description="The parcel that is used where none is given.")
    scan_based_returns: bool = Field(
        default=False,
        description="Whether return labels are paid once they are used, as USPS, FedEx and UPS have it; else they are "
        "plain labels from the customer to the sender.",
    )
    carrier_accounts: tuple[str, ...] = Field(
        default=(), max_length=20, description="Object ids of the carrier accounts to quote; all active ones if empty."
    )
    calls_per_second_max: float = Field(default=10, gt=0, le=100, description="How often this account may be called.")
    calls_at_once_max: int = Field(default=8, gt=0, le=100, description="How many calls may run at the same time.")

    @model_validator(mode="after")
    def _token_is_of_its_kind(self) -> Account:
        token = self.token.get_secret_value()
        if token.startswith("shippo_test_") and not self.test:
            raise ValueError("token is a test token, whose labels ship nothing: use the live token, or set test = true")
        if token.startswith("shippo_live_") and self.test:
            raise ValueError("token is a live token and test is true: use the test token, or set test = false")
        return self


def connect(name: str, account: Account, http: HttpFactory) -> ShippoCarrier:
    """The adapter of the connection `name`. Nothing is sent yet."""
    client = open_client(
        name,
        str(account.url).rstrip("/"),
        account.token.get_secret_value(),
        http,
        calls_per_second_max=account.calls_per_second_max,
        calls_at_once_max=account.calls_at_once_max,
    )
    return ShippoCarrier(name, account, client)


class ShippoCarrier:
    """Satisfies `activities.carrier.CarrierSystem`."""

    # There is no idempotency key; a label is found by the rate it was bought at.
    repeats: Final[Mapping[str, Repeat]] = {"buy_label": Repeat.LOOK_UP}

    def __init__(self, name: str, account: Account, client: ShippoClient) -> None:
        self.name = name
        self._account = account
        self._client = client

    async def close(self) -> None:
        """Close the connections to Shippo."""
        await self._client.close()

    @located
    async def check_address(self, address: Address) -> CheckedAddress:
        """The address as Shippo corrected it. Refusal `address-invalid` naming its fields."""
        body = {**mapping.ADDRESS.write(address), "validate": True}
        found = await self._client.post("check_address", "/addresses", wire.Address, body, write=False)
        return mapping.checked_address(address, found)

    @located
    async def quote(self, key: str, request: ParcelRequest) -> Quote:
        """Rates for the parcel. Refusal `no-rates` with the carriers' reasons."""
        ours, theirs = mapping.ADDRESS.write(self._account.sender), mapping.ADDRESS.write(request.address)
        scan_based = request.back and self._account.scan_based_returns
        # Of a scan-based return Shippo swaps the addresses itself.
        swapped = request.back and not scan_based
        body: dict[str, Any] = {
            "address_from": theirs if swapped else ours,
            "address_to": ours if swapped else theirs,
            **({"extra": {"is_return": True}} if scan_based else {}),
            "parcels": [mapping.PARCEL.write(request, box=self._account.box)],
            "metadata": _metadata(key or request.reference),
            "async": False,
        }
        if request.customs:
            body["customs_declaration"] = await self._declare(key or request.reference, request, request.customs)
        if self._account.carrier_accounts:
            body["carrier_accounts"] = list(self._account.carrier_accounts)
        found = await self._client.post("quote", "/shipments", wire.Shipment, body, write=False)
        if not self._account.test and any(rate.test for rate in found.rates):
            problem = Problem(field="token", reason="is a test token: set `test = true`, or use the live token")
            raise Refusal("test-token", "a label bought with a test token ships nothing", problems=[problem])
        return mapping.quote(found)

    async def _declare(self, key: str, request: ParcelRequest, customs: Customs) -> str:
        """Declare the goods: costs nothing and binds nobody before a label is bought, so repeating it is harmless."""
        sender, customer = self._account.sender, request.address
        ours = self._account.customs_signer or sender.name or sender.company
        body = mapping.CUSTOMS.write(
            customs,
            key=_metadata(key),
            signer=(customer.name or ours) if request.back else ours,
            sender=customer.country if request.back else sender.country,
            country=sender.country if request.back else customer.country,
        )
        return (
            await self._client.post("quote", "/customs/declarations", wire.CustomsDeclaration, body, write=False)
        ).object_id

    @located
    async def find_labels(self, reference: str, rate_ids: Sequence[str]) -> Sequence[Label]:
        """All labels bought at these rates; without rates, recent ones that carry the reference in their metadata."""
        labels: list[Label] = []
        for rate_id in dict.fromkeys(rate_ids):
            found = [one async for one in self._at_rate(rate_id)]
            at = await self._rate(rate_id) if found else None
            labels += [mapping.LABEL.read(one, reference=reference, at=at) for one in found]
        if not rate_ids:
            labels = [
                mapping.LABEL.read(one, reference=reference, at=await self._rate(one.rate))
                async for one in self._recent()
                if mapping.is_ours(reference, one)
            ]
        return labels

    @located
    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Label]:
        """Recent labels whose metadata is the reference, or has one of the marks as a word and is no key of ours."""
        return [
            mapping.LABEL.read(one, reference=reference, at=await self._rate(one.rate))
            async for one in self._recent()
            if mapping.is_marked(one, (reference, *marks))
        ]

    @located
    async def buy_label(self, key: str, request: LabelRequest) -> Label:
        """Buy at the request's rate: QUEUED while the carrier makes it. Refusal `label-refused` with his reasons."""
        body = mapping.LABEL_REQUEST.write(request, key=_metadata(key))
        found = await self._client.post("buy_label", "/transactions", wire.Transaction, body)
        return _sold(request.parcel.reference, found, request.rate)

    @located
    async def read_label(self, label: Label) -> Label:
        """The label as it is now. Refusal `label-refused` when the carrier would not sell it after all."""
        found = await self._transaction(label)
        return _sold_now(label, found)

    @located
    async def refund_label(self, label: Label) -> Label:
        """Ask for the money back. Nothing is sent when it was asked for before, or when nothing was sold."""
        now = await self._transaction(label)
        as_now = _as_now(label, now)
        if as_now.state in _GONE_BACK:
            return as_now
        if as_now.state is LabelState.QUEUED:
            raise NotYet("label-queued", "the label is being made", retry_after_seconds=QUEUED_SECONDS)
        body = {"transaction": label.id, "async": True}
        refund = await self._client.post("refund_label", "/refunds", wire.Refund, body)
        return as_now.model_copy(update={"state": mapping.REFUND.read(refund, "refund").state})

    @located
    async def track(self, parcel: ParcelNumber) -> Tracking:
        """Where the parcel is, by the carrier's last word."""
        path = f"/tracks/{_segment(parcel.carrier)}/{_segment(parcel.number)}"
        return mapping.TRACKING.read(await self._client.get("track", path, wire.Track))

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """The labels of the last 90 days that carry the reference."""
        return [
            Holding(
                kind="label",
                id=label.id,
                state=label.state.value,
                key=label.key,
                amount=str(label.price) if label.price else "",
                page=label.label_page,
            )
            for label in await self.find_labels(reference, ())
        ]

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """What the label with this id, or this tracking number in the last 90 days, was bought for."""
        if not _ID.fullmatch(external_id):
            return []
        if wire.OBJECT_ID.fullmatch(external_id):
            found = [one for one in [await self._known(external_id)] if one]
        else:
            found = [one async for one in self._recent() if one.tracking_number == external_id]
        return list(dict.fromkeys(filter(None, (reference_of(one.metadata) for one in found))))

    @located
    async def card(self) -> Card:
        """Reach Shippo and describe the connection."""
        await self._client.get("card", "/transactions", wire.Page[wire.Transaction], {"results": 1})
        return Card(
            connection=self.name,
            system="shippo",
            role="carrier",
            holds=("rates", "labels", "refunds", "tracking"),
            connected=f"REST {wire.API_VERSION} over HTTPS, webhooks with a token in their address",
            authentication="API token",
            limits=f"at most {self._account.calls_per_second_max:g} calls a second from here",
            repeats=self.repeats,
            account="test labels" if self._account.test else "live labels",
            live=not self._account.test,
            country=self._account.sender.country,
        )

    async def _transaction(self, label: Label) -> wire.Transaction:
        return await self._client.get("read_label", f"/transactions/{_segment(label.id)}", wire.Transaction)

    async def _rate(self, rate_id: str) -> Rate | None:
        """What a label cost. None when Shippo has forgotten the rate: the label counts all the same."""
        if not rate_id:
            return None
        try:
            return mapping.RATE.read(await self._client.get("read_rate", f"/rates/{_segment(rate_id)}", wire.Rate))
        except Refusal as error:
            if error.failure.code == "not-found":
                return None
            raise

    async def _at_rate(self, rate_id: str) -> AsyncIterator[wire.Transaction]:
        async for one in self._transactions({"rate": rate_id}, RATE_PAGES_MAX):
            yield one

    async def _known(self, transaction_id: str) -> wire.Transaction | None:
        try:
            return await self._client.get("resolve", f"/transactions/{transaction_id}", wire.Transaction)
        except Refusal as error:
            if error.failure.code == "not-found":
                return None
            raise

    async def _recent(self) -> AsyncIterator[wire.Transaction]:
        """Newest first, so the first one that is too old ends it. Shippo searches neither metadata nor numbers."""
        oldest = datetime.now(UTC) - timedelta(days=RECENT_DAYS_MAX)
        async for one in self._transactions({}, RECENT_PAGES_MAX):
            if one.object_created and one.object_created.astimezone(UTC) < oldest:
                return
            yield one

    async def _transactions(self, query: Mapping[str, str], pages_max: int) -> AsyncIterator[wire.Transaction]:
        for number in range(1, pages_max + 1):
            paged: dict[str, str | int] = {**query, "page": number, "results": wire.PAGE_SIZE_MAX}
            page = await self._client.get("find_labels", "/transactions", wire.Page[wire.Transaction], paged)
            for one in page.results:
                yield one
            if not page.next:
                return


def _sold(reference: str, found: wire.Transaction, rate: Rate) -> Label:
    label = mapping.LABEL.read(found, reference=reference, at=rate)
    if label.state is LabelState.FAILED:
        raise mapping.not_sold(found)
    return label


def _sold_now(label: Label, found: wire.Transaction) -> Label:
    now = _as_now(label, found)
    if now.state is LabelState.FAILED:
        raise mapping.not_sold(found)
    return now


def _as_now(label: Label, found: wire.Transaction) -> Label:
    now = mapping.LABEL.read(found, reference="", at=None)
    return label.model_copy(
        update={
            "state": now.state,
            "tracking_number": now.tracking_number or label.tracking_number,
            "tracking_page": now.tracking_page or label.tracking_page,
            "label_page": now.label_page or label.label_page,
        }
    )


def _metadata(text: str) -> str:
    if len(text) > wire.METADATA_LENGTH_MAX:
        problem = Problem(field="reference", reason="is too long: the effect key must fit 100 characters")
        raise Refusal("key-too-long", "Shippo's metadata holds 100 characters", problems=[problem])
    return text


def _segment(text: str) -> str:
    """A value as one segment of a path. Refusal when it could lead elsewhere."""
    if not text or not all(sign.isalnum() or sign in "-_." for sign in text) or set(text) <= {"."}:
        problem = Problem(field="number", reason="may only hold letters, digits, dots, dashes and underscores")
        raise Refusal("bad-number", "this cannot be an id of Shippo's", problems=[problem])
    return text
