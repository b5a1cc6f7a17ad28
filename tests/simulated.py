"""Which vendors a test's own simulator is made of: each takes a moment to make, and most tests need one."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from seamline.simulator.app import VENDORS, MakeVendor


def vendors_of(module: ModuleType) -> Sequence[MakeVendor]:
    """The vendor that a module of tests is named after, `test_xero_invoices`; for any other name all."""
    named = module.__name__.rpartition(".")[2].removeprefix("test_").partition("_")[0]
    if named == "smtp":
        return ()  # the mail server is always there
    return [make for make in VENDORS if make.__module__.endswith(f".{named}")] or VENDORS
