"""What an adapter's operations were checked against, declared beside the tests that do it: `CHECKS` of their module."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent
_DECLARED = re.compile(r"^CHECKS = ", re.MULTILINE)


class Against(StrEnum):
    """What is not ours and says whether we are right; the weakest first."""

    DESCRIPTION = "description"
    RECORDING = "recording"
    OTHERS_CLIENT = "others' client"
    CLIENT = "vendor's client"
    REAL = "real system"


@dataclass(frozen=True)
class Checks:
    """A module's tests hold operations of a system to something. Without names these are all of its operations."""

    system: str
    against: Against
    what: str
    """`Shopify's Admin schema 2026-07`."""
    operations: frozenset[str] | None = None

    def covers(self, operation: str) -> bool:
        """Whether this operation is held to it."""
        return self.operations is None or operation in self.operations


@cache
def all_checks() -> Sequence[Checks]:
    """What every test module declares."""
    declared = (path for path in sorted(TESTS.rglob("test_*.py")) if _DECLARED.search(path.read_text()))
    names = (".".join(path.relative_to(TESTS.parent).with_suffix("").parts) for path in declared)
    return [importlib.import_module(name).CHECKS for name in names]
