"""The world the simulated vendors share: objects, stock, the ledger of effects, the log of calls, faults, and time.

A vendor's route does its work inside a call, which applies the faults and keeps the log:

    async with world.call(connection, "shippo", "transactions.create") as call:
        with world.transaction():            # object and effect land together, or neither
            world.put(connection, "transaction", object_id, body)
            call.effect("buy-label", object_id=object_id, reference=..., key=..., amount="5.20", currency="GBP")
        return JSONResponse(body, 201)

    async with world.call(connection, "shippo", "transactions.list", search=True) as call:
        found = [] if call.blind else world.find(connection, "transaction", {"rate": rate})

Entering may raise `Injected` (the app hands it to the vendor's `render`) or `ConnectionCut` (the app closes the
socket); leaving raises `ConnectionCut` when the reply is to be lost. A route whose refusals are no plain HTTP errors
calls with `refusals=True` and looks at `call.refusal` instead. What a vendor refuses by itself it marks in the log:
`call.outcome = "refused"`.

What happens later by itself is scheduled, survives restarts, and runs when due:

    world.on("shippo.refund-confirmed", confirm)          # confirm(connection: str, object_id: str, at: datetime)
    world.schedule(seconds, "shippo.refund-confirmed", connection, object_id)

What happens in one system because of another (a parcel moves once the goods left) watches the ledger:

    world.watch("ship", shipped)          # shipped(effect), inside the transaction that recorded it
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.faults import ConnectionCut, Fault, FaultKind, FaultRequest, Injected
from seamline.simulator.store import ROWS_MAX, Store
from seamline.simulator.store import Body as Body

TIMEOUT_SECONDS_DEFAULT = 30.0
THROTTLE_SECONDS_DEFAULT = 1.0

Happening = Callable[[str, str, datetime], None]
"""What runs when something scheduled is due: connection, object id, the time it was due (UTC)."""


class Settings(BaseModel):
    """How fast the world moves. Warehouse and parcels move by themselves only with `autopilot`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    autopilot: bool = False
    pack_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    hand_over_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    parcel_grams_max: int | None = Field(default=None, gt=0, le=1_000_000)
    """The heaviest parcel that the autopilot packs; without it the ERP is told of no parcels."""
    transit_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    deliver_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    label_queued_seconds: float = Field(default=0.0, ge=0, le=86_400)
    refund_after_seconds: float = Field(default=0.0, ge=0, le=86_400)
    payment_refund_after_seconds: float = Field(default=0.0, ge=0, le=86_400)
    latency_milliseconds: float = Field(default=0.0, ge=0, le=60_000)


class Call:
    """One vendor API call in progress. `outcome` is what the log of calls will say of it."""

    def __init__(self, world: World, connection: str, system: str, operation: str, fault: Fault | None) -> None:
        self.world = world
        self.connection = connection
        self.system = system
        self.operation = operation
        self.fault = fault
        self.outcome = "done"

    @property
    def blind(self) -> bool:
        """Whether this search has to answer that nothing is found."""
        return self.fault is not None and self.fault.kind is FaultKind.BLIND

    @property
    def refusal(self) -> Fault | None:
        """The refusal that a route called with `refusals=True` has to give in its own way."""
        return self.fault if self.fault is not None and self.fault.kind is FaultKind.REFUSE else None

    @property
    def not_assigned(self) -> bool:
        """Whether this assignment has to leave the shipment waiting."""
        return self.fault is not None and self.fault.kind is FaultKind.NOT_ASSIGNED

    @property
    def processed_after(self) -> float | None:
        """After how many seconds the queue comes to what this call confirms; None for at once."""
        late = self.fault is not None and self.fault.kind is FaultKind.NOT_PROCESSED
        return (self.fault.delay_seconds or 0) if self.fault and late else None

    def effect(
        self,
        operation: str,
        *,
        object_id: str,
        reference: str = "",
        key: str = "",
        amount: str | None = None,
        currency: str | None = None,
        undoes: str | None = None,
    ) -> None:
        """Append to the ledger what this call changed; the fields are those of `World.record_effect`."""
        self.world.record_effect(
            self.connection,
            self.system,
            operation,
            object_id=object_id,
            reference=reference,
            key=key,
            amount=amount,
            currency=currency,
            undoes=undoes,
        )


