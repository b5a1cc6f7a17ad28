"""The tables of `docs/mapping.md`, made from the mappings. `python -m tests.docs.mapping_tables` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from seamline import catalog
from seamline.cli_mapping import ARROWS
from seamline.mappings import MappingTable, Place, printed

PAGE = Path(__file__).resolve().parents[2] / "docs/mapping.md"
MARKED = re.compile(r"<!-- made: (\S+) -->\n.*?<!-- end -->", re.DOTALL)


def written(page: str) -> str:
    """The page with every marked part made anew."""
    parts = {"correspondences": correspondences, "mappings": mappings}
    return MARKED.sub(lambda mark: f"<!-- made: {mark[1]} -->\n{parts[mark[1]]()}\n<!-- end -->", page)


def correspondences() -> str:
    """What several systems hold."""
    lines = ["| what | where |", "|---|---|"]
    for one in printed(catalog.mappings()).correspondences:
        lines.append(f"| {one.thing} | {' = '.join(map(_place, one.places))} |")
    return "\n".join(lines)


def mappings() -> str:
    """A table for each object, by system."""
    lines: list[str] = []
    for folder in catalog.mappings():
        found = printed(catalog.mappings(), folder).mappings
        lines += [f"## {found[0].system}", ""]
        for one in found:
            lines += [*_table(one), ""]
    return "\n".join(lines).rstrip()


def _table(found: MappingTable) -> Sequence[str]:
    rows = [
        f"| {_paths(row.theirs)} | `{ARROWS[row.way]}` | {_paths(row.ours)} | {_cell(row.conversion)} "
        f"| {_cell(row.rule)} |"
        for row in found.fields
    ]
    head = ["| theirs | | ours | conversion | rule |", "|---|---|---|---|---|"]
    return [f"### `{found.object}` and our `{found.record}`", "", *head, *rows]


def _place(place: Place) -> str:
    return f"{place.system} `{place.object}.{place.field}`"


def _paths(paths: Sequence[str]) -> str:
    return " + ".join(f"`{path}`" for path in paths)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
