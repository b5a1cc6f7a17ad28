"""What the buttons of sales and shipments do in the simulated ERP, and which states show them.

As in Tryton 8.2 a shipment goes draft, waiting, assigned, picked, packed, shipped or done at once. `wait` takes an
assigned one back and frees its stock; `cancel` takes back any that has not left; from picked and packed only `cancel`
frees stock. The ledger has `reserve` when a shipment becomes assigned, `release` when that is taken back, `ship` when
done, all under the shipment's id, with the sale's `reference`, and its `description` as key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from seamline.simulator.tryton_models import Values
from seamline.simulator.tryton_packages import PackageWanted, filled, name_of, pack, packages_of, unpack
from seamline.simulator.tryton_records import Records, is_outgoing, out_of_domain
from seamline.simulator.tryton_seed import location
from seamline.simulator.tryton_values import UserError
from seamline.simulator.world import World, now

SYSTEM = "tryton"
PACK = "tryton.pack"
HAND_OVER = "tryton.hand-over"
PROCESS = "tryton.process"
SALE, LINE, SHIPMENT, MOVE = "sale.sale", "sale.line", "stock.shipment.out", "stock.move"
_SHOWN = {
    (SALE, "quote"): ("draft",),
    (SALE, "confirm"): ("quotation",),
    (SALE, "process"): ("confirmed", "processing", "done"),
    (SALE, "cancel"): ("draft", "quotation"),
    (SALE, "draft"): ("cancelled", "quotation", "confirmed"),
    (SHIPMENT, "wait"): ("draft", "waiting", "assigned"),
    (SHIPMENT, "pick"): ("assigned", "packed"),
    (SHIPMENT, "pack"): ("picked",),
    (SHIPMENT, "ship"): ("packed",),
    (SHIPMENT, "do"): ("packed", "shipped"),
    (SHIPMENT, "draft"): ("waiting", "cancelled"),
    (SHIPMENT, "cancel"): ("draft", "waiting", "assigned", "picked", "packed", "shipped"),
}


class Buttons:
    """The buttons, on the records of one connection. `at` is when effects count as done; `spare` leaves stock alone."""

    def __init__(self, records: Records, *, at: datetime | None = None, spare: bool = False) -> None:
        self.records = records
        self.at = at or now()
        self.spare = spare

    def press(self, model: str, record: Values, button: str) -> Callable[[], None] | None:
        """Press a button; returns what is to happen once the answer is made. KeyError when there is none."""
        actions: dict[tuple[str, str], Callable[[Values], Callable[[], None] | None]] = {
            (SALE, "quote"): self._quote,
            (SALE, "confirm"): self._confirm,
            (SALE, "process"): self._not_allowed,
            (SALE, "cancel"): lambda sale: self._set_state(SALE, sale, "cancelled"),
            (SALE, "draft"): lambda sale: self._set_state(SALE, sale, "draft"),
            (SHIPMENT, "wait"): self._wait,
            (SHIPMENT, "assign_try"): self._assign_try,
            (SHIPMENT, "pick"): self._pick,
            (SHIPMENT, "pack"): self._pack,
            (SHIPMENT, "ship"): lambda shipment: self._set_state(SHIPMENT, shipment, "shipped"),
            (SHIPMENT, "do"): self._do,
            (SHIPMENT, "draft"): self._draft,
            (SHIPMENT, "cancel"): self._cancel,
        }
        action = actions[model, button]
        if record["state"] not in _SHOWN.get((model, button), (record["state"],)):
            name = record.get("number") or record["id"]
            label = "Sale" if model == SALE else "Customer Shipment"
            raise UserError(f'You can not call "{button}" on "{name}" of "{label}".')
        return action(record)

    def _set_state(self, model: str, record: Values, state: str) -> None:
        self.records.set(model, record, state=state)

    def _not_allowed(self, sale: Values) -> None:
        """What Tryton's queue does by itself; of people only an administrator of sales may."""
        raise UserError('Calling button "process on "Sale" is not allowed.')

    def processed(self, sale: Values) -> None:
        """The queue comes to a sale."""
        if sale["state"] == "confirmed":
            self._process(sale)

    # -- sales -----------------------------------------------------------------------------------------------------

    def _quote(self, sale: Values) -> None:
        name = sale["number"] or sale["id"]
        lines = self.records.find(LINE, sale=sale["id"])
        if not lines:
            raise UserError(f'You can not call "quote" on "{name}" of "Sale".')
        for field, text in (("invoice_address", "an invoice address"), ("shipment_address", "a shipment address")):
            if sale[field] is None:
                raise UserError(f'To get a quote for sale "{name}" you must enter {text}.')
        if sale["warehouse"] is None:
            raise UserError(f'To get a quote for sale "{name}" you must enter a warehouse for its lines.')
        if sale["shipment_cost_method"] is not None:
            # Without a carrier the method has to be empty, as the module sale_shipment_cost demands.
            raise out_of_domain(SALE, "shipment_cost_method")
        number = sale["number"] or str(self.records.world.next_id(self.records.connection, "sale-number"))
        self.records.set(SALE, sale, state="quotation", number=number, quotation_date=self._today())

    def _confirm(self, sale: Values) -> Callable[[], None]:
        self.records.set(SALE, sale, state="confirmed", sale_date=sale["sale_date"] or self._today())
        # The real server processes a confirmed sale from its queue, so the answer still says `confirmed`.
        return lambda: self._process(sale)

    def _process(self, sale: Values) -> None:
        lines = [line for line in self.records.find(LINE, sale=sale["id"]) if self._is_shipped(line)]
        if lines and not self.records.find(MOVE, sale=sale["id"]):
            self._make_shipment(sale, lines)
        self.records.set(
            SALE, sale, state="processing", invoice_state="pending" if sale["invoice_method"] == "order" else "none"
        )
        self._tell_sale(sale)

    def _is_shipped(self, line: Values) -> bool:
        if line["type"] != "line" or not line["product"] or line["quantity"] <= 0:
            return False
        return bool(self.records.known("product.product", line["product"])["type"] == "goods")

    def _make_shipment(self, sale: Values, lines: list[Values]) -> None:
        shipment = self.records.add(
            SHIPMENT,
            company=sale["company"],
            customer=sale["shipment_party"] or sale["party"],
            delivery_address=sale["shipment_address"],
            warehouse=sale["warehouse"],
            state="draft",
        )
        output, customer = location(self.records, "storage", "OUT"), location(self.records, "customer")
        for line in lines:
            self._add_move(
                shipment,
                line,
                sale=sale["id"],
                origin=f"{LINE},{line['id']}",
                from_location=output["id"],
                to_location=customer["id"],
            )
        self._wait(shipment)

    def _add_move(self, shipment: Values, like: Values, **values: object) -> Values:
        return self.records.add(
            MOVE,
            company=shipment["company"],
            shipment=f"{SHIPMENT},{shipment['id']}",
            product=like["product"],
            unit=like["unit"],
            **{"quantity": like["quantity"], "state": "draft", **values},
        )

    def _tell_sale(self, sale: Values) -> None:
        """Bring the sale's shipment state up to date."""
        moves = [move for move in self.records.find(MOVE, sale=sale["id"]) if is_outgoing(move)]
        states = {move["state"] for move in moves}
        state = "none" if not moves else "exception" if "cancelled" in states else "waiting"
        if states == {"done"}:
            state = "sent"
        self.records.set(SALE, sale, shipment_state=state)

    # -- shipments -------------------------------------------------------------------------------------------------

    def _moves(self, shipment: Values, *, outgoing: bool) -> list[Values]:
        moves = self.records.find(MOVE, shipment=f"{SHIPMENT},{shipment['id']}")
        return [move for move in moves if is_outgoing(move) is outgoing]

    def _wait(self, shipment: Values) -> None:
        self._free(shipment)
        for move in self._moves(shipment, outgoing=False):
            self.records.set(MOVE, move, state="cancelled")
        storage = location(self.records, "storage", "STO")
        for move in self._moves(shipment, outgoing=True):
            self._add_move(
                shipment,
                move,
                origin=f"{MOVE},{move['id']}",
                from_location=storage["id"],
                to_location=move["from_location"],
            )
        number = shipment["number"] or str(self.records.world.next_id(self.records.connection, "shipment-number"))
        self.records.set(SHIPMENT, shipment, state="waiting", number=number)

    def _assign_try(self, shipment: Values) -> None:
        """Assign as much as there is; only when all is assigned the shipment is. Any other state is left alone."""
        if shipment["state"] != "waiting" or self.spare:
            return
        moves = [move for move in self._moves(shipment, outgoing=False) if move["state"] == "draft"]
        # Not a generator in all(): every line gets what there is, also after one that is short.
        if not all([self._assign(shipment, move) for move in moves]):
            return
        self._set_state(SHIPMENT, shipment, "assigned")
        self._record(shipment, "reserve")
        settings = self.records.world.settings
        if settings.autopilot:
            world, connection = self.records.world, self.records.connection
            world.schedule(settings.pack_after_seconds, PACK, connection, str(shipment["id"]))

    def _assign(self, shipment: Values, move: Values) -> bool:
        """Take stock for a move, splitting it when there is too little; whether all of it was there."""
        world, connection = self.records.world, self.records.connection
        sku = self._sku(move)
        wanted = int(move["quantity"])
        there = min(wanted, world.stock(connection).get(sku, 0))
        if there <= 0:
            return False
        world.move_stock(connection, sku, -there)
        if there < wanted:
            self._add_move(
                shipment,
                move,
                quantity=float(wanted - there),
                origin=move["origin"],
                from_location=move["from_location"],
                to_location=move["to_location"],
            )
        self.records.set(MOVE, move, state="assigned", quantity=float(there))
        return there == wanted

    def _pick(self, shipment: Values) -> None:
        self._unpack(shipment)
        for move in self._moves(shipment, outgoing=False):
            if move["state"] == "assigned":
                self.records.set(MOVE, move, state="done")
        self._set_state(SHIPMENT, shipment, "picked")

    def _pack(self, shipment: Values) -> None:
        for move in self._moves(shipment, outgoing=True):
            self.records.set(MOVE, move, state="assigned")
        self._set_state(SHIPMENT, shipment, "packed")
        for package in packages_of(self.records, shipment):
            self._record(shipment, "pack-parcel", object_id=name_of(package))

    def _do(self, shipment: Values) -> None:
        for move in self._moves(shipment, outgoing=True):
            self.records.set(MOVE, move, state="done")
        self.records.set(SHIPMENT, shipment, state="done", effective_date=self._today())
        self._tell_sale(self._sale(shipment))
        self._record(shipment, "ship")

    def _draft(self, shipment: Values) -> None:
        if any(move["state"] == "cancelled" for move in self._moves(shipment, outgoing=True)):
            raise UserError("You cannot reset a move to draft because it was generated by a sale.")
        self._free(shipment)
        for move in self._moves(shipment, outgoing=False):
            self.records.set(MOVE, move, state="cancelled")
        self._set_state(SHIPMENT, shipment, "draft")

    def _cancel(self, shipment: Values) -> None:
        self._free(shipment)
        for outgoing in (True, False):
            for move in self._moves(shipment, outgoing=outgoing):
                self.records.set(MOVE, move, state="cancelled", package=None)
        self._set_state(SHIPMENT, shipment, "cancelled")
        self._tell_sale(self._sale(shipment))

    def _free(self, shipment: Values) -> None:
        """Put back what the shipment has taken from stock."""
        for move in self._moves(shipment, outgoing=False):
            if move["state"] in ("assigned", "done"):
                world, connection = self.records.world, self.records.connection
                world.move_stock(connection, self._sku(move), int(move["quantity"]))
        if shipment["state"] in ("assigned", "picked", "packed", "shipped"):
            self._record(shipment, "release", undoes=str(shipment["id"]))
        self._unpack(shipment)

    def _unpack(self, shipment: Values) -> None:
        packed = shipment["state"] in ("packed", "shipped")
        for package in unpack(self.records, shipment):
            if packed:
                self._record(shipment, "unpack-parcel", object_id=name_of(package), undoes=name_of(package))

    def _sku(self, move: Values) -> str:
        return str(self.records.known("product.product", move["product"])["code"])

    def _sale(self, shipment: Values) -> Values:
        return self.records.known(SALE, self._moves(shipment, outgoing=True)[0]["sale"])

    def _record(self, shipment: Values, operation: str, undoes: str | None = None, object_id: str = "") -> None:
        sale = self._sale(shipment)
        self.records.world.record_effect(
            self.records.connection,
            SYSTEM,
            operation,
            object_id=object_id or str(shipment["id"]),
            reference=sale["reference"] or "",
            key=sale["description"] or "",
            undoes=undoes,
            at=self.at,
        )

    def _today(self) -> str:
        return self.at.date().isoformat()


