"""How a vendor's value becomes ours and back, by name: what the fields of a mapping are declared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from seamline.records.reference import external_id_of


class Unset(Enum):
    """No value at all, where None is one."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True)
class Conversion:
    """How one value, or several that make one, are read and written. Without `read` it only writes, and so on.

    Both take as many values as there are places on their side, and give one value, or a tuple where there are several
    places on the other side. A value that they cannot convert makes them raise ValueError, TypeError or the like.
    """

    name: str
    read: Callable[..., Any] | None = None
    write: Callable[..., Any] | None = None
    wants: str = ""
    """What a value must be, in words, where the name does not say it."""
    empty: Any = UNSET
    """What nothing is read as. Unset leaves it to the record's default."""
    takes_blank: bool = False
    """Whether a blank text is a value like others; else it is nothing."""
    takes_none: bool = False
    """Whether nothing is a value like others: what is read does not depend on their object alone."""

    def where_none(self, ours: Any) -> Conversion:
        """The same, but nothing, or a blank text, is read as this."""
        return replace(self, name=f"{self.name}, {ours} where there is none", empty=ours, takes_blank=False)

    @property
    def needed(self) -> str:
        """What a value must be."""
        return self.wants or self.name


def codes(table: Mapping[Any, Any], *, otherwise: Any = UNSET) -> Conversion:
    """Their codes and ours. What is not in the table is refused, or read as `otherwise`; None there is nothing."""
    known = {theirs: ours for theirs, ours in table.items() if theirs is not None}
    back = {ours: theirs for theirs, ours in reversed(known.items())}

    def read(value: Any) -> Any:
        return known[value] if otherwise is UNSET else known.get(value, otherwise)

    pairs = [f"{'nothing' if theirs in (None, '') else theirs} = {ours}" for theirs, ours in table.items()]
    rest = [] if otherwise is UNSET else [f"others = {otherwise}"]
    return Conversion(
        name=", ".join(pairs + rest),
        read=read,
        write=back.__getitem__,
        wants=f"one of {', '.join(map(str, known))}",
        empty=table.get(None, UNSET),
        takes_blank="" in known,
    )


def by(
    read: Callable[..., Any] | None = None, write: Callable[..., Any] | None = None, *, takes_none: bool = False
) -> Conversion:
    """By functions of the adapter's own; the first line of the first one's docstring says how."""
    told = ((read or write).__doc__ or "").strip().splitlines()
    if not told:
        raise ValueError("a function that converts says how in its docstring")
    words = told[0].rstrip(".")
    # A sentence becomes a note, unless it begins with a name or a code.
    name = words[0].lower() + words[1:] if words[1:2].islower() or words[1:2] == " " else words
    wants = "what is documented"
    return Conversion(name=name, read=read, write=write, wants=wants, takes_blank=True, takes_none=takes_none)


def always(value: Any) -> Conversion:
    """The same is written each time, whatever ours holds."""
    return Conversion(name=f"always {value}", write=lambda: value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    return str(value)


def _decimal(value: Any) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return number


def _integer(value: Any) -> int:
    number = _decimal(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else {"true": True, "false": False}[value]


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(value)


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _moment_out(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _money(amount: Any, currency: Any) -> Any:
    return UNSET if amount in (None, "") else {"amount": _decimal(amount), "currency": currency}


def _domain(value: Any) -> str:
    address = _text(value).strip().lower()
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    bare = host.removeprefix("www.")
    if "." not in bare or " " in bare:
        raise ValueError
    return bare


def _country(value: Any) -> str:
    code = _text(value).strip().upper()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        raise ValueError
    return code


def _same(value: Any) -> Any:
    return value


AS_IS = Conversion("as it is", _same, _same, takes_blank=True)
TEXT = Conversion("text", _text, _text, empty="", takes_blank=True)
INTEGER = Conversion("whole number", _integer, int)
DECIMAL = Conversion("decimal number", _decimal, str, wants="a number")
NUMBER = Conversion("decimal number", _decimal, float, wants="a number")
FLAG = Conversion("yes or no", _flag, bool)
DATE = Conversion("date", _date, date.isoformat, wants="a date such as 2026-11-22")
DATETIME = Conversion("moment with its time zone", _moment, _moment_out, wants="a moment such as 2026-11-22T10:50:00Z")
MONEY = Conversion("amount and currency", _money, lambda money: (str(money.amount), money.currency), wants="a number")
MONEY_NUMBER = Conversion(
    "amount and currency", _money, lambda money: (float(money.amount), money.currency), wants="a number"
)
DOMAIN = Conversion(
    "host of a web address, without www", _domain, _same, wants="a web address such as https://www.acme.example"
)
COUNTRY = Conversion("country code", _country, _same, wants="a two-letter country code such as GB")
REFERENCE = Conversion(
    "connection:id",
    lambda connection, identity: f"{connection}:{identity}",
    lambda reference: (UNSET, external_id_of(reference)),
    wants="an id",
)
"""Of the places ("$connection", "Id")."""
