"""The simulated shop's objects as the GraphQL schema names them; links are resolved only when asked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from seamline.simulator.shopify_account import account_of, location_view, locations
from seamline.simulator.shopify_money_views import View, bags, order_money
from seamline.simulator.shopify_orders import fulfilment_orders, fulfilments, gid
from seamline.simulator.world import Body, World

_OPEN = ("OPEN", "IN_PROGRESS")
_ACTIONS = {
    "OPEN": ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT"),
    "IN_PROGRESS": ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"),
    "ON_HOLD": ("RELEASE_HOLD", "HOLD", "MOVE"),
    "SCHEDULED": ("MARK_AS_OPEN", "MOVE"),
}
_HOLD_NAMES = {
    "AWAITING_PAYMENT": "Awaiting payment",
    "HIGH_RISK_OF_FRAUD": "High risk of fraud",
    "INCORRECT_ADDRESS": "Incorrect address",
    "INVENTORY_OUT_OF_STOCK": "Inventory out of stock",
}


@dataclass(frozen=True)
class Shop:
    """One connection's shop: reads documents and shows them as the schema's types."""

    world: World
    connection: str
    base: str
    """Where its pages are, without a slash at the end."""

    def shop(self) -> View:
        """The type Shop."""
        domain = f"{self.connection}.myshopify.example"
        account = account_of(self.world, self.connection)
        return {
            "id": gid("Shop", "1"),
            "name": self.connection,
            "myshopifyDomain": domain,
            "primaryDomain": {"id": gid("Domain", "1"), "host": domain, "url": self.base},
            "url": self.base,
            "email": f"shop@{domain}",
            "currencyCode": account["currency"],
            "ianaTimezone": "Europe/London",
            "plan": {
                "partnerDevelopment": not account["live"],
                "publicDisplayName": "Basic" if account["live"] else "Development",
                "shopifyPlus": False,
            },
        }

    def locations(self) -> list[View]:
        """The type Location, of all that are active."""
        return [location_view(one) for one in locations(self.world, self.connection)]

    def order(self, order: Body) -> View:
        """The type Order."""
        parts = fulfilment_orders(self.world, self.connection, order["id"])
        return {
            **_plain_order(order),
            **order_money(order),
            "displayFulfillmentStatus": display_status(parts),
            "fulfillable": any(part["status"] in _OPEN for part in parts),
            "statusPageUrl": f"{self.base}/objects/{self.connection}/order/{order['id']}",
            "lineItems": [self.line(order, line) for line in order["lines"]],
            "fulfillmentOrders": lambda: [self.fulfilment_order(part) for part in parts],
            "fulfillments": lambda: [
                self.fulfilment(one) for one in fulfilments(self.world, self.connection, order["id"])
            ],
        }

    def line(self, order: Body, line: Body) -> View:
        """The type LineItem."""
        bag = bags(order)
        price, quantity, discount = Decimal(line["unit_price"]), line["quantity"], Decimal(line["discount"])
        each = price - (discount / quantity if quantity else 0)
        weight = {"unit": "GRAMS", "value": float(line["weight_grams"])}
        item = {
            "id": gid("InventoryItem", line["variant_id"]),
            "sku": line["sku"],
            "tracked": True,
            "requiresShipping": line["requires_shipping"],
            "harmonizedSystemCode": line["hs_code"] or None,
            "countryCodeOfOrigin": line["origin"] or None,
            "measurement": {"id": gid("InventoryItemMeasurement", line["variant_id"]), "weight": weight},
        }
        variant = {
            "id": gid("ProductVariant", line["variant_id"]),
            "legacyResourceId": line["variant_id"],
            "sku": line["sku"],
            "title": "Default Title",
            "price": str(price),
            "inventoryItem": item,
        }
        return {
            "id": gid("LineItem", line["id"]),
            "name": line["title"],
            "title": line["title"],
            "quantity": quantity,
            "currentQuantity": line["current_quantity"],
            "unfulfilledQuantity": lambda: self._unfulfilled(order["id"], line["id"]),
            "nonFulfillableQuantity": 0,
            "refundableQuantity": line["current_quantity"],
            "sku": line["sku"] or None,
            "requiresShipping": line["requires_shipping"],
            "isGiftCard": line["gift_card"],
            "taxable": True,
            "originalUnitPriceSet": bag(price),
            "originalTotalSet": bag(price * quantity),
            "discountedUnitPriceSet": bag(each),
            "discountedUnitPriceAfterAllDiscountsSet": bag(each),
            "discountedTotalSet": bag(price * quantity - discount),
            "totalDiscountSet": bag(discount),
            "lineItemGroup": _group(line),
            "variant": variant,
            "product": {"id": gid("Product", line["variant_id"]), "title": line["title"]},
            "customAttributes": [],
        }

    def fulfilment_order(self, part: Body) -> View:
        """The type FulfillmentOrder."""
        order = self._order_of(part)
        location = location_view(part["location"])
        return {
            "id": gid("FulfillmentOrder", part["id"]),
            "status": part["status"],
            "requestStatus": "UNSUBMITTED",
            "createdAt": part["created_at"],
            "updatedAt": part["updated_at"],
            "fulfillAt": part["created_at"],
            "supportedActions": [{"action": action} for action in _ACTIONS.get(part["status"], ())],
            "deliveryMethod": {
                "id": gid("DeliveryMethod", part["id"]),
                "methodType": part["method"],
                "presentedName": part["service"],
                "serviceCode": part["service"],
            },
            "fulfillmentHolds": [hold_view(hold) for hold in part["holds"]],
            "assignedLocation": {"name": part["location"]["name"], "countryCode": "GB", "location": location},
            "internationalDuties": {"incoterm": order["incoterm"]} if order["incoterm"] else None,
            "destination": _destination(part, order),
            "lineItems": [self._part_line(order, line) for line in part["lines"]],
            "order": lambda: self.order(order),
            "orderId": gid("Order", order["id"]),
            "orderName": order["name"],
            "orderProcessedAt": order["created_at"],
            "fulfillments": lambda: [
                self.fulfilment(one)
                for one in fulfilments(self.world, self.connection, order["id"])
                if any(used["fulfilment_order_id"] == part["id"] for used in one["lines"])
            ],
        }

    def fulfilment(self, fulfilment: Body) -> View:
        """The type Fulfillment."""
        order = self._order_of(fulfilment)
        lines = {line["id"]: line for line in order["lines"]}
        parts = dict.fromkeys(used["fulfilment_order_id"] for used in fulfilment["lines"])
        return {
            "id": gid("Fulfillment", fulfilment["id"]),
            "legacyResourceId": fulfilment["id"],
            "name": fulfilment["name"],
            "status": fulfilment["status"],
            "displayStatus": "CANCELED" if fulfilment["status"] == "CANCELLED" else "FULFILLED",
            "createdAt": fulfilment["created_at"],
            "updatedAt": fulfilment["updated_at"],
            "requiresShipping": True,
            "totalQuantity": sum(used["quantity"] for used in fulfilment["lines"]),
            "trackingInfo": fulfilment["tracking"],
            "fulfillmentLineItems": [
                {
                    "id": gid("FulfillmentLineItem", used["id"]),
                    "lineItem": self.line(order, lines[used["line_id"]]),
                    "quantity": used["quantity"],
                }
                for used in fulfilment["lines"]
            ],
            "fulfillmentOrders": lambda: [self.fulfilment_order(self.read("fulfillment-order", one)) for one in parts],
            "location": lambda: next((self._location(one) for one in parts), None),
            "order": lambda: self.order(order),
        }

    def customer_return(self, made: Body) -> View:
        """The type Return."""
        order = self._order_of(made)
        lines = {line["id"]: line for line in order["lines"]}
        return {
            "id": gid("Return", made["id"]),
            "name": made["name"],
            "status": made["status"],
            "createdAt": made["created_at"],
            "totalQuantity": sum(line["quantity"] for line in made["lines"]),
            "order": lambda: self.order(order),
            "returnLineItems": [
                {
                    "__typename": "ReturnLineItem",
                    "id": gid("ReturnLineItem", line["id"]),
                    "quantity": line["quantity"],
                    "returnReason": line["reason"],
                    "returnReasonNote": line["note"],
                    "fulfillmentLineItem": {
                        "id": gid("FulfillmentLineItem", line["fulfilment_line_id"]),
                        "lineItem": self.line(order, lines[line["line_id"]]),
                        "quantity": line["quantity"],
                    },
                }
                for line in made["lines"]
            ],
        }

    def read(self, kind: str, number: str) -> Body:
        """A stored object that is known to exist."""
        body = self.world.get(self.connection, kind, number)
        if body is None:
            raise LookupError(f"{kind} {number} is missing from the world")
        return body

    def _location(self, part: str) -> View:
        return location_view(self.read("fulfillment-order", part)["location"])

    def _order_of(self, body: Body) -> Body:
        return self.read("order", body["order_id"])

    def _unfulfilled(self, order_id: str, line_id: str) -> int:
        parts = fulfilment_orders(self.world, self.connection, order_id)
        return sum(line["remaining"] for part in parts for line in part["lines"] if line["line_id"] == line_id)

    def _part_line(self, order: Body, part: Body) -> View:
        line = next(line for line in order["lines"] if line["id"] == part["line_id"])
        view = self.line(order, line)
        return {
            "id": gid("FulfillmentOrderLineItem", part["id"]),
            "lineItem": view,
            "totalQuantity": part["total"],
            "remainingQuantity": part["remaining"],
            "sku": view["sku"],
            "requiresShipping": line["requires_shipping"],
            "productTitle": line["title"],
            "weight": view["variant"]["inventoryItem"]["measurement"]["weight"],
            "inventoryItemId": view["variant"]["inventoryItem"]["id"],
            "variant": view["variant"],
        }


def hold_view(hold: Body) -> View:
    """The type FulfillmentHold."""
    return {
        "id": gid("FulfillmentHold", hold["id"]),
        "handle": hold["handle"],
        "reason": hold["reason"],
        "reasonNotes": hold["notes"],
        "displayReason": _HOLD_NAMES.get(hold["reason"], hold["reason"].capitalize().replace("_", " ")),
        "heldByRequestingApp": hold["ours"],
    }


def display_status(parts: list[Body]) -> str:
    """How far the order's fulfilment is, as the shop's admin shows it."""
    lines = [line for part in parts for line in part["lines"]]
    remaining = sum(line["remaining"] for line in lines)
    if lines and not remaining:
        return "FULFILLED"
    if any(part["status"] == "ON_HOLD" for part in parts):
        return "ON_HOLD"
    if remaining < sum(line["total"] for line in lines):
        return "PARTIALLY_FULFILLED"
    in_progress = any(part["status"] == "IN_PROGRESS" for part in parts)
    return "IN_PROGRESS" if in_progress else "UNFULFILLED"


def _plain_order(order: Body) -> View:
    number = order["id"]
    cancelled = order["cancelled_at"]
    recommendation = order["risk"]
    level = {"ACCEPT": "LOW", "INVESTIGATE": "MEDIUM", "CANCEL": "HIGH", "NONE": "NONE"}[recommendation]
    address = _address(order)
    line = _shipping_line(order)
    return {
        "id": gid("Order", number),
        "legacyResourceId": number,
        "name": order["name"],
        "number": int(number),
        "createdAt": order["created_at"],
        "updatedAt": order["updated_at"],
        "processedAt": order["created_at"],
        "test": order["test"],
        "confirmed": True,
        "closed": cancelled is not None,
        "closedAt": cancelled,
        "cancelledAt": cancelled,
        "cancelReason": order["cancel_reason"],
        "cancellation": {"staffNote": order["staff_note"]} if cancelled else None,
        "edited": any(one["quantity"] != one["current_quantity"] for one in order["lines"]),
        "returnStatus": "NO_RETURN",
        "requiresShipping": any(one["requires_shipping"] for one in order["lines"]),
        "currencyCode": order["currency"],
        "presentmentCurrencyCode": order["presentment_currency"] or order["currency"],
        "taxesIncluded": order["taxes_included"],
        "dutiesIncluded": order["duties_included"],
        "email": order["email"],
        "phone": order["phone"],
        "customerLocale": order["locale"],
        "note": order["note"],
        "tags": order["tags"],
        "customAttributes": [],
        "sourceName": "web",
        "paymentGatewayNames": list(dict.fromkeys(one["gateway"] for one in order["transactions"])),
        "shippingAddress": address,
        "billingAddress": address,
        "shippingLine": line,
        "shippingLines": [line] if line else [],
        "risk": {"assessments": [{"facts": _facts(order), "riskLevel": level}], "recommendation": recommendation},
        "currentSubtotalLineItemsQuantity": sum(one["current_quantity"] for one in order["lines"]),
        "currentTotalWeight": str(sum(one["weight_grams"] * one["current_quantity"] for one in order["lines"])),
    }


def _group(line: Body) -> View | None:
    """The bundle that a line is a component of. The bundle itself is no line, and no stock item."""
    if not line["bundle"]:
        return None
    return {"id": gid("LineItemGroup", line["id"]), "quantity": line["quantity"], "title": line["bundle"]}


def _facts(order: Body) -> list[View]:
    return [{"description": fact, "sentiment": "NEGATIVE"} for fact in order["risk_facts"]]


def _address(order: Body) -> View | None:
    address = order["address"]
    if address is None:
        return None
    name = " ".join(part for part in (address["firstName"], address["lastName"]) if part)
    lines = [name, address["company"], address["address1"], address["address2"]]
    lines += [f"{address['city'] or ''} {address['zip'] or ''}".strip(), address["country"]]
    view: View = address | {
        "id": gid("MailingAddress", order["id"]),
        "name": name,
        "formatted": [line for line in lines if line],
    }
    return view


def _destination(part: Body, order: Body) -> View | None:
    address = order["address"]
    if address is None or part["method"] != "SHIPPING":
        return None
    names = ("firstName", "lastName", "company", "address1", "address2", "city", "province", "zip", "phone")
    return {name: address[name] for name in names} | {
        "id": gid("FulfillmentOrderDestination", part["id"]),
        "countryCode": address["countryCodeV2"],
        "email": order["email"],
    }


def _shipping_line(order: Body) -> View | None:
    if order["service"] is None:
        return None
    price = bags(order)(order["money"]["shipping"])
    return {
        "id": gid("ShippingLine", order["id"]),
        "code": order["service"],
        "title": order["service"].capitalize(),
        "source": "shopify",
        "custom": False,
        "isRemoved": False,
        **dict.fromkeys(("originalPriceSet", "discountedPriceSet", "currentDiscountedPriceSet"), price),
    }
