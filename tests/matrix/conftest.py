"""Without `-k` or a test's own name only a sample of the matrix is played: `make matrix` plays it all."""

from __future__ import annotations

import pytest

from tests.matrix.sample import SAMPLE


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cells that are neither asked for nor in the sample."""
    if config.option.keyword or any("::" in one for one in config.args):
        return
    out = [item for item in items if _cell(item) and _cell(item) not in SAMPLE]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


def _cell(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("cell", "")) if callspec and item.path.parent.name == "matrix" else ""
