"""Where settings come from: environment, `.env`, secrets in files and `seamline.toml`, made fit for one another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    TomlConfigSettingsSource,
)

from seamline.errors import ConfigurationError

CONFIG_FILE = "seamline.toml"
SECRET_BYTES_MAX = 65_536


def sources(
    settings_cls: type[BaseSettings], given: PydanticBaseSettingsSource, secrets: PydanticBaseSettingsSource
) -> tuple[PydanticBaseSettingsSource, ...]:
    """All of them, the strongest first."""
    found: list[PydanticBaseSettingsSource] = [given, _Environment(settings_cls), _DotEnv(settings_cls)]
    if folder := os.environ.get("SEAMLINE_SECRETS_DIR"):
        found.append(_secrets(secrets, Path(folder)))
    found.append(TomlConfigSettingsSource(settings_cls, config_file()))
    return tuple(_Tidy(settings_cls, source) for source in found)


def config_file() -> Path:
    """The TOML file of the settings: `SEAMLINE_CONFIG`, else `seamline.toml`. ConfigurationError if it is gone."""
    named = os.environ.get("SEAMLINE_CONFIG")
    if named and not Path(named).is_file():
        raise ConfigurationError(f"SEAMLINE_CONFIG: there is no file {named}: correct the path or unset it")
    return Path(named or CONFIG_FILE)


def variable(path: Sequence[str]) -> str:
    """The environment variable of a setting."""
    return "SEAMLINE_" + "__".join(part.upper().replace("-", "_") for part in path)


class _Lists(EnvSettingsSource):
    """A source of variables, in which a list may be written `a,b` as well as in JSON."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The value as it is set. Raises ValueError when it is no JSON where only JSON will do."""
        if _is_plain_list(field) and not value.lstrip().startswith("["):
            return [part.strip() for part in value.split(",") if part.strip()]
        return super().decode_complex_value(field_name, field, value)


class _Environment(_Lists):
    """The environment."""


class _DotEnv(_Lists, DotEnvSettingsSource):
    """The file `.env`."""


class _Secrets(_Lists, NestedSecretsSettingsSource):
    """A folder with one file a secret."""


def _is_plain_list(field: FieldInfo | None) -> bool:
    """Whether the field holds values like texts and numbers, in which a comma stands for no more than the next."""
    if field is None or get_origin(field.annotation) is not tuple:
        return False
    held = get_args(field.annotation)[0]
    return not (isinstance(held, type) and issubclass(held, BaseModel))


class _Tidy(PydanticBaseSettingsSource):
    """A source made fit: without the other programs' variables that `.env` holds too, and with the dashes of names.

    Connections and teams may be written with underscores, since most shells allow no dash in a variable.
    """

    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not asked for: the whole source is read at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        values = self._source()
        if isinstance(self._source, DotEnvSettingsSource):
            values = {name: value for name, value in values.items() if name in self.settings_cls.model_fields}
        for named in ("connections", "teams"):
            if isinstance(group := values.get(named), dict):
                values = {**values, named: {str(name).replace("_", "-"): one for name, one in group.items()}}
        return values


def _secrets(defaults: PydanticBaseSettingsSource, folder: Path) -> PydanticBaseSettingsSource:
    if not folder.is_dir():
        raise ConfigurationError(f"SEAMLINE_SECRETS_DIR: there is no folder {folder}: correct the path or unset it")
    return _Secrets(defaults, secrets_dir=folder, secrets_prefix="", secrets_nested_delimiter="__")


def with_files(values: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    """The values with each `name_file` replaced by `name`, read from that file."""
    read: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and not (name == "account" and len(place) == 2):
            value = with_files(value, (*place, name))
        elif isinstance(value, str) and name.endswith("_file"):
            name, value = name.removesuffix("_file"), _content(Path(value), ".".join((*place, name)))
            if name in values:
                raise ConfigurationError(f"{'.'.join((*place, name))}: is set twice, also as {name}_file: remove one")
        read[name] = value
    return read


def _content(file: Path, setting: str) -> str:
    try:
        if file.stat().st_size > SECRET_BYTES_MAX:
            raise ConfigurationError(
                f"{setting}: the file has more than {SECRET_BYTES_MAX} bytes: is it the right one?"
            )
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"{setting}: the file cannot be read ({reason}): correct the path") from None
