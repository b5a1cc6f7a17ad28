"""The catalog finds what can be run, and only what is ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from seamline import catalog
from seamline.process.process import Process
from seamline.records.event import EventKind


def test_processes_are_found_by_their_names() -> None:
    known = catalog.processes()
    assert {"order-to-shipment", "follow-parcel"} <= set(known)
    assert "process" not in known


def test_workflows_that_are_no_processes_are_found_too() -> None:
    names = {cls.__name__ for cls in catalog.workflows()}
    assert {"OrderToShipment", "FollowParcel", "Trace", "Survey", "NotifyTeams"} <= names
    assert "Process" not in names


def test_an_event_starts_the_process_that_names_it() -> None:
    known = catalog.processes()
    assert catalog.starting_on(EventKind.ORDER_PAID, known) is known["order-to-shipment"]
    assert catalog.starting_on(EventKind.OTHER, known) is None


def test_an_event_is_heard_by_the_processes_that_name_it() -> None:
    class Listening(Process):
        hears = (EventKind.ORDER_EDITED,)

    known = {"listening": Listening, "other": Process}
    assert catalog.hearing(EventKind.ORDER_EDITED, known) == [Listening]
    assert catalog.hearing(EventKind.OTHER, known) == []


def test_roles_and_webhooks_are_found_by_their_files() -> None:
    assert catalog.roles_of("shopify") == ("shop",)
    assert catalog.roles_of("smtp") == ("mail", "staff")
    assert catalog.roles_of("nothing") == ()
    assert catalog.webhook_of("shopify")
    assert catalog.webhook_of("tryton") is None


def test_looking_for_what_there_is_imports_no_adapter() -> None:
    code = (
        "import sys\nfrom seamline import catalog\ncatalog.processes()\n"
        "[(catalog.roles_of(one), catalog.webhook_of(one)) for one in catalog.systems()]\n"
        "print([name for name in sys.modules if name.startswith('seamline.systems.') and name.endswith('.client')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_another_package_called_workflows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "__init__.py").touch()
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{catalog.ROOT}"}
    command = [sys.executable, "-m", "seamline.cli", "start", "order-to-shipment", "shop-uk:1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=60)
    assert done.returncode == 1
    assert "run from the project root" in done.stderr
