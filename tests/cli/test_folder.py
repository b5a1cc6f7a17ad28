"""A folder of state has one user: nobody deletes what another run works on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seamline.cli import execute
from seamline.folder import FolderInUse, claimed, user_of
from seamline.local import DEMO_STATE, STATE
from tests.matrix.run import run_cells
from tests.storm.plan import make_plan
from tests.storm.storm import run_storm

HOLD = "import sys, time; from pathlib import Path; from seamline.folder import claimed\n"
HOLD += "with claimed(Path(sys.argv[1]), 'the demo'): print('there', flush=True); time.sleep(600)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of an earlier run."""
    (tmp_path / "state" / "logs").mkdir(parents=True)
    (tmp_path / "state" / "world.db").write_text("orders")
    return tmp_path / "state"


@pytest.fixture
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process has the folder."""
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert other.stdout
    assert other.stdout.readline() == "there\n"
    yield other
    other.kill()
    other.wait()


def test_a_second_run_is_refused_and_deletes_nothing(folder: Path, held: subprocess.Popen[str]) -> None:
    told = rf"the demo \(process {held.pid}\) works in {folder}: end that first, or use another folder"
    with pytest.raises(FolderInUse, match=told), claimed(folder, "the matrix", anew=True):
        raise AssertionError
    assert (folder / "world.db").read_text() == "orders"


def test_a_killed_run_leaves_its_folder_to_the_next(folder: Path, held: subprocess.Popen[str]) -> None:
    held.kill()
    held.wait()
    assert user_of(folder) == ""
    with claimed(folder, "the demo"):
        assert user_of(folder).startswith("the demo (process ")


def test_begun_anew_nothing_is_left(folder: Path) -> None:
    with claimed(folder, "the demo", anew=True):
        assert [one.name for one in folder.iterdir()] == ["in-use"]


def test_a_folder_within_is_not_deleted_while_it_is_used(folder: Path, held: subprocess.Popen[str]) -> None:
    above = folder.parent
    with pytest.raises(FolderInUse, match=rf"the demo .* works in {folder}"), claimed(above, "the matrix", anew=True):
        raise AssertionError
    assert (folder / "world.db").exists()


@pytest.mark.parametrize(
    ("command", "used"), [("demo", DEMO_STATE), ("demo", STATE), ("up", STATE), ("up", DEMO_STATE)]
)
def test_a_command_says_who_works_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: str, used: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with claimed(used, "the other"):
        assert execute([command]) == 1
        assert [one for one in Path().rglob("*") if one.is_file()] == [used / "in-use"]
    said = " ".join("".join(capfd.readouterr()).split())
    assert f"the other (process {os.getpid()}) " in said
    assert "end " in said
    assert "another folder" in said


async def test_the_matrix_and_a_storm_take_no_folder_that_is_used(tmp_path: Path) -> None:
    with claimed(tmp_path, "the other"):
        with pytest.raises(FolderInUse):
            await run_cells([], tmp_path)
        with pytest.raises(FolderInUse):
            await run_storm(make_plan(1, 1), tmp_path, settle_seconds_max=0)


def test_a_demo_leaves_the_other_folders_alone() -> None:
    assert DEMO_STATE != STATE
    assert DEMO_STATE.parent == STATE
