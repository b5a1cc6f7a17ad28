"""Folders that keep the state of a run. One run at a time has a folder, so that none deletes what another works on."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MARK = "in-use"
"""The file whose lock whoever runs holds: the system lets it go when that process ends, however it does."""


class FolderInUse(Exception):
    """Another run has the folder. The text names it and says what to do."""


@contextmanager
def claimed(folder: Path, who: str, *, anew: bool = False) -> Iterator[None]:
    """Have the folder until the block ends; `anew` empties it first, with all folders in it.

    Raises FolderInUse where another has it, or has a folder that would be deleted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / MARK).open("a+") as mark:
        if not _locked(mark):
            raise FolderInUse(f"{_told(mark)} works in {folder}: end that first, or use another folder")
        mark.truncate(0)
        mark.write(f"{who} (process {os.getpid()})")
        mark.flush()
        if anew:
            _empty(folder)
        yield


def user_of(folder: Path) -> str:
    """Who has the folder, in words; empty when nobody has."""
    try:
        mark = (folder / MARK).open()
    except FileNotFoundError:
        return ""
    with mark:
        return "" if _locked(mark) else _told(mark)


def _locked(mark: IO[str]) -> bool:
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(mark: IO[str]) -> str:
    mark.seek(0)
    return mark.read() or "another run"


def _empty(folder: Path) -> None:
    for one in folder.rglob(MARK):
        if one.parent != folder and (user := user_of(one.parent)):
            raise FolderInUse(f"{user} works in {one.parent}, which would be deleted with {folder}: end that first")
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        elif one.name != MARK:
            one.unlink()
