"""The settings: environment `SEAMLINE_*`, `.env`, `seamline.toml` and secrets in files, in this order of precedence.

Nested names are joined by two underscores, and a connection's or team's dashes may be written as underscores:
`SEAMLINE_CONNECTIONS__SHOP_UK__ACCOUNT__TOKEN`. `SEAMLINE_CONFIG` names another TOML file, `SEAMLINE_SECRETS_DIR` a
folder with one file a secret, called like the variable (`connections__shop-uk__account__token`). In a variable a list
may be written `a,b`, or as JSON. Any value may also be read from a file by adding `_file` to its name:
`webhook_secret_file = "/run/secrets/shop-uk"`. Workers alone read the files of accounts: the API must not hold a
system's credentials. Temporal itself is configured by its own standard, `TEMPORAL_*` and profiles
(`seamline.temporal`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from seamline.catalog import roles_of, systems
from seamline.errors import ConfigurationError
from seamline.policy_settings import PolicySettings
from seamline.process.process import Process
from seamline.process.start import STARTED_BY_LENGTH_MAX, Start
from seamline.records.customs import COUNTRY
from seamline.records.reference import check_reference, connection_of, whole_of
from seamline.section import Section
from seamline.service_settings import ApiSettings, StockSettings, WatchSettings, WorkerSettings
from seamline.settings_sources import CONFIG_FILE, config_file, sources, variable, with_files
from seamline.teams import NotifierSettings, TeamName, TeamSettings, check_teams
from seamline.telemetry_settings import TelemetrySettings

PROCESS_QUEUE = "seamline"
"""The task queue of the workflows; every connection has one of its own, named like it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a connection's name has small letters, digits and dashes, 31 at most: shop-uk")
    if name == PROCESS_QUEUE:
        raise ValueError(f"the name {PROCESS_QUEUE!r} is taken by the workflows' own task queue: choose another")
    return name


ConnectionName = Annotated[str, AfterValidator(_check_name)]


class BreakerSettings(Section):
    """When a system that is down is left alone."""

    failures: int = Field(default=3, ge=1, le=100, description="Outages in a row that open the breaker.")
    open_seconds: float = Field(default=2, gt=0, le=3600, description="How long it stays open the first time.")
    open_seconds_max: float = Field(default=30, gt=0, le=3600, description="How long at most; it doubles each time.")


class Connection(Section):
    """A named account in a system."""

    system: str = Field(description="The system's folder in seamline/systems: shopify, hubspot, smtp ...")
    roles: tuple[str, ...] = Field(default=(), description="What it does for us; by default all its system can.")
    rate_per_second: float = Field(default=10, gt=0, le=10_000, description="Tasks a second, over all workers.")
    concurrency: int = Field(default=10, ge=1, le=1000, description="Tasks at once in one worker.")
    breaker: BreakerSettings = BreakerSettings()
    observe_only: bool = Field(
        default=False,
        description="Nothing is written to it, and processes that use it only tell what they would have done.",
    )
    webhook_secret: SecretStr | None = Field(default=None, description="What its webhooks are signed with.")
    account: dict[str, Any] = Field(default={}, repr=False, description="The system's own settings: address, token.")

    @model_validator(mode="after")
    def _check_system(self) -> Connection:
        if self.system not in systems():
            raise ValueError(f"system is not known; there are: {', '.join(systems())}")
        possible = roles_of(self.system)
        wrong = [role for role in self.roles if role not in possible]
        if wrong:
            raise ValueError(f"roles: {self.system} cannot be {', '.join(wrong)}; it can be: {', '.join(possible)}")
        return self

    @property
    def fills(self) -> Sequence[str]:
        """The roles it fills: those set, else all its system can."""
        return self.roles or roles_of(self.system)


