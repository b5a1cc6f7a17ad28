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
import json
import random
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.faults import ConnectionCut, Fault, FaultKind, FaultRequest, Injected

ROWS_MAX = 100_000
CONNECTION_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
TIMEOUT_SECONDS_DEFAULT = 30.0
THROTTLE_SECONDS_DEFAULT = 1.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (seq INTEGER PRIMARY KEY, connection TEXT NOT NULL, kind TEXT NOT NULL,
    id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (connection, kind, id));
CREATE TABLE IF NOT EXISTS counters (connection TEXT, kind TEXT, last INTEGER NOT NULL, PRIMARY KEY (connection, kind));
CREATE TABLE IF NOT EXISTS connections (name TEXT PRIMARY KEY, system TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stock (connection TEXT, sku TEXT, quantity INTEGER NOT NULL, PRIMARY KEY (connection, sku));
CREATE TABLE IF NOT EXISTS settings (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS due (id INTEGER PRIMARY KEY, at REAL NOT NULL, event TEXT NOT NULL, connection TEXT NOT NULL,
    object_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS due_at ON due (at);
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, connection TEXT NOT NULL,
    system TEXT NOT NULL, operation TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS calls_of ON calls (connection, at);
CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, connection TEXT NOT NULL,
    system TEXT NOT NULL, operation TEXT NOT NULL, reference TEXT NOT NULL, key TEXT NOT NULL, object_id TEXT NOT NULL,
    amount TEXT, currency TEXT, undoes TEXT);
CREATE INDEX IF NOT EXISTS effects_of ON effects (reference);
CREATE TRIGGER IF NOT EXISTS effects_stay BEFORE UPDATE ON effects BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS effects_remain BEFORE DELETE ON effects BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""

Body = dict[str, Any]
Happening = Callable[[str, str, datetime], None]
"""What runs when something scheduled is due: connection, object id, the time it was due (UTC)."""


class Settings(BaseModel):
    """How fast the world moves. Warehouse and parcels move by themselves only with `autopilot`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    autopilot: bool = False
    pack_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    hand_over_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    transit_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    deliver_after_seconds: float = Field(default=2.0, ge=0, le=86_400)
    label_queued_seconds: float = Field(default=0.0, ge=0, le=86_400)
    refund_after_seconds: float = Field(default=0.0, ge=0, le=86_400)
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


class World:
    """All that the simulated vendors hold, in one SQLite file. For one process and one event loop."""

    def __init__(self, path: str | Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._depth = 0
        self._indexed: set[str] = set()
        self._happenings: dict[str, Happening] = {}
        self._watchers: dict[str, list[Callable[[Body], None]]] = {}

    def close(self) -> None:
        """Close the file; the world can be opened again from it."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside land together or not at all. Must not span an `await`; may be nested."""
        self._depth += 1
        try:
            if self._depth == 1:
                self._db.execute("BEGIN IMMEDIATE")
            yield
        except BaseException:
            if self._depth == 1:
                self._db.execute("ROLLBACK")
            raise
        else:
            if self._depth == 1:
                self._db.execute("COMMIT")
        finally:
            self._depth -= 1

    # -- objects ---------------------------------------------------------------------------------------------------

    def get(self, connection: str, kind: str, object_id: str) -> Body | None:
        """The object, or None."""
        query = "SELECT body FROM documents WHERE connection = ? AND kind = ? AND id = ?"
        row = self._db.execute(query, (connection, kind, object_id)).fetchone()
        return None if row is None else _loaded(row["body"])

    def put(self, connection: str, kind: str, object_id: str, body: Mapping[str, Any]) -> None:
        """Create the object or replace it whole. `body` is JSON."""
        self._db.execute(
            "INSERT INTO documents (connection, kind, id, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (connection, kind, id) DO UPDATE SET body = excluded.body",
            (connection, kind, object_id, json.dumps(body)),
        )

    def find(self, connection: str, kind: str, where: Mapping[str, Any] | None = None) -> list[Body]:
        """The objects whose top-level fields equal `where`, oldest first. Fields are indexed on first use."""
        query = "SELECT body FROM documents WHERE connection = ? AND kind = ?"
        values: list[Any] = [connection, kind]
        for field, value in (where or {}).items():
            query += f" AND {self._index(field)} = ?"
            values.append(value)
        rows = self._db.execute(query + " ORDER BY seq LIMIT ?", [*values, ROWS_MAX])
        return [_loaded(row["body"]) for row in rows]

    def _index(self, field: str) -> str:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", field):
            raise ValueError(f"not a field's name: {field!r}")
        expression = f"json_extract(body, '$.{field}')"
        if field not in self._indexed:
            self._db.execute(f"CREATE INDEX IF NOT EXISTS by_{field} ON documents (connection, kind, {expression})")
            self._indexed.add(field)
        return expression

    def next_id(self, connection: str, kind: str, start: int = 1) -> int:
        """The next number of this kind, counted from `start`, never given twice."""
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
            (connection, kind, start),
        ).fetchone()
        return int(row["last"])

    # -- connections and stock -------------------------------------------------------------------------------------

    def connect(self, connection: str, system: str) -> None:
        """Note that this connection is of this system; the first one says so for good."""
        self._db.execute("INSERT OR IGNORE INTO connections VALUES (?, ?)", (connection, system))

    def connections(self) -> dict[str, str]:
        """Every connection used so far and its system."""
        return {row["name"]: row["system"] for row in self._db.execute("SELECT * FROM connections ORDER BY name")}

    def stock(self, connection: str) -> dict[str, int]:
        """Pieces on hand and free, by sku."""
        rows = self._db.execute("SELECT sku, quantity FROM stock WHERE connection = ? ORDER BY sku", (connection,))
        return {row["sku"]: row["quantity"] for row in rows}

    def set_stock(self, connection: str, quantities: Mapping[str, int]) -> None:
        """Set these skus' free pieces; others stay as they are."""
        with self.transaction():
            for sku, quantity in quantities.items():
                self._db.execute("INSERT OR REPLACE INTO stock VALUES (?, ?, ?)", (connection, sku, quantity))

    def move_stock(self, connection: str, sku: str, difference: int) -> bool:
        """Add (or take, when negative) pieces; False and no change when there are not enough."""
        done = self._db.execute(
            "UPDATE stock SET quantity = quantity + ? WHERE connection = ? AND sku = ? AND quantity + ? >= 0",
            (difference, connection, sku, difference),
        )
        return done.rowcount == 1

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
        self._db.execute("DELETE FROM faults")

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
            await asyncio.sleep(fault.delay_seconds or 0)
        case FaultKind.TIMEOUT:
            await asyncio.sleep(TIMEOUT_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds)
            raise ConnectionCut
        case FaultKind.DOWN if fault.status is None:
            raise ConnectionCut
        case FaultKind.DOWN | FaultKind.STATUS | FaultKind.THROTTLE | FaultKind.REFUSE:
            raise Injected(fault, call.system, call.connection, call.operation)


def now() -> datetime:
    """The time in the world, UTC."""
    return datetime.now(UTC)


def _loaded(text: str) -> Body:
    body: Body = json.loads(text)
    return body
