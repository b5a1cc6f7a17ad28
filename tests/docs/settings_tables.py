"""The tables of `docs/settings.md`, made from the models. `python -m tests.docs.settings_tables` writes them anew."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from seamline import catalog
from seamline.billing_settings import BillingSettings, TaxRuleSettings, TermsSettings, WorkingDaysSettings
from seamline.policy_settings import (
    AbsenceSettings,
    AftersalesSettings,
    ApprovalSettings,
    LocationSettings,
    PolicySettings,
    ShopSettings,
    TakeOverSettings,
    WorkingHoursSettings,
)
from seamline.records.address import Address
from seamline.service_settings import ApiSettings, StockSettings, WatchSettings, WorkerSettings
from seamline.settings import BreakerSettings, Connection, Settings
from seamline.teams import NotifierSettings, TeamSettings
from seamline.telemetry_settings import TelemetrySettings

PAGE = Path(__file__).resolve().parents[2] / "docs/settings.md"
MARKED = re.compile(r"<!-- table: (\S+) -->\n.*?<!-- end -->", re.DOTALL)

MEANINGS = {
    "api.host": "The address it listens on. Beyond this machine set a token too.",
    "api.body_limit_bytes": "The largest body of a request.",
    "telemetry.service_name": "The name that traces carry.",
    "connections.NAME.breaker": "When a system that is down is left alone: the table below.",
    "connections": "The connections, by name: the tables below.",
    "teams": "Where teams are told what waits: the table below.",
    "notifier": "The table below.",
    "policy": "The rules of the business: the table below.",
    "watch": "How CRMs are looked at: the table below.",
    "watch.enabled": "Whether they are looked at; without it only webhooks start deals.",
    "stock": "How shops are told what is in stock: the table below.",
    "worker": "The table below.",
    "api": "The table below.",
    "telemetry": "The table below.",
    "box.length_cm": "The length of the parcel that is used where none is given.",
    "box.width_cm": "Its width.",
    "box.height_cm": "Its height.",
}
"""What the models leave to this page."""


def sections() -> dict[str, tuple[str, type[BaseModel]]]:
    """Name of the table -> where its settings begin, and their model."""
    found: dict[str, tuple[str, type[BaseModel]]] = {
        "top": ("", Settings),
        "connection": ("connections.NAME.", Connection),
        "breaker": ("connections.NAME.breaker.", BreakerSettings),
        "policy": ("policy.", PolicySettings),
        "approval": ("policy.approvals.NAME.", ApprovalSettings),
        "shop": ("policy.shops.NAME.", ShopSettings),
        "take-over": ("policy.shops.NAME.take_over.", TakeOverSettings),
        "absence": ("policy.absences.", AbsenceSettings),
        "hours": ("policy.working_hours.", WorkingHoursSettings),
        "location": ("policy.locations.NAME.", LocationSettings),
        "aftersales": ("policy.aftersales.", AftersalesSettings),
        "billing": ("policy.billing.", BillingSettings),
        "terms": ("policy.billing.terms.NAME.", TermsSettings),
        "tax-rule": ("policy.billing.tax_rules.", TaxRuleSettings),
        "billing-days": ("policy.billing.calendar.", WorkingDaysSettings),
        "team": ("teams.NAME.", TeamSettings),
        "notifier": ("notifier.", NotifierSettings),
        "watch": ("watch.", WatchSettings),
        "stock": ("stock.", StockSettings),
        "worker": ("worker.", WorkerSettings),
        "api": ("api.", ApiSettings),
        "telemetry": ("telemetry.", TelemetrySettings),
    }
    for system in catalog.systems():
        for role in catalog.roles_of(system):
            account = importlib.import_module(f"seamline.systems.{system}.{role}").Account
            found[f"account-{system}"] = ("", account)
    return found


def table(prefix: str, model: type[BaseModel]) -> str:
    """One table. Names are those of the TOML file."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in fields(prefix, model):
        lines.append(f"| `{name}` | {default(field)} | {meaning(name, field)} |")
    return "\n".join(lines)


def fields(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Every setting of a model; those of a box are named with it, an address is one."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        inner = isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Address
        if inner and not prefix and model is not Settings:
            yield from fields(f"{name}.", kind)  # type: ignore[arg-type]
        else:
            yield f"{prefix}{name}", field


def meaning(name: str, field: FieldInfo) -> str:
    """What it is for. KeyError when neither the model nor this module says it."""
    return (field.description or MEANINGS[name]).replace("|", "\\|")


def default(field: FieldInfo) -> str:
    """The default as it would stand in the file; empty where a value must be given or there is none."""
    value = field.get_default(call_default_factory=True, validated_data={})
    secret = SecretStr in (field.annotation, *get_args(field.annotation))
    if field.is_required():
        return "must be given" + (", secret" if secret else "")
    if secret:
        return "none, secret"
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value in ((), {}, ""):
        return ""
    return f"`{toml(value)}`"


def toml(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, int | float):
        return f"{value:g}" if value < 1_000_000 else str(int(value))
    return str(value) if value.__class__.__name__ == "Decimal" else f'"{str(value).rstrip("/")}"'


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name) else f'"{name}"'


def written(page: str) -> str:
    """The page with every marked table made anew."""
    known = sections()
    return MARKED.sub(lambda mark: f"<!-- table: {mark[1]} -->\n{table(*known[mark[1]])}\n<!-- end -->", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
