"""HubSpot's communication preferences v3: what mail a person takes, by address, with the legal basis.

Whoever unsubscribed is subscribed again only with a legal basis and its explanation, and whoever opted out of all mail
not at all: that is theirs to take back. Our effect key stands in the explanation. Sources:
https://developers.hubspot.com/docs/api-reference/legacy/communication-preferences/v3/subscribe-contact
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import StrEnum

from seamline.simulator.hubspot_answers import SYSTEM, Refused
from seamline.simulator.hubspot_lifecycle import NO_MARKS, Source
from seamline.simulator.keys import marks_of
from seamline.simulator.world import Body, World

RECIPIENT = "hubspot-recipient"
MADE_AT = "2025-01-01T00:00:00.000Z"
DEFINITIONS = {
    "101": ("Marketing Information", "Marketing offers and updates.", "Marketing"),
    "102": ("Customer Service Communication", "Receive feedback requests and service information.", "Customer Service"),
    "103": ("One to One", "One to One emails", "Sales"),
}
BASES = (
    "LEGITIMATE_INTEREST_PQL",
    "LEGITIMATE_INTEREST_CLIENT",
    "PERFORMANCE_OF_CONTRACT",
    "CONSENT_WITH_NOTICE",
    "NON_GDPR",
    "PROCESS_AND_STORE",
    "LEGITIMATE_INTEREST_OTHER",
)


class Consent(StrEnum):
    """What a person said to all mail."""

    GIVEN = "given"
    """Subscribed, with notice."""
    DOUBT = "doubt"
    """Subscribed, but nobody noted on what legal basis."""
    NONE = "none"
    """Never asked."""
    WITHDRAWN = "withdrawn"
    """Opted out of all mail."""


class Subscriptions:
    """Who takes what mail in one account. `opted_out(address, yes)` is told who opts out of all of it."""

    def __init__(self, world: World, connection: str, opted_out: Callable[[str, bool], None]) -> None:
        self.world = world
        self.connection = connection
        self._opted_out = opted_out

    def definitions(self) -> Body:
        """The kinds of mail."""
        return {
            "subscriptionDefinitions": [
                {
                    "id": number,
                    "name": name,
                    "description": description,
                    "purpose": purpose,
                    "communicationMethod": "Email",
                    "isActive": True,
                    "isDefault": True,
                    "isInternal": purpose == "Sales",
                    "createdAt": MADE_AT,
                    "updatedAt": MADE_AT,
                }
                for number, (name, description, purpose) in DEFINITIONS.items()
            ]
        }

    def status(self, address: str) -> Body:
        """What this address takes."""
        recipient = self._recipient(address)
        statuses = [_shown(recipient, number) for number in DEFINITIONS]
        return {"recipient": address, "subscriptionStatuses": statuses}

    def subscribe(self, body: Body) -> Body:
        """Subscribe an address to one kind of mail."""
        recipient, number = self._asked(body)
        if not (body.get("legalBasis") and body.get("legalBasisExplanation")):
            text = "Legal Basis is required for resubscribing a contact on GDPR enabled portals"
            raise Refused(400, "VALIDATION_ERROR", text)
        if recipient["opted_out"]:
            text = "The contact has opted out of all email and cannot be subscribed by an integration."
            raise Refused(400, "VALIDATION_ERROR", text)
        return self._change(recipient, number, "SUBSCRIBED", body)

    def unsubscribe(self, body: Body) -> Body:
        """Unsubscribe an address from one kind of mail."""
        recipient, number = self._asked(body)
        return self._change(recipient, number, "NOT_SUBSCRIBED", body)

    def say(self, address: str, consent: Consent) -> None:
        """What a person says to all mail, or staff note for them."""
        recipient = self._recipient(address)
        basis = {"legalBasis": "CONSENT_WITH_NOTICE", "legalBasisExplanation": "Signed up on our website."}
        subscribed = {"status": "SUBSCRIBED"} | (basis if consent is Consent.GIVEN else {})
        takes = consent in (Consent.GIVEN, Consent.DOUBT)
        for number in DEFINITIONS:
            self._take_back(recipient, number, "subscription-by-hand", Source.PEOPLE, "")
            recipient["statuses"][number] = subscribed if takes else {"status": "NOT_SUBSCRIBED"}
        recipient["opted_out"] = consent is Consent.WITHDRAWN
        self._save(recipient)
        self._opted_out(recipient["email"], recipient["opted_out"])

    def forget(self, address: str) -> None:
        """Nothing of the person stays but a digest of the address, so that no mail goes there."""
        self.say(address, Consent.WITHDRAWN)
        self._save(self._recipient(address) | {"email": _digest(address)})

    # -- the work ------------------------------------------------------------------------------------------------------

    def _asked(self, body: Body) -> tuple[Body, str]:
        missing = [name for name in ("emailAddress", "subscriptionId") if not isinstance(body.get(name), str)]
        if missing:
            text = (
                f"Cannot build PublicUpdateSubscriptionStatusRequest, some of required attributes are not set {missing}"
            )
            raise Refused(400, "VALIDATION_ERROR", f"Invalid input JSON on line 1, column 2: {text}")
        if body["subscriptionId"] not in DEFINITIONS:
            raise Refused(400, "VALIDATION_ERROR", f"Subscription {body['subscriptionId']} does not exist.")
        if body.get("legalBasis") not in (None, *BASES):
            raise Refused(400, "VALIDATION_ERROR", f"legalBasis must be one of {', '.join(BASES)}")
        return self._recipient(body["emailAddress"]), body["subscriptionId"]

    def _recipient(self, address: str) -> Body:
        """What is known of an address; nothing is kept before something changes."""
        for kept in (address.lower(), _digest(address)):
            if known := self.world.find(self.connection, RECIPIENT, {"email": kept}):
                return known[0]
        return {"id": "", "email": address.lower(), "opted_out": False, "statuses": {}, "private": {}}

    def _change(self, recipient: Body, number: str, wanted: str, body: Body) -> Body:
        """Change one status. What is so already keeps its legal basis, and nothing happened."""
        if recipient["statuses"].get(number, {}).get("status", "NOT_SUBSCRIBED") != wanted:
            recipient["id"] = recipient["id"] or str(self.world.next_id(self.connection, RECIPIENT))
            explanation = str(body.get("legalBasisExplanation") or "")
            if wanted == "SUBSCRIBED":
                self._take_back(recipient, number, "resume-prospect-mail", Source.API, explanation)
            else:
                marks = marks_of(explanation) or NO_MARKS
                recipient["private"][number] = marks
                object_id = f"subscription-{number}/{recipient['id']}"
                self.world.record_effect(self.connection, SYSTEM, "stop-prospect-mail", object_id=object_id, **marks)
            basis = {name: body[name] for name in ("legalBasis", "legalBasisExplanation") if body.get(name)}
            recipient["statuses"][number] = {"status": wanted} | basis
            self._save(recipient)
        return _shown(recipient, number)

    def _take_back(self, recipient: Body, number: str, operation: str, source: Source, explanation: str) -> None:
        """Enter that what we stopped goes on. A subscription that we never stopped is an effect of its own."""
        stopped = recipient["private"].pop(number, None)
        object_id = f"subscription-{number}/{recipient['id']}"
        marks = marks_of(explanation) or stopped or NO_MARKS
        if stopped:
            self.world.record_effect(self.connection, SYSTEM, operation, object_id=object_id, undoes=object_id, **marks)
        elif source is Source.API:
            self.world.record_effect(self.connection, SYSTEM, operation, object_id=object_id, **marks)

    def _save(self, recipient: Body) -> None:
        recipient["id"] = recipient["id"] or str(self.world.next_id(self.connection, RECIPIENT))
        self.world.put(self.connection, RECIPIENT, recipient["id"], recipient)


def _digest(address: str) -> str:
    return hashlib.sha256(address.lower().encode()).hexdigest()


def _shown(recipient: Body, number: str) -> Body:
    name, description, _ = DEFINITIONS[number]
    answer: Body = {"id": number, "name": name, "description": description, "status": "NOT_SUBSCRIBED"}
    answer |= {"sourceOfStatus": "SUBSCRIPTION_STATUS", "brandId": None, "preferenceGroupName": None}
    answer |= {"legalBasis": None, "legalBasisExplanation": None} | recipient["statuses"].get(number, {})
    return answer | ({"sourceOfStatus": "PORTAL_WIDE_STATUS"} if recipient["opted_out"] else {})
