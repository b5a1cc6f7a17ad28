"""The life of Shippo's labels: bought, perhaps later than asked, followed, refunded days later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from seamline.simulator.faults import FaultKind
from seamline.simulator.keys import Marks, marks_of
from seamline.simulator.shippo_rates import LABEL_WEIGHT_KG_MAX, postcode_problem
from seamline.simulator.vendor import WorldError
from seamline.simulator.world import Body, World, now

SYSTEM = "shippo"
_DETAILS = {
    "PRE_TRANSIT": "The carrier has received the electronic shipment information.",
    "TRANSIT": "Your shipment has departed from the origin.",
    "DELIVERED": "Your shipment has been delivered.",
    "RETURNED": "Your shipment has been returned to the sender.",
    "FAILURE": "The carrier has lost the shipment.",
}


def new_id() -> str:
    """An object id as Shippo makes them: 32 hexadecimal digits."""
    return uuid4().hex


def stamps(connection: str, object_id: str) -> Body:
    """The fields that every object of Shippo has."""
    at = iso(now())
    return {
        "object_created": at,
        "object_updated": at,
        "object_id": object_id,
        "object_owner": f"{connection}@simulator.example",
        "test": True,
    }


def iso(at: datetime) -> str:
    """A time as Shippo writes it, UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def marks(metadata: str) -> Marks:
    """Reference and key out of a label's metadata, which can hold the key alone, both, or something of other people."""
    return marks_of(metadata) or Marks(reference=metadata, key="")


def track_of(parcel: Body) -> Body:
    """A parcel as `GET /tracks` and webhooks show it; one that no carrier knows has no history."""
    history = [_tracking(event) for event in parcel["history"]]
    answer: Body = {
        "carrier": parcel["carrier"],
        "tracking_number": parcel["number"],
        "address_from": {},
        "servicelevel": parcel.get("servicelevel", {}),
        "tracking_history": history,
        "messages": [],
    }
    if not history:
        return answer
    return answer | {
        "transaction": parcel["transaction"],
        "metadata": parcel["metadata"],
        "tracking_status": history[-1],
    }


