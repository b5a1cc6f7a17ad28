"""Returns of the simulated shop: customers ask for them, staff open them, the app approves, declines, closes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seamline.simulator.shopify_acts import UserError
from seamline.simulator.shopify_orders import fulfilments, object_id, time_text
from seamline.simulator.shopify_webhooks import Webhooks
from seamline.simulator.world import Body, World

_TOPICS = {
    "REQUESTED": "returns/request",
    "OPEN": "returns/approve",
    "DECLINED": "returns/decline",
    "CLOSED": "returns/close",
    "CANCELED": "returns/cancel",
}


class Returns:
    """The returns of one shop."""

    def __init__(self, world: World, connection: str, webhooks: Webhooks) -> None:
        self.world = world
        self.connection = connection
        self.webhooks = webhooks

    def make(self, order: Body, wanted: Mapping[str, int], *, reason: str, note: str, status: str) -> Body:
        """A return of so many pieces, by SKU. UserError where that many were not shipped, or come back already."""
        lines = []
        for sku, count in wanted.items():
            left = count
            for sent in self._returnable(order, sku):
                taken = min(left, sent["quantity"])
                if taken:
                    lines.append(sent | {"id": object_id(self.world, self.connection), "quantity": taken})
                left -= taken
            if left:
                raise UserError(f"{left} of {count} {sku} cannot be returned", "returnLineItems")
        made_id = object_id(self.world, self.connection)
        made = {
            "id": made_id,
            "order_id": order["id"],
            "name": f"{order['name']}-R{len(self.of(order['id'])) + 1}",
            "created_at": time_text(),
            "lines": [line | {"reason": reason, "note": note} for line in lines],
        }
        return self.set_status(made, status)

    def of(self, order_id: str) -> list[Body]:
        """The order's returns, oldest first."""
        return self.world.find(self.connection, "return", {"order_id": order_id})

    def set_status(self, made: Body, status: str) -> Body:
        """Store it with this status and tell the subscribers."""
        made = made | {"status": status, "updated_at": time_text()}
        self.world.put(self.connection, "return", made["id"], made)
        order = self.world.get(self.connection, "order", made["order_id"])
        if order is not None:
            self.webhooks.order_event(_TOPICS[status], order, payload(made))
        return made

    def reference_of(self, made: Body) -> str:
        """How a return is referred to: by its order and its own id."""
        return f"{self.connection}:{made['order_id']}-R{made['id']}"

    def _returnable(self, order: Body, sku: str) -> Sequence[Body]:
        """What was shipped of an article, by line of a fulfilment, less what other returns are about."""
        ids = {line["id"] for line in order["lines"] if line["sku"] == sku}
        back: dict[str, int] = {}
        for line in (line for one in self.of(order["id"]) for line in one["lines"] if one["status"] not in _OVER):
            back[line["fulfilment_line_id"]] = back.get(line["fulfilment_line_id"], 0) + line["quantity"]
        return [
            {
                "fulfilment_line_id": used["id"],
                "line_id": used["line_id"],
                "quantity": used["quantity"] - back.get(used["id"], 0),
            }
            for sent in fulfilments(self.world, self.connection, order["id"])
            if sent["status"] == "SUCCESS"
            for used in sent["lines"]
            if used["line_id"] in ids
        ]


_OVER = ("DECLINED", "CANCELED")


def payload(made: Body) -> Body:
    """A return as webhooks show it, cut down to what identifies it and its state."""
    return {
        "id": int(made["id"]),
        "admin_graphql_api_id": f"gid://shopify/Return/{made['id']}",
        "order": {"id": int(made["order_id"]), "admin_graphql_api_id": f"gid://shopify/Order/{made['order_id']}"},
        "status": made["status"].lower(),
        "name": made["name"],
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
    }
