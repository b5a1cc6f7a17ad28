"""The compose file names only what exists, and its settings are real settings."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from seamline.http import HttpFactory
from seamline.process import attributes
from seamline.settings import Settings, load_settings
from seamline.simulator.server import running
from seamline.temporal import DEFAULT_ADDRESS, EmbeddedTemporal, connect_config
from tests.conftest import binary
from tests.servers import temporal as temporal
from tests.simulator.shopify_client import inbox
from worker.connections import serve_connections

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = ("temporal-schema", "temporal-namespace", "simulator-start")
SECRET_FILE = re.compile(r"^#   secrets/(worker|api)/(\S+)$", re.MULTILINE)
PACKAGES = ("activities", "seamline", "worker", "workflows")
SCRIPT_SECONDS_MAX = 60


def interpolated(text: str) -> str:
    """The text with compose's `${NAME:-default}` replaced by the defaults."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def compose_schema() -> Any:
    """The compose specification's schema, as check-jsonschema carries it; None where that is not installed."""
    found = importlib.util.find_spec("check_jsonschema")
    if found is None or found.origin is None:
        return None
    return json.loads((Path(found.origin).parent / "builtin_schemas/vendor/compose-spec.json").read_text())


def test_the_compose_schema() -> None:
    schema = compose_schema()
    if schema is None:
        pytest.skip("check-jsonschema is not installed, which carries the schema")
    jsonschema.validate(COMPOSE, schema)


def test_the_compose_file_says_that_it_was_not_run() -> None:
    assert "NOT YET RUN" in (ROOT / "docker-compose.yml").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_complete(name: str) -> None:
    service = SERVICES[name]
    assert service["image"].count(":") == 1
    assert not service["image"].endswith(":latest")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["restart"] == ("on-failure:5" if name in ONCE else "unless-stopped")
    assert service["healthcheck"] == {"disable": True} if name in ONCE else "test" in service["healthcheck"]
    for other, how in service.get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if other in ONCE else "service_healthy")
    for port in service.get("ports", []):
        assert interpolated(port).startswith("127.0.0.1:")


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_mounts_is_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = interpolated(volume).split(":")[0]
        if source.startswith("./secrets"):
            continue  # made by the script, tested below
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    for part in [*SERVICES[name].get("entrypoint", []), *SERVICES[name].get("command", [])]:
        if part.startswith("/deploy/"):
            assert (ROOT / part.lstrip("/")).is_file()
    for secret in SERVICES[name].get("secrets", []):
        assert secret in COMPOSE["secrets"]
    for config in SERVICES[name].get("configs", []):
        assert config["source"] in COMPOSE["configs"]


def test_the_images_files_are_enough_to_build_it(tmp_path: Path) -> None:
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!"):
            source = ROOT / line[1:]
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, tmp_path / source.name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=SCRIPT_SECONDS_MAX, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    kept = [one for name in PACKAGES for one in (ROOT / name).rglob("*") if one.is_file() and one.suffix != ".pyc"]
    assert {str(one.relative_to(ROOT)) for one in kept} <= packed


def setting(path: list[str]) -> Any:
    """The field at a path of settings; raises KeyError when there is none."""
    model: Any = Settings
    for name in path[:-1]:
        model = model.model_fields[name].annotation
        assert issubclass(model, BaseModel)
    return model.model_fields[path[-1]]


@pytest.mark.parametrize("name", SERVICES)
def test_environment_names_are_settings(name: str) -> None:
    for variable in SERVICES[name].get("environment", {}):
        if variable in ("SEAMLINE_CONFIG", "SEAMLINE_SECRETS_DIR") or not variable.startswith("SEAMLINE_"):
            continue
        assert setting(variable.removeprefix("SEAMLINE_").lower().split("__"))


def test_no_password_stands_in_the_files() -> None:
    for file in ("docker-compose.yml", ".env.example", "Dockerfile"):
        text = (ROOT / file).read_text()
        given = re.findall(r"^\s*-?\s*\w*(?:PASSWORD|PWD|TOKEN|SECRET)\w*\s*[=:]\s*(\S+)", text, re.MULTILINE)
        assert all(value.startswith(("/run/", "./")) for value in given), file


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder of secrets, as the script makes it."""
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run(["sh", ROOT / "deploy/make-secrets.sh", folder], check=True, timeout=SCRIPT_SECONDS_MAX)
    return folder


def test_secrets_are_made_once_and_are_closed_to_others(secrets: Path) -> None:
    password = (secrets / "postgres_password").read_text()
    assert re.fullmatch(r"[0-9a-f]{48}", password)
    subprocess.run(["sh", ROOT / "deploy/make-secrets.sh", secrets], check=True, timeout=SCRIPT_SECONDS_MAX)
    assert (secrets / "postgres_password").read_text() == password
    assert secrets.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def environment(secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A folder without settings of its own, and an environment as in a container."""
    monkeypatch.chdir(tmp_path)
    for variable in [one for one in os.environ if one.startswith("SEAMLINE_")]:
        monkeypatch.delenv(variable)
    return monkeypatch