class Labels:
    """Labels and parcels of all Shippo's accounts in this world. `tell(connection, event, object)` sends webhooks."""

    def __init__(self, world: World, tell: Callable[[str, str, Body], None]) -> None:
        self.world = world
        self._tell = tell
        world.on("shippo.label-due", self._finish)
        world.on("shippo.refund-due", self._settle_refund)
        world.on("shippo.in-transit", self._in_transit)
        world.on("shippo.delivered", self._delivered)
        world.watch("ship", self._shipped)

    def buy(self, connection: str, rate: Body, request: Body, *, base_url: str, refusal: str | None) -> Body:
        """Buy a label, at once, or queued when asked for so and the world is slow. Returns the transaction."""
        object_id = new_id()
        queued_seconds = self.world.settings.label_queued_seconds if request["async"] else 0
        label = stamps(connection, object_id) | {
            "object_state": "VALID",
            "status": "QUEUED",
            "created_by": None,
            "rate": rate["object_id"],
            "metadata": request["metadata"],
            "label_file_type": request["label_file_type"],
            "label_url": "",
            "tracking_number": "",
            "tracking_status": "UNKNOWN",
            "tracking_url_provider": "",
            "messages": [],
            "private": {"base_url": base_url, "refusal": refusal},
        }
        with self.world.transaction():
            self.world.put(connection, "transaction", object_id, label)
            if queued_seconds:
                self.world.schedule(queued_seconds, "shippo.label-due", connection, object_id)
            else:
                self._finish(connection, object_id, now())
        return self._get(connection, "transaction", object_id)

    def refund(self, connection: str, label: Body) -> Body:
        """Ask for the money of a bought label back. Returns the refund, which is confirmed when due."""
        object_id = new_id()
        refund = stamps(connection, object_id) | {"status": "QUEUED", "transaction": label["object_id"]}
        with self.world.transaction():
            self.world.put(connection, "refund", object_id, refund)
            self._set(connection, "transaction", label, status="REFUNDPENDING")
            self._record(connection, "request-refund", label, object_id, undoes=label["object_id"])
            self.world.schedule(self.world.settings.refund_after_seconds, "shippo.refund-due", connection, object_id)
        return refund

    def move_parcel(self, number: str, state: str) -> Body:
        """Move a parcel by hand. WorldError when no label has this number."""
        for connection, system in self.world.connections().items():
            parcel = self.world.get(connection, "parcel", number) if system == SYSTEM else None
            if parcel is not None:
                return self._move(connection, parcel, state, now())
        raise WorldError(f"number: no label was bought with the tracking number {number}", 404)

    # -- what happens when due ---------------------------------------------------------------------------------------

    def _finish(self, connection: str, object_id: str, at: datetime) -> None:
        label = self._get(connection, "transaction", object_id)
        rate = self._get(connection, "rate", label["rate"])
        refusal = label["private"]["refusal"] or _refusal(rate)
        if refusal:
            message = {"source": rate["provider"], "code": "", "text": refusal}
            self._set(connection, "transaction", label, status="ERROR", object_state="INVALID", messages=[message])
            return
        number = f"SIM{self.world.next_id('*', 'parcel', 100_000_001)}{rate['private']['destination']}"
        pages = f"{label['private']['base_url']}objects/{connection}"
        self._set(
            connection,
            "transaction",
            label,
            status="SUCCESS",
            label_url=f"{pages}/transaction/{object_id}",
            tracking_number=number,
            tracking_url_provider=f"{pages}/parcel/{number}",
            tracking_status="PRE_TRANSIT",
        )
        parcel = {
            "number": number,
            "carrier": rate["private"]["carrier"],
            "servicelevel": rate["servicelevel"],
            "transaction": object_id,
            "metadata": label["metadata"],
            "history": [_event("PRE_TRANSIT", at)],
        }
        self._put_parcel(connection, parcel)
        self._record(connection, "buy-label", label, object_id, at=at)
        reference = marks(label["metadata"])["reference"]
        if rate["private"].get("back") or (reference and self._all_left(reference)):
            self._travels(connection, number)

    def _settle_refund(self, connection: str, object_id: str, at: datetime) -> None:
        refund = self._get(connection, "refund", object_id)
        label = self._get(connection, "transaction", refund["transaction"])
        fault = self.world.take_fault(connection, "refunds.confirm")
        scanned = label["tracking_status"] != "PRE_TRANSIT"
        if scanned or (fault is not None and fault.kind is FaultKind.REFUSE):
            self._set(connection, "refund", refund, status="ERROR")
            self._set(connection, "transaction", label, status="REFUNDREJECTED")
            self._record(connection, "refund-rejected", label, object_id, undoes=object_id, at=at)
        else:
            self._set(connection, "refund", refund, status="SUCCESS")
            self._set(connection, "transaction", label, status="REFUNDED")
            self._record(connection, "refund", label, object_id, undoes=label["object_id"], at=at)

    def _shipped(self, effect: Body) -> None:
        """The goods left the building, so the carrier has the parcel of that reference."""
        if not effect["reference"]:
            return
        for connection, system in self.world.connections().items():
            if system != SYSTEM:
                continue
            for label in self.world.find(connection, "transaction", {"status": "SUCCESS"}):
                waits = label["tracking_status"] == "PRE_TRANSIT"
                if waits and marks(label["metadata"])["reference"] == effect["reference"]:
                    self._travels(connection, label["tracking_number"])

    def _all_left(self, reference: str) -> bool:
        """Whether all goods held for it have left, so that a label bought now is for what is on its way."""
        known = self.world.effects(reference=reference)
        left = {one["object_id"] for one in known if one["operation"] in ("ship", "release")}
        return bool(left) and all(one["object_id"] in left for one in known if one["operation"] == "reserve")

    def _travels(self, connection: str, number: str) -> None:
        settings = self.world.settings
        if settings.autopilot:
            self.world.schedule(settings.transit_after_seconds, "shippo.in-transit", connection, number)

    def _in_transit(self, connection: str, number: str, at: datetime) -> None:
        self._move(connection, self._get(connection, "parcel", number), "TRANSIT", at)
        self.world.schedule(self.world.settings.deliver_after_seconds, "shippo.delivered", connection, number)

    def _delivered(self, connection: str, number: str, at: datetime) -> None:
        parcel = self._get(connection, "parcel", number)
        if parcel["history"][-1]["status"] == "TRANSIT":
            self._move(connection, parcel, "DELIVERED", at)

    def _move(self, connection: str, parcel: Body, state: str, at: datetime) -> Body:
        label = self._get(connection, "transaction", parcel["transaction"])
        with self.world.transaction():
            self._set(connection, "transaction", label, tracking_status=state)
            parcel["history"].append(_event(state, at))
            self._put_parcel(connection, parcel)
        return parcel

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _get(self, connection: str, kind: str, object_id: str) -> Body:
        body = self.world.get(connection, kind, object_id)
        if body is None:
            raise LookupError(f"{kind} {object_id} is not in the world")
        return body

    def _set(self, connection: str, kind: str, body: Body, **changes: Any) -> None:
        body |= changes | {"object_updated": iso(now())}
        self.world.put(connection, kind, body["object_id"], body)
        if kind == "transaction":
            rate = _told_rate(self._get(connection, "rate", body["rate"]))
            self._tell(connection, "transaction_updated", body | {"rate": rate})

    def _put_parcel(self, connection: str, parcel: Body) -> None:
        self.world.put(connection, "parcel", parcel["number"], parcel)
        self._tell(connection, "track_updated", track_of(parcel))

    def _record(
        self,
        connection: str,
        operation: str,
        label: Body,
        object_id: str,
        *,
        undoes: str | None = None,
        at: datetime | None = None,
    ) -> None:
        rate = self._get(connection, "rate", label["rate"])
        self.world.record_effect(
            connection,
            SYSTEM,
            operation,
            object_id=object_id,
            amount=rate["amount"],
            currency=rate["currency"],
            undoes=undoes,
            at=at,
            **marks(label["metadata"]),
        )


def _refusal(rate: Body) -> str | None:
    private = rate["private"]
    if private["undeclared"]:
        return "A customs declaration is required for international shipments."
    if float(private["weight_kg"]) > LABEL_WEIGHT_KG_MAX:
        return f"The weight of the shipment exceeds the limit of {LABEL_WEIGHT_KG_MAX} kg of this service."
    return postcode_problem(private["postcode"], private["destination"])


def _event(state: str, at: datetime) -> Body:
    return {"status": state, "status_details": _DETAILS[state], "at": iso(at), "object_id": new_id()}


def _tracking(event: Body) -> Body:
    return {
        "object_id": event["object_id"],
        "object_created": event["at"],
        "object_updated": event["at"],
        "status": event["status"],
        "status_details": event["status_details"],
        "status_date": event["at"],
        "location": {},
    }


def _told_rate(rate: Body) -> Body:
    """The rate within a label's webhook: whole, but flat."""
    names = ("object_id", "amount", "currency", "amount_local", "currency_local", "provider", "carrier_account")
    service = rate["servicelevel"]
    return {name: rate[name] for name in names} | {
        "servicelevel_name": service["name"],
        "servicelevel_token": service["token"],
    }
