"""One account of HubSpot: its objects and its mail subscriptions, which know of each other."""

from __future__ import annotations

from seamline.simulator.hubspot_lifecycle import Source
from seamline.simulator.hubspot_properties import CONTACTS
from seamline.simulator.hubspot_records import Records
from seamline.simulator.hubspot_subscriptions import Subscriptions
from seamline.simulator.hubspot_webhooks import Webhooks
from seamline.simulator.world import Body, World


class Account:
    """What one account holds."""

    def __init__(self, world: World, connection: str, webhooks: Webhooks) -> None:
        self.records = Records(world, connection, webhooks.tell)
        self.subscriptions = Subscriptions(world, connection, self._opted_out)

    def forget(self, contact: Body, source: Source) -> None:
        """Delete a person for good."""
        if address := contact["properties"].get("email"):
            self.subscriptions.forget(address)
        self.records.forget(self.records.found(CONTACTS, contact["id"]), source)

    def _opted_out(self, address: str, opted_out: bool) -> None:
        """The contact shows whether it opted out of all mail."""
        contact = self.records.look_up(CONTACTS, address, "email")
        if contact:
            self.records.keep(contact, "hs_email_optout", "true" if opted_out else "")
