"""The file that keeps a simulated world: objects, numbers, connections and stock in SQLite, in transactions."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seamline.simulator.vendor import WorldError

ROWS_MAX = 100_000
LOCK_SECONDS_MAX = 10
CONNECTION_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")

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
"""An object as JSON."""


class Store:
    """What a world holds. For one process and one event loop."""

    def __init__(self, path: str | Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS_MAX)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._depth = 0
        self._indexed: set[str] = set()

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
        """Note that this connection is of this system; the first one says so for good. WorldError for no name."""
        if not CONNECTION_PATTERN.fullmatch(connection):
            raise WorldError("connection: must be 1 to 31 of a-z, 0-9 and hyphens, for example shop-uk", 404)
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


def _loaded(text: str) -> Body:
    body: Body = json.loads(text)
    return body