class Warehouse:
    """The people who pick, pack and hand over: by themselves with the world's autopilot, else one step at a time."""

    STEPS = ("assigned", "picked", "packed", "done")
    _BUTTONS = ("", "pick", "pack", "do")

    def __init__(self, world: World) -> None:
        self.world = world
        world.on(PACK, self._packed)
        world.on(HAND_OVER, self._handed_over)
        world.on(PROCESS, self._processed)

    def move(
        self,
        connection: str,
        shipment_id: str,
        state: str,
        at: datetime | None = None,
        packages: Sequence[PackageWanted] = (),
    ) -> str:
        """Bring a shipment on to `state`, in these packages, or cancel it. ValueError says why that cannot be."""
        records = Records(self.world, connection, {})
        shipment = self.world.get(connection, SHIPMENT, shipment_id)
        if shipment is None:
            raise ValueError(f"shipment {shipment_id} is not in {connection}")
        if state == "cancelled" and shipment["state"] != "done":
            Buttons(records, at=at).press(SHIPMENT, shipment, "cancel")
            return state
        place, goal = self._step(shipment["state"]), self._step(state)
        if place is None or goal is None or place > goal:
            raise ValueError(f"shipment {shipment_id} is {shipment['state']} and cannot become {state}")
        for button in self._BUTTONS[place + 1 : goal + 1]:
            if button == "pack" and packages:
                pack(records, shipment, packages)
            Buttons(records, at=at).press(SHIPMENT, shipment, button)
        return str(shipment["state"])

    def _step(self, state: str) -> int | None:
        return self.STEPS.index(state) if state in self.STEPS else None

    def _processed(self, connection: str, sale_id: str, due: datetime) -> None:
        records = Records(self.world, connection, {})
        Buttons(records, at=due).processed(records.known(SALE, int(sale_id)))

    def _packed(self, connection: str, shipment_id: str, due: datetime) -> None:
        if self._is(connection, shipment_id, "assigned", "picked"):
            self.move(connection, shipment_id, "packed", due, self._filled(connection, shipment_id))
            self.world.schedule(self.world.settings.hand_over_after_seconds, HAND_OVER, connection, shipment_id)

    def _filled(self, connection: str, shipment_id: str) -> Sequence[PackageWanted]:
        grams_max = self.world.settings.parcel_grams_max
        if grams_max is None:
            return ()
        records = Records(self.world, connection, {})
        shipment = records.known(SHIPMENT, int(shipment_id))
        return () if packages_of(records, shipment) else filled(records, shipment, grams_max)

    def _handed_over(self, connection: str, shipment_id: str, due: datetime) -> None:
        if self._is(connection, shipment_id, "packed"):
            self.move(connection, shipment_id, "done", due)

    def _is(self, connection: str, shipment_id: str, *states: str) -> bool:
        shipment = self.world.get(connection, SHIPMENT, shipment_id)
        return shipment is not None and shipment["state"] in states
