"""What marketing knows of a customer and its people."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.reference import Reference


class Consent(StrEnum):
    """Whether marketing may write to a person."""

    GIVEN = "given"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Person(Record):
    """A contact in marketing. `saved_stage` is the stage it had before we changed it, while ours stands."""

    id: str
    stage: str = ""
    saved_stage: str = ""
    key: str = ""
    """The effect key of our change, while it stands."""
    consent: Consent = Consent.UNKNOWN
    prospect_mail: bool = False
    """Whether it gets the mail for prospects."""


class Company(Record):
    """The customer in marketing."""

    id: str
    stage: str = ""
    saved_stage: str = ""
    key: str = ""
    page: str = ""


class AudienceRequest(Record):
    """Whom to look for: the account by its reference and domain, its people by mail address."""

    customer: Reference
    domain: str = Field(default="", max_length=253)
    emails: tuple[str, ...] = Field(default=(), max_length=100)
    mail_refused: bool = False
    """The CRM knows that the billing contact wants no marketing mail."""


class Audience(Record):
    """What was found. Several companies mean that nobody can tell which is the customer."""

    companies: tuple[Company, ...] = Field(default=(), max_length=50)
    people: tuple[Person, ...] = Field(default=(), max_length=500)

    @property
    def empty(self) -> bool:
        """Whether marketing knows nobody of the customer."""
        return not (self.companies or self.people)

    def problems(self, asked: AudienceRequest) -> list[Problem]:
        """What staff must decide before anything is changed."""
        found = []
        if len(self.companies) > 1:
            ids = ", ".join(one.id for one in self.companies)
            found.append(Problem(field="companies", reason=f"{ids} may all be the customer: keep one, or merge them"))
        if asked.mail_refused and any(one.consent is Consent.GIVEN for one in self.people):
            reason = "agreed to mail here and refused it in the CRM: correct one of both, then retry"
            found.append(Problem(field="people", reason=reason))
        return found


class StageRequest(Record):
    """Make these customers: the stage they have now is kept beside, to be put back."""

    company_ids: tuple[str, ...] = Field(default=(), max_length=50)
    person_ids: tuple[str, ...] = Field(default=(), max_length=500)
    stage: str = Field(default="customer", max_length=60)


class StageChange(Record):
    """What was changed."""

    id: str
    """The company's, else the first person's."""
    key: str
    changed: int
    """How many objects."""


class PutBack(Record):
    """Put back what the effects with these keys changed, with these companies and people."""

    company_ids: tuple[str, ...] = Field(default=(), max_length=50)
    person_ids: tuple[str, ...] = Field(default=(), max_length=500)
    stage_key: str = Field(max_length=120)
    mail_key: str = Field(max_length=120)


class MailStop(Record):
    """Stop the mail for prospects to these people."""

    person_ids: tuple[str, ...] = Field(default=(), max_length=500)


class MailStopped(Record):
    """How many got it before."""

    stopped: int
