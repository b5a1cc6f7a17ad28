"""One organisation's books: what it is set to, who acts on them, and how what they do gets into the ledger."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.world import Body, World
from seamline.simulator.xero_answers import SYSTEM, Invalid, day_text, ms_date, ms_time, stamp
from seamline.simulator.xero_tokens import tenant_id
from seamline.simulator.xero_webhooks import Webhooks

CREATED_AT = "2026-01-01T00:00:00+00:00"
_SETUP = "setup"
_KEY = re.compile(r"(?P<reference>[^/\s]+)/[a-z0-9-]+#\d+(/[a-z-]+)?")

Rate = Annotated[Decimal, Field(ge=0, le=100)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,50}$")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class TaxRate(_Asked):
    """A tax rate of the organisation; `rate` in per cent."""

    name: str = Field(min_length=1, max_length=50)
    rate: Rate
    active: bool = True


class LockDates(_Asked):
    """Nothing is posted, changed or taken back that is dated on or before these days."""

    period: date | None = None
    end_of_year: date | None = None


class Setup(_Asked):
    """What an organisation is set to."""

    name: str = Field(default="", max_length=100)
    base_currency: Currency = "GBP"
    currencies: dict[Currency, Annotated[Decimal, Field(gt=0, le=1_000_000)]] = {
        "GBP": Decimal(1),
        "EUR": Decimal("1.15"),
        "USD": Decimal("1.25"),
    }
    """What one unit of the base currency is worth in each."""
    tax_rates: dict[Code, TaxRate] = {
        "OUTPUT2": TaxRate(name="20% (VAT on Income)", rate=Decimal(20)),
        "RROUTPUT": TaxRate(name="5% (VAT on Income)", rate=Decimal(5)),
        "ZERORATEDOUTPUT": TaxRate(name="Zero Rated Income", rate=Decimal(0)),
        "ECZROUTPUTSERVICES": TaxRate(name="Zero Rated EC Services", rate=Decimal(0)),
        "EXEMPTOUTPUT": TaxRate(name="Exempt Income", rate=Decimal(0)),
        "NONE": TaxRate(name="No VAT", rate=Decimal(0)),
    }
    locks: LockDates = LockDates()


ACCOUNTS = {
    "200": ("Sales", "REVENUE", "REVENUE"),
    "260": ("Other Revenue", "REVENUE", "REVENUE"),
    "404": ("Bank Fees", "OVERHEADS", "EXPENSE"),
    "090": ("Business Bank Account", "BANK", "ASSET"),
}
"""Code: name, type and class."""


def setup_of(world: World, connection: str) -> Setup:
    """What this organisation is set to."""
    return Setup.model_validate(world.get(connection, _SETUP, _SETUP) or {"name": connection})


def set_up(world: World, connection: str, setup: Setup) -> None:
    """From now on it is set to this."""
    world.put(connection, _SETUP, _SETUP, setup.model_dump(mode="json"))


@dataclass(frozen=True)
class Books:
    """An organisation's books while one call or one person acts on them."""

    world: World
    connection: str
    webhooks: Webhooks
    base_url: str
    mail: Callable[[str], bool]
    """Counts a mail of this organisation; False when it may send no more today."""
    key: str = ""
    """The Idempotency-Key, in which our callers carry the effect key."""
    by_hand: bool = False

    @property
    def setup(self) -> Setup:
        """What the organisation is set to."""
        return setup_of(self.world, self.connection)

    def find(self, kind: str, **where: str) -> list[Body]:
        """Stored objects, oldest first."""
        return self.world.find(self.connection, kind, where)

    def get(self, kind: str, object_id: str) -> Body | None:
        """A stored object."""
        return self.world.get(self.connection, kind, object_id)

    def keep(self, path: str, kind: str, body: Body, *, created: bool) -> Body:
        """Store what came or changed, and tell who listens."""
        stored = body | {"updated_at": stamp()}
        self.world.put(self.connection, kind, stored["id"], stored)
        event = "CREATE" if created else "UPDATE"
        self.webhooks.tell(self.connection, self.base_url, path, stored["id"], event)
        return stored

    def number(self, kind: str, prefix: str) -> str:
        """The next number of the organisation's own sequence."""
        return f"{prefix}-{self.world.next_id(self.connection, kind):04d}"

    def effect(self, operation: str, object_id: str, *, undoes: str | None = None) -> None:
        """Write into the ledger what happened without money. An undo without a key has that of what it takes back."""
        self._record(operation, object_id, self._key_of(undoes) if undoes else "", None, None, undoes)

    def money_effect(
        self, operation: str, document: Body, amount: Decimal | str, *, object_id: str = "", undoes: str | None = None
    ) -> None:
        """Write into the ledger what happened to an invoice or a credit note."""
        carried = document["reference"] or ""
        self._record(operation, object_id or document["id"], carried, str(amount), document["currency"], undoes)

    def _record(
        self, operation: str, object_id: str, carried: str, amount: str | None, currency: str | None, undoes: str | None
    ) -> None:
        found = _KEY.match(self.key) or _KEY.match(carried)
        self.world.record_effect(
            self.connection,
            SYSTEM,
            operation,
            object_id=object_id,
            reference=found["reference"] if found else "",
            key=found[0] if found else "",
            amount=amount,
            currency=currency,
            undoes=undoes,
        )

    def _key_of(self, object_id: str) -> str:
        effects = self.world.effects(connection=self.connection)
        return next((str(one["key"]) for one in effects if one["object_id"] == object_id), "")

    def must_be_open(self, day: str) -> None:
        """Raises Invalid when the day is in a period that is locked."""
        locks = self.setup.locks
        for name, lock in (("end of year", locks.end_of_year), ("period", locks.period)):
            if lock is not None and day <= lock.isoformat():
                set_at = day_text(lock.isoformat())
                raise Invalid(f"The document date cannot be before the {name} lock date, currently set at {set_at}")


