"""What the guides for a new system and a new process name is so."""

from __future__ import annotations

import inspect
import re
import tomllib

from docs.examples.shelf.inventory import Account
from seamline import catalog
from seamline.process.process import Process
from tests.docs.pages import ROOT, blocks

SYSTEM = (ROOT / "docs/new-system.md").read_text()
PROCESS = (ROOT / "docs/new-process.md").read_text()


def test_every_role_is_named_and_has_a_suite() -> None:
    told = re.search(r"The roles are (.*?)\.", SYSTEM, re.DOTALL)
    assert told
    assert re.findall(r"`(\w+)`", told[1]) == list(catalog.ROLES)
    for role in catalog.ROLES:
        assert (ROOT / f"activities/{role}.py").is_file()
        assert (ROOT / f"tests/systems/{role}_suite.py").is_file()


def test_the_settings_of_the_example_are_those_that_it_takes() -> None:
    (told,) = [tomllib.loads(one.text) for one in blocks("toml") if one.page.name == "new-system.md"]
    account = told["connections"]["shelf-main"]["account"]
    Account.model_validate({name.removesuffix("_file"): value for name, value in account.items()})


def test_what_a_step_can_be_told_is_awaited_where_the_guide_says_so() -> None:
    _, table = PROCESS.split("## What a step can be told")
    names = {
        name for row in table.split("## ")[0].splitlines() for name in re.findall(r"\| `(?:return self\.)?(\w+)\(", row)
    }
    assert {"do", "ask", "stop", "note", "ignored"} <= names
    at_once = {name for name in names if not inspect.iscoroutinefunction(getattr(Process, name))}
    assert at_once == {"note", "ignored"}