def container(environment: pytest.MonkeyPatch, service: str, settings: Path, secrets: Path) -> Settings:
    """The settings that a service loads in its container."""
    for name, value in SERVICES[service]["environment"].items():
        environment.setenv(name, interpolated(value))
    environment.setenv("SEAMLINE_CONFIG", str(settings))
    environment.setenv("SEAMLINE_SECRETS_DIR", str(secrets / service))
    return load_settings()


def test_the_compose_variables_do_not_disturb_our_own(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in [one for one in os.environ if one.startswith("TEMPORAL_")]:
        environment.delenv(variable)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    assert load_settings() == Settings()
    assert connect_config().get("target_host") == DEFAULT_ADDRESS


@pytest.mark.parametrize("script", sorted((ROOT / "deploy").glob("*.sh")), ids=lambda one: one.name)
def test_scripts_can_be_read_by_a_plain_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True, timeout=SCRIPT_SECONDS_MAX)
    assert os.access(script, os.X_OK)


def test_the_api_has_its_token_and_listens_in_the_container(environment: pytest.MonkeyPatch, secrets: Path) -> None:
    settings = container(environment, "api", ROOT / "deploy/simulator.toml", secrets)
    assert settings.api.token is not None
    assert (settings.api.host, settings.api.port) == ("0.0.0.0", 8080)  # noqa: S104


async def test_the_simulator_settings_build_a_worker(environment: pytest.MonkeyPatch, secrets: Path) -> None:
    settings = container(environment, "worker", ROOT / "deploy/simulator.toml", secrets)
    served = serve_connections(settings, HttpFactory())
    deals = {"crm-main", "xero-main", "hub-main"}
    assert {one.name for one in served} == {"shop-uk", "erp-main", "shippo-main", "mail-main", "chat-main"} | deals
    for one in served:
        await one.close()


async def test_the_production_settings_build_a_worker_with_the_secrets_that_they_name(
    environment: pytest.MonkeyPatch, secrets: Path
) -> None:
    production = ROOT / "deploy/production.toml"
    named = SECRET_FILE.findall(production.read_text())
    for service, name in named:
        secret = "https://chat.example/services/x" if name.endswith("account__url") else "shippo_live_x"
        (secrets / service / name).write_text(secret)
    served = serve_connections(container(environment, "worker", production, secrets), HttpFactory())
    assert len(served) == 5
    for one in served:
        await one.close()
    settings = container(environment, "api", production, secrets)
    assert settings.connections["shop-uk"].webhook_secret is not None
    held = {f"connections__{name}__account__{key}" for name, one in settings.connections.items() for key in one.account}
    assert not held & {name for service, name in named if service == "worker"}


async def said(environment: dict[str, str], *command: str) -> str:
    """What a command prints; it must end well."""
    child = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    printed, _ = await asyncio.wait_for(child.communicate(), SCRIPT_SECONDS_MAX)
    assert child.returncode == 0
    return printed.decode()


async def test_the_simulator_is_set_going(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "world.db") as simulator,
        httpx.AsyncClient(base_url=simulator.url) as http,
        inbox() as api,
    ):
        environment = {"SIMULATOR_URL": simulator.url, "API_URL": api.url.removesuffix("/webhooks")}
        for _ in range(2):
            api.answers = [200, 401]  # The books ask for the intent to receive: signed by them, and by nobody.
            await said(environment, sys.executable, str(ROOT / "deploy/simulator_start.py"))
        assert (await http.get("/_simulator/settings")).json()["autopilot"] is True
        before = len(api.received)
        for path in ("crms/crm-main/deals", "books/xero-main/contacts"):
            (await http.post(f"/_simulator/{path}", json={})).raise_for_status()
        await api.until(before + 2)


async def test_namespace_and_search_attributes_are_made(temporal: EmbeddedTemporal) -> None:
    environment = {
        "PATH": f"{Path(binary('temporal')).parent}:{os.environ['PATH']}",
        "TEMPORAL_ADDRESS": temporal.address,
        "TEMPORAL_NAMESPACE": "packaging",
        "HISTORY_KEPT": "720h",
    }
    for _ in range(2):
        await said(environment, "sh", str(ROOT / "deploy/temporal-namespace.sh"))
    listed = await said(environment, "temporal", "operator", "search-attribute", "list", "--namespace", "packaging")
    rows = [line.split() for line in listed.splitlines() if "Seamline" in line]
    assert dict(row[:2] for row in rows) == {
        key.name: key.indexed_value_type.name.capitalize() for key in attributes.ALL
    }
