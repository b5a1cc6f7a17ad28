"""The tables of `docs/systems.md`, made from adapters, roles and tests. `python -m tests.docs.systems_tables`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import activities
from activities.inventory import TakesBack
from seamline import catalog
from seamline.process.effect import Effect, Irreversible, Operation, Read, Wait
from seamline.records.system import Repeat
from tests.checked import Checks, all_checks

PAGE = Path(__file__).resolve().parents[2] / "docs/systems.md"
MARKED = re.compile(r"<!-- systems -->\n.*?<!-- end -->", re.DOTALL)
NOTHING = "nothing yet"
NOT_CHANGED = "changes nothing"
READ_FIRST = "the state is read first"
FURTHER: Mapping[str, type] = {"receive": TakesBack}
"""Effects that only some systems of a role have, and what these are able to do besides."""
BY_HAND = "is done by hand"


@dataclass(frozen=True)
class Row:
    """One operation of a role."""

    name: str
    kind: str
    title: str


def written(page: str) -> str:
    """The page with its tables made anew."""
    return MARKED.sub(lambda _: f"<!-- systems -->\n{tables()}\n<!-- end -->", page)


def tables() -> str:
    """A section for each system and role."""
    lines: list[str] = []
    for system in catalog.systems():
        for role in catalog.roles_of(system):
            lines += [f"## {system}: {role}", "", *_judges(system), "", *_table(system, role), ""]
    return "\n".join(lines).rstrip()


def adapter_of(system: str, role: str) -> Any:
    """The class that fills the role."""
    module = importlib.import_module(f"seamline.systems.{system}.{role}")
    (adapter,) = [one for one in vars(module).values() if isinstance(one, type) and hasattr(one, "repeats")]
    return adapter


def repeats_of(system: str, role: str) -> Mapping[str, Repeat]:
    """What the adapter declares."""
    declared: Mapping[str, Repeat] = adapter_of(system, role).repeats
    return declared


def undeclared(adapter: Any, role: str) -> Sequence[str]:
    """The effects that an adapter does not say of what makes a repeat safe, those that it does not have left out."""
    effects = [row.name for row in rows(role) if row.kind == "effect" and row.name not in adapter.repeats]
    return [name for name in effects if name not in FURTHER or issubclass(adapter, FURTHER[name])]


def rows(role: str) -> Sequence[Row]:
    """The role's operations, and what takes its effects back, in the order of their names."""
    found: dict[str, Row] = {}
    for operation in _operations():
        kind = {Read: "read", Wait: "wait", Effect: "effect"}[type(operation)]
        found[operation.name] = Row(operation.name, kind, operation.title)
    for operation in _operations():
        if isinstance(operation, Effect) and not isinstance(operation.undo, Irreversible):
            undo = Operation(operation.undo, title="").name
            found.setdefault(undo, Row(undo, "undo", f"Takes back: {operation.title}"))
        if isinstance(operation, Effect) and operation.confirm:
            confirmed = Operation(operation.confirm, title="").name
            found.setdefault(confirmed, Row(confirmed, "wait", f"Wait until that is taken back: {operation.title}"))
    ours = [(name.partition(".")[2], row) for name, row in sorted(found.items()) if name.startswith(f"{role}.")]
    return [Row(name, row.kind, row.title) for name, row in ours]


def _operations() -> Iterator[Operation[object, object]]:
    for module in pkgutil.iter_modules(activities.__path__):
        for one in vars(importlib.import_module(f"activities.{module.name}")).values():
            if isinstance(one, Operation):
                yield one


def _judges(system: str) -> Iterator[str]:
    """What is at hand to check the system against."""
    for against, what in sorted({(one.against, one.what) for one in _checks(system)}):
        yield f"- {against}: {what}"
    if not _checks(system):
        yield f"Checked against {NOTHING}: the simulator alone, which is ours, says that it works."


def _table(system: str, role: str) -> Iterator[str]:
    repeats = repeats_of(system, role)
    if missing := undeclared(adapter_of(system, role), role):
        raise SystemExit(f"seamline/systems/{system}/{role}.py: `repeats` does not name {', '.join(missing)}")
    yield from ("| operation | what it does | checked against | what makes a repeat safe |", "|---|---|---|---|")
    for row in rows(role):
        safe = _unless_declared(row, repeats)
        yield f"| `{row.name}` ({row.kind}) | {row.title} | {_checked(system, row.name)} | {safe} |"


def _unless_declared(row: Row, repeats: Mapping[str, Repeat]) -> str:
    if row.name in repeats:
        return repeats[row.name].value
    return {"undo": READ_FIRST, "effect": BY_HAND}.get(row.kind, NOT_CHANGED)


def _checked(system: str, operation: str) -> str:
    found = {one.against for one in _checks(system) if one.covers(operation)}
    return ", ".join(sorted(found)) or NOTHING


def _checks(system: str) -> Sequence[Checks]:
    return [one for one in all_checks() if one.system == system]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
