"""The command's tests run against everything that `seamline up` brings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.cli import execute
from seamline.local import Running, environment, found_running

START_SECONDS_MAX = 60
UNTIL_SECONDS_MAX = 40


@dataclass
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Everything, running; at the end it is asked to stop as by Ctrl-C, and nothing may be left."""
    state = tmp_path_factory.mktemp("up") / ".seamline"
    up = subprocess.Popen(
        [sys.executable, "-m", "seamline.cli", "up", "--state", str(state)], stdout=subprocess.DEVNULL
    )
    running = until(lambda: found_running(state) or _failed(up), START_SECONDS_MAX)
    children = _children(up.pid)
    yield running
    up.send_signal(signal.SIGINT)
    assert up.wait(60) == 0
    assert len(children) == 4
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert not (state / "running.json").exists()


@pytest.fixture
def seamline(stack: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command and tells what it said."""
    for name, value in environment(stack).items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> Said:
        capsys.readouterr()
        code = execute(arguments)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return command


@pytest.fixture
def order(stack: Running) -> Callable[..., str]:
    """Makes an order in the simulated shop, and returns its reference."""

    def make(**wanted: Any) -> str:
        answer = httpx.post(f"{stack.simulator}/_simulator/shops/shop-uk/orders", json=wanted)
        return str(answer.raise_for_status().json()["reference"])

    return make


def until(found: Callable[[], Any], seconds_max: float = UNTIL_SECONDS_MAX) -> Any:
    """What `found` finds, once it finds something; fails when time runs out."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError(f"nothing within {seconds_max} s")


def _failed(up: subprocess.Popen[bytes]) -> None:
    assert up.poll() is None, f"seamline up ended with {up.returncode}"


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text() if os.name == "posix" else ""
    return [int(child) for child in text.split()]
