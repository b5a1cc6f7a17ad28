"""The records of one simulated Salesforce organisation: made, read, changed and deleted by its rules.

Each record is a document of its object type's name, under its 18-character id. What the API writes under a
`Seamline_Key__c` is an effect: `write-invoice`, `mark-reversed` (undoes it) and `create-task`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from seamline.simulator.salesforce_ids import new_id
from seamline.simulator.salesforce_objects import CLOSED, REVERSED, STAGES, TYPES, WON, ObjectType
from seamline.simulator.salesforce_values import Problem, checked_id, seconds_text, taken
from seamline.simulator.world import Body, World, now

SYSTEM = "salesforce"
_TELLING = ("StageName", "Amount", "CloseDate", "Probability")
"""A change of these makes a line in an opportunity's history."""
Saved = Callable[[Body | None, Body], None]
"""Told of an opportunity as it was (None for a new one) and as it is."""


class Records:
    """The organisation of one connection, as one user works in it. Use within a transaction."""

    def __init__(self, world: World, connection: str, *, user: str, over_api: bool, saved: Saved | None = None) -> None:
        self.world = world
        self.connection = connection
        self._user = user
        self._over_api = over_api
        self._saved = saved
        self._before: dict[str, Body | None] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside land together, and each opportunity that changed is told once."""
        with self.world.transaction():
            yield
            for record_id, before in self._before.items():
                after = self.world.get(self.connection, "Opportunity", record_id)
                if self._saved and after is not None and before != after:
                    self._saved(before, after)
            self._before.clear()

    # -- reading -----------------------------------------------------------------------------------------------------

    def get(self, kind: ObjectType, text: str) -> Body:
        """The live record that an address names."""
        return self._live(kind, checked_id(text, kind))

    def by_external_id(self, kind: ObjectType, name: str, value: str) -> list[Body]:
        """The live records whose external id has this value."""
        field = kind.fields.get(name)
        if field is None or not field.external_id:
            text = f"Provided external ID field does not exist or is not accessible: {name}"
            raise Problem("NOT_FOUND", text, status=404)
        return self.find(kind, {name: value})

    def find(self, kind: ObjectType, where: Mapping[str, Any] | None = None) -> list[Body]:
        """The live records whose fields equal `where`, oldest first."""
        return [one for one in self.world.find(self.connection, kind.name, where) if not one["IsDeleted"]]

    def _live(self, kind: ObjectType, record_id: str) -> Body:
        record = self.world.get(self.connection, kind.name, record_id)
        if record is None:
            raise Problem("NOT_FOUND", "The requested resource does not exist", status=404)
        if record["IsDeleted"]:
            raise Problem("ENTITY_IS_DELETED", "entity is deleted", [], status=404)
        return record

    # -- writing -----------------------------------------------------------------------------------------------------

    def create(self, kind: ObjectType, values: Mapping[str, Any]) -> str:
        """Make a record; its id."""
        self._writable(kind)
        given = self._checked(kind, values)
        record_id = new_id(kind.prefix, self.world.next_id(self.connection, kind.name))
        stamp = seconds_text(now())
        record: Body = {name: field.default for name, field in kind.fields.items()}
        record |= given | {"Id": record_id, "CreatedDate": stamp}
        if "OwnerId" in kind.fields and not record["OwnerId"]:
            record["OwnerId"] = self._user
        self._check_required(kind, record)
        self._save(kind, None, record)
        return record_id

    def update(self, kind: ObjectType, record_id: str, values: Mapping[str, Any]) -> None:
        """Change a live record."""
        self._writable(kind)
        before = self._live(kind, record_id)
        record = before | self._checked(kind, values, record_id)
        self._check_required(kind, record)
        self._save(kind, before, record)

    def delete(self, kind: ObjectType, record_id: str) -> None:
        """Delete a live record; an opportunity takes its lines and instalments with it."""
        self._writable(kind)
        record = self._live(kind, record_id)
        if kind.name == "Account" and self.find(TYPES["Opportunity"], {"AccountId": record_id, "IsWon": True}):
            text = "Your attempt to delete the account could not be completed because it has closed won opportunities."
            raise Problem("DELETE_FAILED", text, [])
        self._put(kind, record | {"IsDeleted": True})
        if kind.name == "Opportunity":
            for child, field in (
                ("OpportunityLineItem", "OpportunityId"),
                ("Seamline_Instalment__c", "Opportunity__c"),
            ):
                for one in self.find(TYPES[child], {field: record_id}):
                    self._put(TYPES[child], one | {"IsDeleted": True})
        elif kind.name == "OpportunityLineItem":
            self._add_up(record["OpportunityId"])

    def _writable(self, kind: ObjectType) -> None:
        if self._over_api and not kind.over_api:
            text = f"entity type {kind.name} does not support create, update or delete"
            raise Problem("INVALID_TYPE_FOR_OPERATION", text)

    def _checked(self, kind: ObjectType, values: Mapping[str, Any], record_id: str = "") -> Body:
        given: Body = {}
        for name, value in values.items():
            field = kind.fields.get(name)
            if name == "attributes":
                continue
            if field is None:
                raise Problem("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
            if name == "Id":
                raise Problem("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
            if self._over_api and not field.writable:
                text = f"Unable to create/update fields: {name}. Please check the security settings of this field and"
                text += " verify that it is read/write for your profile or permission set."
                raise Problem("INVALID_FIELD_FOR_INSERT_UPDATE", text, [name])
            given[name] = taken(field, value)
            if field.type == "reference" and given[name]:
                self._check_reference(given[name], field.refers_to)
            if field.external_id and given[name]:
                self._check_unique(kind, name, given[name], record_id)
        return given

    def _check_reference(self, record_id: str, kinds: tuple[str, ...]) -> None:
        found = next(filter(None, (self.world.get(self.connection, kind, record_id) for kind in kinds)), None)
        if found is None:
            raise Problem("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        if found["IsDeleted"]:
            raise Problem("ENTITY_IS_DELETED", "entity is deleted", [])

    def _check_unique(self, kind: ObjectType, name: str, value: str, record_id: str) -> None:
        for one in self.find(kind, {name: value}):
            if one["Id"] != record_id:
                text = f"duplicate value found: {name} duplicates value on record with id: {one['Id']}"
                raise Problem("DUPLICATE_VALUE", text, [])

    @staticmethod
    def _check_required(kind: ObjectType, record: Body) -> None:
        missing = [field.name for field in kind.fields.values() if field.required and record[field.name] is None]
        if missing:
            text = f"Required fields are missing: [{', '.join(missing)}]"
            raise Problem("REQUIRED_FIELD_MISSING", text, missing)

    # -- what follows from a change ----------------------------------------------------------------------------------

    def _save(self, kind: ObjectType, before: Body | None, record: Body) -> None:
        record |= self._derived(kind, before, record)
        self._put(kind, record)
        match kind.name:
            case "Opportunity":
                self._keep_history(before, record)
            case "OpportunityLineItem":
                self._add_up(record["OpportunityId"])
            case "Seamline_Invoice__c" | "Task" if self._over_api and record["Seamline_Key__c"]:
                self._enter(kind, before, record)

    def _put(self, kind: ObjectType, record: Body) -> None:
        stamp = seconds_text(now())
        if kind.name == "Opportunity":
            self._before.setdefault(record["Id"], self.world.get(self.connection, kind.name, record["Id"]))
        record |= {"LastModifiedDate": stamp, "SystemModstamp": stamp, "LastModifiedById": self._user}
        self.world.put(self.connection, kind.name, record["Id"], record)

    def _derived(self, kind: ObjectType, before: Body | None, record: Body) -> Body:
        """The fields that Salesforce fills itself."""
        match kind.name:
            case "Contact":
                return {"Name": " ".join(filter(None, (record["FirstName"], record["LastName"])))}
            case "Opportunity":
                stage = record["StageName"]
                moved = before is None or before["StageName"] != stage
                derived = {"IsWon": stage == WON, "IsClosed": stage in CLOSED}
                derived |= {"Probability": STAGES[stage]} if moved else {}
                # As in the real one: a new opportunity has no change of its stage yet.
                derived |= {"LastStageChangeDate": seconds_text(now())} if moved and before else {}
                # Amount adds up the lines where there are any, and what is written over the API is passed over.
                keeps = self._over_api and before is not None and before["HasOpportunityLineItem"]
                return derived | ({"Amount": before["Amount"]} if keeps and before else {})
            case "OpportunityLineItem":
                deal = self._live(TYPES["Opportunity"], record["OpportunityId"])
                product = self._live(TYPES["Product2"], record["Product2Id"])
                return {
                    "Name": f"{deal['Name']} {product['Name']}"[:255],
                    "ProductCode": product["ProductCode"],
                    "CurrencyIsoCode": deal["CurrencyIsoCode"],
                    "TotalPrice": line_total(record["Quantity"], record["UnitPrice"], record["Discount"]),
                }
            case "Seamline_Instalment__c":
                deal = self._live(TYPES["Opportunity"], record["Opportunity__c"])
                return {"CurrencyIsoCode": deal["CurrencyIsoCode"]}
            case "Seamline_Invoice__c":
                return {"Name": record["Number__c"] or record["Id"]}
        return {}

    def _add_up(self, deal_id: str) -> None:
        """Make the opportunity's amount the sum of its lines."""
        kind = TYPES["Opportunity"]
        deal = self._live(kind, deal_id)
        lines = self.find(TYPES["OpportunityLineItem"], {"OpportunityId": deal_id})
        total = float(sum((Decimal(str(one["TotalPrice"])) for one in lines), Decimal(0)))
        changed = deal | {"HasOpportunityLineItem": bool(lines), "Amount": total}
        self._put(kind, changed)
        self._keep_history(deal, changed)

    def _keep_history(self, before: Body | None, deal: Body) -> None:
        if before is not None and all(before[name] == deal[name] for name in _TELLING):
            return
        kind = TYPES["OpportunityHistory"]
        line: Body = {name: field.default for name, field in kind.fields.items()}
        line |= {name: deal[name] for name in _TELLING}
        line["Id"] = new_id(kind.prefix, self.world.next_id(self.connection, kind.name))
        self._put(kind, line | {"OpportunityId": deal["Id"], "CreatedDate": seconds_text(now())})

    def _enter(self, kind: ObjectType, before: Body | None, record: Body) -> None:
        """Put into the ledger what the API did under a key of ours."""
        key, record_id = record["Seamline_Key__c"], record["Id"]
        mark = {"object_id": record_id, "key": key, "reference": key.partition("/")[0]}
        if kind.name == "Task":
            if before is None:
                self.world.record_effect(self.connection, SYSTEM, "create-task", **mark)
            return
        amount = None if record["Amount__c"] is None else f"{record['Amount__c']:.2f}"
        mark |= {"amount": amount, "currency": record["CurrencyIsoCode"]}
        stood = before is not None and before["Status__c"] != REVERSED
        stands = record["Status__c"] != REVERSED
        changed = before is None or any(before[name] != record[name] for name in ("Number__c", "Amount__c"))
        if stands and (not stood or changed):
            self.world.record_effect(self.connection, SYSTEM, "write-invoice", **mark)
        elif stood and not stands:
            self.world.record_effect(self.connection, SYSTEM, "mark-reversed", undoes=record_id, **mark)


def line_total(quantity: float, unit_price: float, discount: float | None) -> float:
    """What a line costs, rounded once."""
    factor = (100 - Decimal(str(discount or 0))) / 100
    total = Decimal(str(quantity)) * Decimal(str(unit_price)) * factor
    return float(total.quantize(Decimal("0.01"), ROUND_HALF_UP))