# -- what the organisation shows of itself -----------------------------------------------------------------------------


def organisation(books: Books) -> Body:
    """The organisation itself."""
    setup = books.setup
    shown: Body = {
        "OrganisationID": tenant_id(books.connection),
        "Name": setup.name,
        "LegalName": setup.name,
        "PaysTax": True,
        "Version": "UK",
        "OrganisationType": "COMPANY",
        "OrganisationEntityType": "COMPANY",
        "BaseCurrency": setup.base_currency,
        "CountryCode": "GB",
        "IsDemoCompany": True,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": 31,
        "FinancialYearEndMonth": 3,
        "CreatedDateUTC": ms_time(CREATED_AT),
        "Timezone": "GMTSTANDARDTIME",
        "ShortCode": "!s1mUl",
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    }
    for name, lock in (("PeriodLockDate", setup.locks.period), ("EndOfYearLockDate", setup.locks.end_of_year)):
        if lock is not None:
            shown[name] = ms_date(lock.isoformat())
    return shown


def tax_rates(books: Books) -> list[Body]:
    """The tax rates; one that is switched off is shown as DELETED."""
    return [
        {
            "Name": one.name,
            "TaxType": code,
            "ReportTaxType": "OUTPUT" if one.rate else "NONE",
            "CanApplyToAssets": True,
            "CanApplyToEquity": True,
            "CanApplyToExpenses": False,
            "CanApplyToLiabilities": True,
            "CanApplyToRevenue": True,
            "DisplayTaxRate": float(one.rate),
            "EffectiveRate": float(one.rate),
            "Status": "ACTIVE" if one.active else "DELETED",
            "TaxComponents": [{"Name": "VAT", "Rate": float(one.rate), "IsCompound": False, "IsNonRecoverable": False}],
        }
        for code, one in books.setup.tax_rates.items()
    ]


def accounts(books: Books) -> list[Body]:
    """The chart of accounts, as far as sales need it."""
    return [account(books, code) for code in ACCOUNTS]


def account(books: Books, code: str) -> Body:
    """One account."""
    name, kind, group = ACCOUNTS[code]
    shown: Body = {
        "AccountID": account_id(books.connection, code),
        "Code": code,
        "Name": name,
        "Status": "ACTIVE",
        "Type": kind,
        "Class": group,
        "TaxType": "OUTPUT2" if group == "REVENUE" else "NONE",
        "EnablePaymentsToAccount": False,
        "ShowInExpenseClaims": False,
        "SystemAccount": "",
        "UpdatedDateUTC": ms_time(CREATED_AT),
        "AddToWatchlist": False,
    }
    if kind == "BANK":
        currency = books.setup.base_currency
        shown |= {"BankAccountNumber": "00000012345678", "BankAccountType": "BANK", "CurrencyCode": currency}
    return shown


def account_id(connection: str, code: str) -> str:
    """An account's id, the same for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{connection}.account.{code}"))


def currencies(books: Books) -> list[Body]:
    """The currencies that the organisation subscribed to."""
    return [{"Code": code, "Description": code} for code in books.setup.currencies]


def branding_themes(books: Books) -> list[Body]:
    """The one look that invoices have."""
    theme = {"BrandingThemeID": branding_theme_id(books.connection), "Name": "Standard", "Type": "INVOICE"}
    return [theme | {"SortOrder": 0, "CreatedDateUTC": ms_time(CREATED_AT)}]


def branding_theme_id(connection: str) -> str:
    """Its id, the same for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{connection}.theme"))
