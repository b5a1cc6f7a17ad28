"""What the documents say is so: links, commands, code, settings."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from temporalio.client import Client
from typer.testing import CliRunner

from seamline.api.app import create_app
from seamline.api.processes import CancelPreview, Page, Started
from seamline.cli import app
from seamline.process.decision import read_decision
from seamline.process.start import Start, read_start
from seamline.records.event import Event
from seamline.settings import Settings
from seamline.simulator.server import running
from tests.conftest import binary
from tests.docs import mapping_tables, settings_tables
from tests.docs.pages import PAGES, ROOT, Block, Command, anchors, blocks, commands, every_command, languages, links
from tests.end_to_end import people

HELP_SECONDS_MAX = 30
LANGUAGES = {"sh", "python", "toml", "json", "http", "mermaid", "text"}
RUN_OR_CHECKED = ("seamline", "temporal", "python", "make", "curl")
"""The tests below take each line of a shell block that begins so: it is run, or held to what the program takes."""
NOT_RUN = {
    "cp": "its files are looked for",
    "docker": "needs Docker",
    "deploy/make-secrets.sh": "is run by test_packaging",
}
TEMPORAL_GLOBAL = ("--address", "--namespace")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_tell_the_product_alone(page: Path) -> None:
    assert not re.search(r"\bissue #?\d", page.read_text())


def test_the_index_names_every_page() -> None:
    for folder in ("docs", "docs/decisions"):
        index = (ROOT / folder / "README.md").read_text()
        for page in (ROOT / folder).glob("*.md"):
            assert page.name == "README.md" or f"({page.name})" in index, page.name


@pytest.mark.parametrize("block", [one for one in blocks("python") if one.source], ids=lambda one: one.text[:40])
def test_code_is_as_in_its_file(block: Block) -> None:
    assert block.text in (ROOT / block.source).read_text()


def test_the_readme_shows_the_run_method_as_it_is() -> None:
    source = (ROOT / "workflows/order_to_shipment.py").read_text()
    methods = [
        one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.AsyncFunctionDef) and one.name == "run"
    ]
    method = textwrap.dedent("    " + (ast.get_source_segment(source, methods[0]) or ""))
    shown = [one.text for one in blocks("python") if one.page.name == "README.md" and one.page.parent == ROOT]
    assert shown == [method + "\n"]


def test_every_python_block_names_its_source() -> None:
    assert [one.text for one in blocks("python") if not one.source and one.page.parent != ROOT] == []


@pytest.mark.parametrize("command", commands("seamline"), ids=str)
def test_our_commands_can_be_given_so(command: Command) -> None:
    group: Any = typer.main.get_command(app)
    known = group.get_command(None, command.words[1])
    assert known is not None
    if not (command.inline and len(command.words) == 2):
        known.make_context(command.words[1], command.words[2:])


@pytest.mark.parametrize("command", commands("temporal"), ids=str)
def test_temporals_commands_have_these_options(command: Command) -> None:
    words = command.words[1:]
    first = next(place for place, word in enumerate(words) if word.startswith("-"))
    known = help_of(binary("temporal"), *words[:first])
    for option in words[first:]:
        if option.startswith("--"):
            assert option in TEMPORAL_GLOBAL or f"{option} " in known, option


@pytest.mark.parametrize("command", commands("temporal"), ids=str)
def test_what_temporal_is_sent_would_be_taken(command: Command) -> None:
    words = command.words
    if "--input" not in words:
        return
    sent = json.loads(words[words.index("--input") + 1])
    if "happened" in words:
        Event.model_validate(sent)
    elif "signal" in words:
        read_decision([sent])
    else:
        assert isinstance(read_start(Start, [sent]), Start)


@pytest.mark.parametrize("command", commands("python"), ids=str)
def test_modules_take_these_options(command: Command) -> None:
    _, dash_m, module, *options = command.words
    assert dash_m == "-m"
    known = help_of(sys.executable, "-m", module)
    assert all(option in known for option in options if option.startswith("--"))


def test_make_has_these_targets() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = [command.words[1] for command in commands("make")]
    assert asked
    assert set(asked) <= set(targets)


def test_every_line_of_a_shell_block_is_run_or_excused() -> None:
    assert [str(one) for one in every_command() if one.words[0] not in {*RUN_OR_CHECKED, *NOT_RUN}] == []
    assert {one.words[0] for one in every_command()} >= set(NOT_RUN), "an excuse that nothing needs"


def test_a_block_says_its_language_and_no_command_hides_in_another() -> None:
    assert languages() <= LANGUAGES
    programs = {*RUN_OR_CHECKED, *NOT_RUN}
    assert [one.text for one in blocks("text", "http") if one.text.split(maxsplit=1)[0] in programs] == []


@pytest.mark.parametrize("command", commands("cp"), ids=str)
def test_what_is_copied_is_there(command: Command) -> None:
    assert (ROOT / command.words[1]).is_file()


@pytest.mark.parametrize("command", [one for one in commands("seamline") if one.words[1] == "mapping"], ids=str)
def test_mappings_are_printed_as_shown(command: Command) -> None:
    said = CliRunner().invoke(app, command.words[1:])
    assert said.exit_code == 0, said.output
    assert said.output


@pytest.mark.parametrize("command", [one for one in commands("python") if one.words[2] == "pytest"], ids=str)
def test_the_tests_that_are_named_are_there(command: Command) -> None:
    places = [word for word in command.words[3:] if word.startswith("tests/")]
    assert places
    assert all((ROOT / place).exists() for place in places)


async def test_what_is_told_of_the_simulator_works(tmp_path: Path) -> None:
    asked = commands("curl")
    assert asked
    async with running(tmp_path / "world.db") as simulator, httpx.AsyncClient() as http:
        for command in asked:
            words = command.words
            given = {word: words[place + 1] for place, word in enumerate(words) if word in ("-X", "-d")}
            (url,) = [word for word in words if word.startswith("$SIMULATOR")]
            answer = await http.request(
                given["-X"],
                url.replace("$SIMULATOR", simulator.url),
                content=given.get("-d"),
                headers={"Content-Type": "application/json"},
            )
            assert answer.is_success, f"{command}: {answer.text}"


async def test_the_api_answers_as_its_page_says() -> None:
    told = [json.loads(one.text) for one in blocks("json") if one.page.name == "api.md"]
    started, page, previews, wrong = told
    assert Started.model_validate(started).model_dump(mode="json") == started
    assert Page.model_validate(page).model_dump(mode="json") == page
    assert [CancelPreview.model_validate(one).model_dump(mode="json") for one in previews] == previews
    client = await Client.connect("127.0.0.1:9", lazy=True)
    transport = httpx.ASGITransport(create_app(Settings(), client))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as api:
        answer = (await api.post("/processes/order-to-shipment", json={"reference": "5001"})).json()
    del answer["title"], wrong["title"]  # the phrase of 422 differs between versions of Python
    assert answer == wrong


def test_the_tables_of_settings_are_those_of_the_code() -> None:
    page = settings_tables.PAGE.read_text()
    marked, there = set(settings_tables.MARKED.findall(page)), set(settings_tables.sections())
    assert marked == there, f"give each a place, `<!-- table: NAME -->` and `<!-- end -->`: {sorted(marked ^ there)}"
    assert settings_tables.written(page) == page, "run: python -m tests.docs.settings_tables"


def test_the_tables_of_mappings_are_those_of_the_code() -> None:
    page = mapping_tables.PAGE.read_text()
    assert set(mapping_tables.MARKED.findall(page)) == {"correspondences", "mappings"}
    assert mapping_tables.written(page) == page, "run: python -m tests.docs.mapping_tables"


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda one: one.text[:30])
def test_toml_can_be_read(block: Block) -> None:
    assert tomllib.loads(block.text)


@cache
def help_of(*command: str) -> str:
    """What a program says of itself."""
    said = subprocess.run(
        [*command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=HELP_SECONDS_MAX, check=True
    )
    return said.stdout


def test_staff_read_what_the_tests_play_of_people() -> None:
    assert people.table() in (ROOT / "docs/staff.md").read_text()
