"""Marketing kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seamline.records.audience import Audience, AudienceRequest, Company, Consent, Person, StageChange
from seamline.records.system import Repeat
from tests.workflows.scripted import Scripted


class Campaigns(Scripted):
    """Satisfies `activities.marketing.MarketingSystem`."""

    role = "marketing"
    repeats: Mapping[str, Repeat] = {
        "set_stage": Repeat.HARMLESS,
        "restore_stage": Repeat.HARMLESS,
        "stop_prospect_mail": Repeat.HARMLESS,
        "resume_prospect_mail": Repeat.HARMLESS,
        "put_back": Repeat.HARMLESS,
    }

    def __init__(self) -> None:
        super().__init__()
        self.companies: dict[str, Company] = {}
        self.people: dict[str, Person] = {}
        self.known_by: dict[str, str] = {}
        """The reference, domain or mail address by which each is found, by its id."""
        self.stopped: dict[str, str] = {}
        """The key under which a person's mail was stopped, by the person's id."""

    def have(self, domain: str, email: str, stage: str = "opportunity", consent: Consent = Consent.GIVEN) -> None:
        """Have a company and a person of it who gets the mail for prospects."""
        company = Company(id=self.next_id("company"), stage=stage)
        person = Person(id=self.next_id("person"), stage=stage, consent=consent, prospect_mail=True)
        self.companies[company.id], self.people[person.id] = company, person
        self.known_by.update({company.id: domain, person.id: email})

    # ---- the role -------------------------------------------------------------------------------------------------

    async def find_audience(self, request: AudienceRequest) -> Audience:
        await self.called("find_audience")
        names = {request.customer, request.domain} - {""}
        return Audience(
            companies=tuple(one for one in self.companies.values() if self.known_by[one.id] in names),
            people=tuple(one for one in self.people.values() if self.known_by[one.id] in request.emails),
        )

    async def read_audience(self, company_ids: tuple[str, ...], person_ids: tuple[str, ...]) -> Audience:
        await self.called("read_audience")
        return Audience(
            companies=tuple(self.companies[one] for one in company_ids if one in self.companies),
            people=tuple(self.people[one] for one in person_ids if one in self.people),
        )

    async def set_stage(self, key: str, customers: Audience, stage: str) -> StageChange:
        await self.called("set_stage")
        changed = 0
        for kept, one in self._members(customers):
            if one.stage == stage:
                continue
            kept[one.id] = one.model_copy(update={"stage": stage, "saved_stage": one.stage, "key": key})
            self.effects.append(("become-customer", key))
            changed += 1
        self.lost("set_stage")
        _, first = self._members(customers)[0]
        return StageChange(id=first.id, key=key, changed=changed)

    async def restore_stage(self, key: str, customers: Audience) -> int:
        await self.called("restore_stage")
        count = 0
        for kept, one in self._members(customers):
            if one.key != key or one.stage != "customer":
                continue
            kept[one.id] = one.model_copy(update={"stage": one.saved_stage, "saved_stage": "", "key": ""})
            self.effects.append(("restore-stage", key))
            count += 1
        self.lost("restore_stage")
        return count

    async def stop_prospect_mail(self, key: str, person_ids: tuple[str, ...]) -> int:
        await self.called("stop_prospect_mail")
        found = [one for one in person_ids if one in self.people and self.people[one].prospect_mail]
        for one in found:
            self._set_mail(one, on=False)
            self.stopped[one] = key
            self.effects.append(("stop-prospect-mail", key))
        self.lost("stop_prospect_mail")
        return len(found)

    async def resume_prospect_mail(self, key: str, person_ids: tuple[str, ...]) -> int:
        await self.called("resume_prospect_mail")
        found = [one for one in person_ids if self.stopped.get(one) == key]
        for one in found:
            self._set_mail(one, on=True)
            del self.stopped[one]
            self.effects.append(("resume-prospect-mail", key))
        self.lost("resume_prospect_mail")
        return len(found)

    def _members(self, customers: Audience) -> list[tuple[dict[str, Any], Any]]:
        """Each company and person, with where it is kept."""
        companies: list[tuple[dict[str, Any], Any]] = [(self.companies, one) for one in customers.companies]
        return [*companies, *((self.people, one) for one in customers.people)]

    def _set_mail(self, person_id: str, *, on: bool) -> None:
        self.people[person_id] = self.people[person_id].model_copy(update={"prospect_mail": on})

    # ---- what is to be seen ---------------------------------------------------------------------------------------

    def stages(self) -> list[str]:
        """The stages of all companies and people."""
        return [one.stage for one in self.companies.values()] + [one.stage for one in self.people.values()]

    def gets_prospect_mail(self) -> list[bool]:
        """Of each person."""
        return [one.prospect_mail for one in self.people.values()]
