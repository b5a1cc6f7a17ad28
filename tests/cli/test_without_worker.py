"""Commands while no worker runs say so plainly, and show what Temporal alone knows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from seamline.cli import execute
from seamline.temporal import EmbeddedTemporal
from tests.conftest import binary
from tests.servers import temporal

__all__ = ["temporal"]

TOML = "\n".join(
    f'[connections.{name}]\nsystem = "{system}"'
    for name, system in {"shop-uk": "shopify", "erp": "tryton", "carrier": "shippo", "mail": "smtp"}.items()
)


@pytest.fixture
def reference(temporal: EmbeddedTemporal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A process that was started and that nobody runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seamline.toml").write_text(TOML)
    monkeypatch.delenv("SEAMLINE_CONFIG", raising=False)
    assert execute(["start", "order-to-shipment", "shop-uk:1"]) == 0
    return "shop-uk:1"


def test_show_says_that_no_worker_answers(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["show", reference]) == 0
    assert "No worker answers" in capsys.readouterr().out
    assert execute(["show", reference, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["view"]) == ("running", None)


@pytest.mark.parametrize("arguments", [["trace", "shop-uk:1"], ["systems"]])
def test_systems_cannot_be_asked(reference: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(arguments) == 1
    assert "no worker runs" in capsys.readouterr().err


def test_a_decision_is_not_lost_in_silence(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["retry", reference, "fetch-order#1"]) == 1
    assert "no worker runs, so nobody" in capsys.readouterr().err


def test_doctor_names_each_queue_without_worker(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["doctor", "--json"]) == 1
    wrong = [check["name"] for check in json.loads(capsys.readouterr().out) if not check["ok"]]
    assert wrong == [
        "worker for processes",
        *(f"worker for {name}" for name in ("shop-uk", "erp", "carrier", "mail")),
        "systems",
    ]


def test_cancelling_needs_no_worker(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["cancel", reference]) == 0
    assert "cancel requested" in capsys.readouterr().out


def test_what_was_terminated_before_it_began_is_resumed(reference: str, capsys: pytest.CaptureFixture[str]) -> None:
    identity = f"order-to-shipment:{reference}"
    assert execute(["cancel", identity]) == 0
    subprocess.run([binary("temporal"), "workflow", "terminate", "--workflow-id", identity], check=True)
    assert execute(["resume", identity]) == 0
    capsys.readouterr()
    assert execute(["show", reference, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "running"
