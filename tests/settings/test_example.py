"""The example of the settings works as it is, and tells the truth about the defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from seamline.http import HttpFactory
from seamline.settings import Settings, load_settings
from worker.connections import serve_connections

EXAMPLE = Path(__file__).parents[2] / "seamline.example.toml"


@pytest.fixture
def example(tmp_path: Path) -> str:
    """The example, with its secrets in a folder of the test."""
    for name in set(re.findall(r"/run/secrets/([\w-]+)", EXAMPLE.read_text())):
        (tmp_path / name).write_text("https://chat.example/services/secret" if name.endswith("-url") else "secret")
    return EXAMPLE.read_text().replace("/run/secrets", str(tmp_path))


def load(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    (folder / "example.toml").write_text(text)
    monkeypatch.setenv("SEAMLINE_CONFIG", str(folder / "example.toml"))
    return load_settings()


async def test_every_connection_of_the_example_can_be_served(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve_connections(load(example, tmp_path, monkeypatch), HttpFactory())
    deals = ["crm-main", "xero-main", "hub-main"]
    assert [one.name for one in served] == ["shop-uk", "erp-main", "shippo-main", *deals, "mail-main", "chat-main"]
    for connection in served:
        await connection.close()


def test_what_the_example_says_of_defaults_is_so(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_out = re.sub(r"^# (\[?[a-z_.]+ = )", r"\1", example, flags=re.MULTILINE)
    assert len(tomllib.loads(set_out)["api"]) > 3
    plain, full = load(example, tmp_path, monkeypatch), load(set_out, tmp_path, monkeypatch)
    assert full.connections["shop-uk"].breaker == plain.connections["shop-uk"].breaker
    set_here = {"deployment", "build_id", "prometheus_port"}
    assert full.worker.model_dump(exclude=set_here) == plain.worker.model_dump(exclude=set_here)
    assert full.policy == plain.policy
    assert full.notifier == plain.notifier
    assert full.telemetry.model_dump(exclude={"otlp_endpoint"}) == plain.telemetry.model_dump(exclude={"otlp_endpoint"})
    assert full.api.model_dump(exclude={"token", "prometheus_port"}) == plain.api.model_dump(
        exclude={"token", "prometheus_port"}
    )
    assert len(serve_connections(full, HttpFactory())) == 8