class Settings(BaseSettings):
    """Everything that can be set. Load it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix="SEAMLINE_",
        env_nested_delimiter="__",
        env_file=".env",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    connections: dict[ConnectionName, Connection] = {}
    observe_only: bool = Field(default=False, description="The same for all connections: nothing is written at all.")
    routes: dict[str, str] = Field(default={}, description="Role -> connection, where two could fill it.")
    policy: PolicySettings = PolicySettings()
    teams: dict[TeamName, TeamSettings] = {}
    notifier: NotifierSettings = NotifierSettings()
    worker: WorkerSettings = WorkerSettings()
    api: ApiSettings = ApiSettings()
    watch: WatchSettings = WatchSettings()
    stock: StockSettings = StockSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    temporal_ui_url: str = Field(default="", description="Temporal's web page, for links: http://localhost:8233.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the strongest first."""
        return sources(settings_cls, init_settings, file_secret_settings)

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: Any) -> Any:
        return with_files(values, ()) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _check_names(self) -> Settings:
        for role, name in self.routes.items():
            if name not in self.connections:
                raise ValueError(f"routes.{role} names no connection; there are: {_listed(self.connections)}")
            if role not in self.connections[name].fills:
                raise ValueError(f"routes.{role}: {name} fills {_listed(self.connections[name].fills)} only")
        books = self.filling("accounting")
        for entity, name in self.policy.billing.entities.items():
            if name not in books:
                told = f'policy.billing.entities."{entity}" names no connection of role accounting'
                raise ValueError(f"{told}; there are: {_listed(books)}")
        for name in self.served:
            if name not in self.connections:
                raise ValueError(f"worker.connections: {name!r} is none; there are: {_listed(self.connections)}")
        self._check_entities()
        self._check_locations()
        self._check_shops()
        self._check_express()
        check_teams(self.teams, self.notifier, mailing=self.mailing, chats=self.chats)
        return self

    def _check_entities(self) -> None:
        for entity, name in self.policy.billing.entities.items():
            if name not in self.filling("accounting"):
                books = _listed(self.filling("accounting"))
                raise ValueError(f"policy.billing.entities.{entity}: {name!r} is no accounting connection: {books}")

    def _check_express(self) -> None:
        for name in self.policy.express:
            if name not in self.connections:
                raise ValueError(f"policy.express: {name!r} is no connection; there are: {_listed(self.connections)}")

    def _check_shops(self) -> None:
        for name in self.policy.shops:
            if name not in self.filling("shop"):
                raise ValueError(f"policy.shops.{name} names no shop; there are: {_listed(self.filling('shop'))}")

    def _check_locations(self) -> None:
        for place, location in self.policy.locations.items():
            for role, name in (("inventory", location.inventory), ("carrier", location.carrier)):
                if name and name not in self.filling(role):
                    told = f'policy.locations."{place}".{role} names no connection of role {role}'
                    raise ValueError(f"{told}; there are: {_listed(self.filling(role))}")

    @property
    def mailing(self) -> str | None:
        """The connection that mails to teams: the routed one, else the only one that can."""
        found = [name for name in self.filling("staff") if "mail" in roles_of(self.connections[name].system)]
        routed = self.routes.get("staff")
        if routed in found:
            return routed
        return found[0] if len(found) == 1 else None

    @property
    def chats(self) -> Sequence[str]:
        """The connections that write in a channel of their own."""
        return [name for name in self.filling("staff") if "mail" not in roles_of(self.connections[name].system)]

    @property
    def served(self) -> Sequence[str]:
        """The names of the connections that this worker serves."""
        return tuple(self.connections) if self.worker.connections == ("all",) else self.worker.connections

    @property
    def observed(self) -> frozenset[str]:
        """The connections that nothing is written to."""
        return frozenset(name for name, one in self.connections.items() if self.observe_only or one.observe_only)

    def filling(self, role: str) -> Sequence[str]:
        """The names of the connections that can fill a role."""
        return [name for name, connection in self.connections.items() if role in connection.fills]


def load_settings() -> Settings:
    """The settings of this process. ConfigurationError names every wrong one and the remedy, never a value."""
    try:
        return Settings()
    except ValidationError as error:
        raise configuration_error(error) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{config_file()} is not TOML: {error}") from None
    except SettingsError as error:
        raise ConfigurationError(f"{error}: write it as JSON, or set its parts one by one") from None