class World(Store):
    """All that the simulated vendors share and hold, in one SQLite file."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.clock: Callable[[], float] = time.monotonic
        """The seconds by which limits fill again."""
        self._happenings: dict[str, Happening] = {}
        self._watchers: dict[str, list[Callable[[Body], None]]] = {}
        self._ended: dict[str, asyncio.Event] = {}

    # -- ledger and log --------------------------------------------------------------------------------------------

    def record_effect(
        self,
        connection: str,
        system: str,
        operation: str,
        *,
        object_id: str,
        reference: str = "",
        key: str = "",
        amount: str | None = None,
        currency: str | None = None,
        undoes: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Append to the ledger. `undoes` is the object_id of the effect taken back; `amount` is a decimal."""
        effect = {
            "at": (at or now()).isoformat(),
            "connection": connection,
            "system": system,
            "operation": operation,
            "reference": reference,
            "key": key,
            "object_id": object_id,
            "amount": amount,
            "currency": currency,
            "undoes": undoes,
        }
        names = ", ".join(effect)
        with self.transaction():
            query = f"INSERT INTO effects ({names}) VALUES (:{', :'.join(effect)})"  # noqa: S608 - the names above
            self._db.execute(query, effect)
            for watcher in self._watchers.get(operation, ()):
                watcher(effect)

    def watch(self, operation: str, watcher: Callable[[Body], None]) -> None:
        """Run `watcher(effect)` whenever an effect of this operation is recorded, in the same transaction."""
        self._watchers.setdefault(operation, []).append(watcher)

    def effects(self, **equal: str | None) -> list[Body]:
        """The ledger, oldest first, where reference, connection, operation equal; None matches all."""
        return self._select("effects", equal)

    def calls(self, since: float = 0, **equal: str | None) -> list[Body]:
        """The calls from Unix time `since` on, oldest first, whose connection, operation equal; None matches all."""
        return self._select("calls", equal, since)

    def _select(self, table: str, equal: Mapping[str, str | None], since: float | None = None) -> list[Body]:
        given = {name: value for name, value in equal.items() if value is not None}
        if unknown := given.keys() - {"reference", "connection", "operation"}:
            raise ValueError(f"cannot select by {sorted(unknown)}")
        tests = [f"{name} = ?" for name in given] + (["at >= ?"] if since is not None else [])
        query = f"SELECT * FROM {table} WHERE {' AND '.join(tests) or '1'} ORDER BY id LIMIT ?"  # noqa: S608 - fixed names
        values = [*given.values(), *([since] if since is not None else []), ROWS_MAX]
        return [dict(row) for row in self._db.execute(query, values)]

    # -- settings and faults ---------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """How fast the world moves."""
        row = self._db.execute("SELECT body FROM settings").fetchone()
        return Settings() if row is None else Settings.model_validate_json(row["body"])

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (1, ?)", (settings.model_dump_json(),))

    def add_fault(self, request: FaultRequest) -> Fault:
        """Make a fault; it works from the next call on."""
        with self.transaction():
            done = self._db.execute("INSERT INTO faults (body) VALUES ('')")
            ends_at = None if request.seconds is None else time.time() + request.seconds
            fault = Fault(id=str(done.lastrowid), ends_at=ends_at, **request.model_dump())
            self._save_fault(fault)
        return fault

    def faults(self) -> list[Fault]:
        """Every fault made and not deleted, spent ones too."""
        rows = self._db.execute("SELECT body FROM faults ORDER BY id")
        return [Fault.model_validate_json(row["body"]) for row in rows]

    def clear_faults(self) -> None:
        """Delete all faults."""
        for fault in self.faults():
            self.end_fault(fault.id)

    def end_fault(self, fault_id: str) -> bool:
        """Delete a fault, and let the calls go on that it keeps waiting; False when there is none of this id."""
        if event := self._ended.pop(fault_id, None):
            event.set()
        return self._db.execute("DELETE FROM faults WHERE id = ?", (fault_id,)).rowcount == 1

    async def wait_for(self, fault: Fault, seconds: float) -> None:
        """Let a call wait for so long, or until its fault is deleted."""
        if all(one.id != fault.id for one in self.faults()):
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.setdefault(fault.id, asyncio.Event()).wait(), seconds)

    def take_fault(self, connection: str, operation: str, *, search: bool = False) -> Fault | None:
        """The first fault that hits this call, counted; None when none does."""
        for fault in self.faults():
            over = fault.ends_at is not None and fault.ends_at <= time.time()
            if over or fault.connection not in ("*", connection) or not fault.wants(operation, search=search):
                continue
            fault.throws += 1
            throw = random.Random(f"{fault.seed}:{fault.throws}").random()  # noqa: S311 - repeatable, not secret
            hit = throw < fault.probability
            fault.hits += hit
            self._save_fault(fault)
            if hit:
                return fault
        return None

    def _save_fault(self, fault: Fault) -> None:
        self._db.execute("UPDATE faults SET body = ? WHERE id = ?", (fault.model_dump_json(), int(fault.id)))

    # -- calls -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def call(
        self, connection: str, system: str, operation: str, *, search: bool = False, refusals: bool = False
    ) -> AsyncIterator[Call]:
        """One call of a vendor's API: settles what is due, applies a fault, logs the outcome. See the module's top."""
        self.connect(connection, system)
        self.settle()
        call = Call(self, connection, system, operation, self.take_fault(connection, operation, search=search))
        try:
            if latency := self.settings.latency_milliseconds:
                await asyncio.sleep(latency / 1000)
            if call.fault and not (refusals and call.refusal):
                await _strike(call, call.fault)
            yield call
            if call.fault and call.fault.kind in (FaultKind.LOST_REPLY, FaultKind.LATE_REPLY):
                await self.wait_for(call.fault, call.fault.delay_seconds or 0)
            if call.fault and call.fault.kind is FaultKind.LOST_REPLY:
                raise ConnectionCut
        except (Injected, ConnectionCut):
            call.outcome = call.fault.kind.value if call.fault else "cut"
            raise
        except Exception:
            call.outcome = "error"
            raise
        finally:
            self._db.execute(
                "INSERT INTO calls (at, connection, system, operation, outcome) VALUES (?, ?, ?, ?, ?)",
                (time.time(), connection, system, operation, call.outcome),
            )

    # -- time ------------------------------------------------------------------------------------------------------

    def on(self, event: str, happening: Happening) -> None:
        """Say what runs when a scheduled `event` is due. It runs inside a transaction."""
        self._happenings[event] = happening

    def schedule(self, after_seconds: float, event: str, connection: str, object_id: str) -> None:
        """Let `event` happen to the object later. It must tolerate that the object has moved on meanwhile."""
        if event not in self._happenings:
            raise ValueError(f"nobody said what {event} does")
        query = "INSERT INTO due (at, event, connection, object_id) VALUES (?, ?, ?, ?)"
        self._db.execute(query, (time.time() + after_seconds, event, connection, object_id))

    def settle(self) -> None:
        """Let everything happen that is due, in the order it became due."""
        query = "SELECT * FROM due WHERE at <= ? ORDER BY at, id LIMIT 1"
        while row := self._db.execute(query, (time.time(),)).fetchone():
            with self.transaction():
                self._db.execute("DELETE FROM due WHERE id = ?", (row["id"],))
                due_at = datetime.fromtimestamp(row["at"], UTC)
                self._happenings[row["event"]](row["connection"], row["object_id"], due_at)


async def _strike(call: Call, fault: Fault) -> None:
    """Do what the fault does before the effect."""
    match fault.kind:
        case FaultKind.SLOW:
            await call.world.wait_for(fault, fault.delay_seconds or 0)
        case FaultKind.TIMEOUT:
            seconds = TIMEOUT_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds
            await call.world.wait_for(fault, seconds)
            raise ConnectionCut
        case FaultKind.DOWN if fault.status is None:
            raise ConnectionCut
        case FaultKind.DOWN | FaultKind.STATUS | FaultKind.THROTTLE | FaultKind.REFUSE:
            raise Injected(fault, call.system, call.connection, call.operation)


def now() -> datetime:
    """The time in the world, UTC."""
    return datetime.now(UTC)
