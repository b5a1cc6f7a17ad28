"""The command that shows which field of a system is which field of ours."""

from __future__ import annotations

from typing import Annotated

import typer

from seamline import catalog
from seamline.cli_output import AsJson, Refused, print_json, print_table, say
from seamline.fields import Way
from seamline.mappings import Correspondence, MappingTable, printed, with_parts

ARROWS = {Way.BOTH: "<->", Way.READ: "->", Way.WRITE: "<-"}

app = typer.Typer()


@app.command()
def mapping(
    system: Annotated[str, typer.Argument(metavar="[SYSTEM]", help="One system alone: salesforce")] = "",
    record: Annotated[str, typer.Option(help="One record alone: Deal")] = "",
    as_json: AsJson = False,
) -> None:
    """Show which field of theirs is which field of ours, and where several systems hold the same."""
    known = catalog.mappings()
    if system and system not in known:
        raise Refused(f"there is no mapping of {system!r}; there are: {', '.join(known)}")
    found = printed(known, system, record)
    if not found.mappings:
        shown = [one for folder in known if system in ("", folder) for one in with_parts(known[folder])]
        records = sorted({one.record.__name__ for one in shown})
        raise Refused(f"there is no mapping to {record!r}; there are: {', '.join(records)}")
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    for one in found.mappings:
        _say_table(one)
    _say_correspondences(found.correspondences)


def _say_table(found: MappingTable) -> None:
    say(f"{found.system} {found.object} · our {found.record}", "bold")
    rows = [
        (" + ".join(one.theirs), ARROWS[one.way], " + ".join(one.ours), one.conversion, one.rule)
        for one in found.fields
    ]
    print_table(("theirs", "", "ours", "conversion", "rule"), rows, "")
    say("")


def _say_correspondences(found: tuple[Correspondence, ...]) -> None:
    say("The same in several systems", "bold")
    rows = [
        (one.thing, " = ".join(f"{place.system} {place.object}.{place.field}" for place in one.places)) for one in found
    ]
    print_table(("what", "where"), rows, "Nothing.")