def configuration_error(error: ValidationError, place: str = "") -> ConfigurationError:
    """A pydantic error as text for whoever sets things: each setting below `place`, what is wrong, where to set it."""
    lines = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        path = [*place.split("."), *map(str, one["loc"])] if place else [str(part) for part in one["loc"]]
        path = [part for part in path if part != "[key]"]
        lines.append(
            f"{'.'.join(path)}: {_reason(one['type'], one['msg'])}" if path else _reason(one["type"], one["msg"])
        )
        if path:
            lines[-1] += f" (in {CONFIG_FILE}, or {variable(path)})"
    return ConfigurationError("\n".join(lines))


def account_of(name: str, connection: Connection) -> dict[str, Any]:
    """A connection's account with its files read. ConfigurationError names the one that cannot be."""
    return with_files(connection.account, ("connections", name, "account"))


def start_for(process: type[Process], reference: str, settings: Settings, *, started_by: str = "") -> Start:
    """What a process is started with now: the route for its roles, and the policy as it is set.

    Raises ValueError when the reference cannot be one of this process, ConfigurationError when a role has no connection
    or several and no route.
    """
    own = connection_of(check_reference(reference))
    if own not in settings.connections:
        raise ValueError(f"its connection {own!r} is not set; there are: {_listed(settings.connections)}")
    if process.origin and process.origin not in settings.connections[own].fills:
        raise ValueError(
            f"its connection {own!r} is no {process.origin}; there are: {_listed(settings.filling(process.origin))}"
        )
    whole = whole_of(reference)
    if process.has_parts and reference != whole:
        raise ValueError(f"names a part or parcel of {whole}, whose own process ships it: start that, {whole}")
    route = route_for(process, own, settings)
    return process.start_type(
        reference=reference,
        route=route,
        policy=_sending_from(settings, route),
        started_by=started_by[:STARTED_BY_LENGTH_MAX],
        observe_only=observes(process, own, settings),
    )


def _sending_from(settings: Settings, route: Mapping[str, str]) -> PolicySettings:
    """The policy, with the country that goods leave from: where it is not set, that of the carrier account's sender."""

    def country(carrier: str) -> str:
        connection = settings.connections.get(carrier)
        sender = connection.account.get("sender") if connection else None
        named = str(sender.get("country") or "") if isinstance(sender, Mapping) else ""
        return named if COUNTRY.fullmatch(named) else ""

    policy = settings.policy
    places = {
        name: place.model_copy(update={"ship_from": place.ship_from or country(place.carrier)})
        for name, place in policy.locations.items()
    }
    home = policy.ship_from if "ship_from" in policy.model_fields_set else country(route.get("carrier", ""))
    return policy.model_copy(update={"locations": places, "ship_from": home or policy.ship_from})


def observes(process: type[Process], own: str, settings: Settings) -> bool:
    """Whether a process of this connection's objects only observes: one of the connections that it may use does."""
    used = {own, *route_for(process, own, settings).values()}
    used |= {name for role in process.chosen for name in settings.filling(role)}
    return bool(used & settings.observed)


def route_for(process: type[Process], own: str, settings: Settings) -> dict[str, str]:
    """Role -> connection for an object of the connection `own`. ConfigurationError when a role has none or several."""
    return {role: name for role in process.roles if (name := _connection_for(role, own, process, settings))}


def _connection_for(role: str, own: str, process: type[Process], settings: Settings) -> str:
    """The connection for a role; none yet where several could fill it and the process chooses."""
    candidates = settings.filling(role)
    if own in candidates:
        return own
    if role in settings.routes:
        return settings.routes[role]
    if not candidates:
        raise ConfigurationError(f"connections: none fills the role {role!r}: add one to {CONFIG_FILE}")
    if len(candidates) > 1 and role in process.chosen and settings.policy.chooses(role):
        return ""
    if len(candidates) > 1:
        raise ConfigurationError(
            f"routes.{role}: is missing and several connections could fill it: "
            f"set it to one of {_listed(candidates)} (in {CONFIG_FILE}, or {variable(['routes', role])})"
        )
    return candidates[0]


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is no setting here: check its spelling, seamline.example.toml shows all"
    if kind == "missing":
        return "is missing"
    if kind == "tuple_type":
        return 'must be a list: ["a", "b"], in a variable also a,b'
    return message.removeprefix("Value error, ")


def _listed(names: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(sorted(names)) or "none"
