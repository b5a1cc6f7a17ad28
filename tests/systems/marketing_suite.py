"""What every system must do that fills the role marketing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from activities.marketing import MarketingSystem
from seamline.errors import Outage, Refusal
from seamline.records.audience import Audience, AudienceRequest, Consent
from tests.systems.conformance import Side, SystemConformance

DEAL = "crm-main:0061t00000DEAL1AAA"
ACCOUNT = "crm-main:0011t00000ACME1AAA"
OTHER_ACCOUNT = "crm-main:0011t00000OTHERAAA"
STAGE_KEY = f"{DEAL}/become-customer#1"
MAIL_KEY = f"{DEAL}/stop-prospect-mail#1"
EMAIL = "jo.fielding@example.com"
PERSONAL = ("jo.fielding", "Fielding")


class MarketingSide(Side, Protocol):
    """A marketing system, the people in it, and those who work with it."""

    @property
    def adapter(self) -> MarketingSystem: ...

    async def company(self, stage: str = "opportunity", domain: str = "acme.example", reference: str = "") -> str:
        """A company that people entered, with our reference or without; its id."""

    async def person(self, email: str = EMAIL, stage: str = "opportunity", consent: str = "given") -> str:
        """A person, by its id.

        Who said `given` gets the prospects' mail, `doubt` too but nobody noted why, `none` and `withdrawn` do not.
        """

    async def people_set(self, person_id: str, stage: str) -> None:
        """Somebody changes a person's stage by hand."""

    async def people_say(self, person_id: str, consent: str) -> None:
        """A person decides about mail; the words are those of `person`."""

    async def remove(self, person_id: str) -> None:
        """Somebody deletes a person."""

    async def lose_reply(self) -> None:
        """The next write is done, and its answer is lost; each kind of write once."""

    async def effects(self) -> list[tuple[str, str]]:
        """What was changed over the API, oldest first: operation and key."""


class MarketingConformance(SystemConformance):
    """The role marketing."""

    async def audience(self, side: MarketingSide, *person_ids: str, company: str = "") -> Audience:
        """These, as they are now."""
        return await side.adapter.read_audience((company,) if company else (), person_ids)

    async def stages(self, side: MarketingSide, *person_ids: str) -> list[str]:
        """The stages of these people."""
        return [one.stage for one in (await self.audience(side, *person_ids)).people]

    async def become(self, side: MarketingSide, *person_ids: str, stage: str = "customer", key: str = STAGE_KEY) -> int:
        """Set the stage of these people as the role's activity does; how many were changed."""
        now = await self.audience(side, *person_ids)
        return (await side.adapter.set_stage(key, now, stage)).changed

    async def restore(self, side: MarketingSide, *person_ids: str, key: str = STAGE_KEY) -> int:
        """Put the stage of these people back as the role's activity does."""
        return await side.adapter.restore_stage(key, await self.audience(side, *person_ids))

    # -- who it is -----------------------------------------------------------------------------------------------------

    async def test_a_company_is_found_by_our_reference_first(self, side: MarketingSide) -> None:
        mine = await side.company(reference=ACCOUNT, domain="old.example")
        await side.company(domain="acme.example")
        (found,) = (await side.adapter.find_audience(asked())).companies
        assert (found.id, found.stage, found.saved_stage, found.key) == (mine, "opportunity", "", "")
        assert mine in found.page

    async def test_a_company_is_found_by_its_domain_unless_it_is_anothers(self, side: MarketingSide) -> None:
        await side.company(reference=OTHER_ACCOUNT)
        assert (await side.adapter.find_audience(asked())).empty
        first, second = await side.company(), await side.company()
        found = (await side.adapter.find_audience(asked())).companies
        assert {one.id for one in found} == {first, second}

    async def test_nobody_is_found_where_nobody_is(self, side: MarketingSide) -> None:
        assert (await side.adapter.find_audience(asked())).empty
        nobody = AudienceRequest(customer=ACCOUNT)
        assert (await side.adapter.find_audience(nobody)).empty

    @pytest.mark.parametrize(
        ("said", "consent", "gets_it"),
        [
            ("given", Consent.GIVEN, True),
            ("doubt", Consent.UNKNOWN, True),
            ("none", Consent.UNKNOWN, False),
            ("withdrawn", Consent.REFUSED, False),
        ],
    )
    async def test_people_are_found_by_their_address_with_what_they_said(
        self, side: MarketingSide, said: str, consent: Consent, gets_it: bool
    ) -> None:
        person = await side.person(consent=said)
        await side.person(email="other@example.com")
        (found,) = (await side.adapter.find_audience(asked(EMAIL.upper()))).people
        assert (found.id, found.consent, found.prospect_mail) == (person, consent, gets_it)

    async def test_what_is_gone_is_left_out(self, side: MarketingSide) -> None:
        company, gone, stays = await side.company(), await side.person("a@example.com"), await side.person()
        await side.remove(gone)
        audience = await self.audience(side, gone, stays, company=company)
        assert [one.id for one in audience.companies] == [company]
        assert [one.id for one in audience.people] == [stays]
        assert await side.adapter.stop_prospect_mail(MAIL_KEY, (gone, stays)) == 1
        assert await side.adapter.resume_prospect_mail(MAIL_KEY, (gone,)) == 0

    # -- the stage -----------------------------------------------------------------------------------------------------

    async def test_a_stage_is_set_and_the_earlier_one_kept(self, side: MarketingSide) -> None:
        company, person = await side.company(stage="opportunity"), await side.person(stage="lead")
        now = await self.audience(side, person, company=company)
        change = await side.adapter.set_stage(STAGE_KEY, now, "customer")
        assert (change.id, change.key, change.changed) == (company, STAGE_KEY, 2)
        then = await self.audience(side, person, company=company)
        assert [(one.stage, one.saved_stage, one.key) for one in (*then.companies, *then.people)] == [
            ("customer", "opportunity", STAGE_KEY),
            ("customer", "lead", STAGE_KEY),
        ]
        assert await side.effects() == [("become-customer", STAGE_KEY)] * 2

    async def test_setting_it_again_changes_nothing(self, side: MarketingSide) -> None:
        person = await side.person(stage="lead")
        assert [await self.become(side, person) for _ in range(2)] == [1, 1]
        (now,) = (await self.audience(side, person)).people
        assert (now.stage, now.saved_stage) == ("customer", "lead")
        assert await side.effects() == [("become-customer", STAGE_KEY)]

    async def test_who_has_the_stage_already_is_left_alone(self, side: MarketingSide) -> None:
        person = await side.person(stage="customer")
        assert await self.become(side, person) == 0
        assert await self.restore(side, person) == 0
        assert await self.stages(side, person) == ["customer"]
        assert await side.effects() == []

    @pytest.mark.parametrize("before", ["lead", "other", ""])
    async def test_the_earlier_stage_is_put_back_wherever_it_was(self, side: MarketingSide, before: str) -> None:
        person = await side.person(stage=before)
        await self.become(side, person)
        assert await self.stages(side, person) == ["customer"]
        assert await self.restore(side, person) == 1
        (now,) = (await self.audience(side, person)).people
        assert (now.stage, now.saved_stage, now.key) == (before, "", "")
        assert await self.restore(side, person) == 1, "it was put back, also where that answer was lost"
        assert [one for one, _ in await side.effects()] == ["become-customer", "restore-stage"]

    async def test_what_people_changed_since_is_theirs(self, side: MarketingSide) -> None:
        person = await side.person(stage="lead")
        await self.become(side, person)
        await side.people_set(person, "evangelist")
        assert (await self.audience(side, person)).people[0].key == ""
        assert await self.restore(side, person) == 0
        assert await self.stages(side, person) == ["evangelist"]

    async def test_what_another_effect_set_is_its_own(self, side: MarketingSide) -> None:
        person = await side.person(stage="lead")
        await self.become(side, person)
        assert await self.restore(side, person, key=f"{DEAL}/become-customer#2") == 0
        assert await self.stages(side, person) == ["customer"]

    async def test_a_stage_that_is_none_is_refused_by_its_field(self, side: MarketingSide) -> None:
        person = await side.person()
        with pytest.raises(Refusal) as caught:
            await self.become(side, person, stage="friend")
        (problem,) = caught.value.failure.problems
        assert problem.field == "stage"
        assert "customer" in problem.reason
        assert await side.effects() == []

    # -- the mail ------------------------------------------------------------------------------------------------------

    async def test_mail_stops_for_those_who_get_it_and_goes_on_for_them(self, side: MarketingSide) -> None:
        gets, does_not = await side.person(), await side.person("none@example.com", consent="none")
        assert await side.adapter.stop_prospect_mail(MAIL_KEY, (gets, does_not)) == 1
        assert not any(one.prospect_mail for one in (await self.audience(side, gets, does_not)).people)
        assert await side.adapter.resume_prospect_mail(MAIL_KEY, (gets, does_not)) == 1
        now = {one.id: (one.prospect_mail, one.consent) for one in (await self.audience(side, gets, does_not)).people}
        assert now == {gets: (True, Consent.GIVEN), does_not: (False, Consent.UNKNOWN)}
        assert await side.effects() == [("stop-prospect-mail", MAIL_KEY), ("resume-prospect-mail", MAIL_KEY)]

    async def test_stopping_again_is_no_second_effect(self, side: MarketingSide) -> None:
        person = await side.person()
        assert [await side.adapter.stop_prospect_mail(MAIL_KEY, (person,)) for _ in range(2)] == [1, 1]
        assert await side.effects() == [("stop-prospect-mail", MAIL_KEY)]

    async def test_who_refused_meanwhile_or_was_stopped_by_others_stays_so(self, side: MarketingSide) -> None:
        refused, others = await side.person(), await side.person("other@example.com")
        await side.adapter.stop_prospect_mail(MAIL_KEY, (refused,))
        await side.adapter.stop_prospect_mail(f"{DEAL}/stop-prospect-mail#2", (others,))
        await side.people_say(refused, "withdrawn")
        assert await side.adapter.resume_prospect_mail(MAIL_KEY, (refused, others)) == 0
        assert not any(one.prospect_mail for one in (await self.audience(side, refused, others)).people)

    async def test_mail_that_nobody_noted_a_reason_for_does_not_go_on_by_itself(self, side: MarketingSide) -> None:
        doubtful, sure = await side.person(consent="doubt"), await side.person("sure@example.com")
        assert await side.adapter.stop_prospect_mail(MAIL_KEY, (doubtful, sure)) == 2
        with pytest.raises(Refusal) as caught:
            await side.adapter.resume_prospect_mail(MAIL_KEY, (doubtful, sure))
        assert caught.value.failure.code == "consent-in-doubt"
        assert not any(text in f"{caught.value} {caught.value.failure}" for text in PERSONAL)
        assert "resume-prospect-mail" not in [one for one, _ in await side.effects()]

    # -- lost answers --------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("before", ["lead", "other"])
    async def test_lost_answers_leave_one_change_and_one_restoring(self, side: MarketingSide, before: str) -> None:
        person = await side.person(stage=before)
        await self.in_spite_of_lost_replies(side, lambda: self.become(side, person))
        (now,) = (await self.audience(side, person)).people
        assert (now.stage, now.saved_stage, now.key) == ("customer", before, STAGE_KEY)
        await self.in_spite_of_lost_replies(side, lambda: self.restore(side, person))
        assert await self.stages(side, person) == [before]
        assert [one for one, _ in await side.effects()] == ["become-customer", "restore-stage"]

    async def test_lost_answers_stop_and_resume_mail_once(self, side: MarketingSide) -> None:
        people = (await side.person(), await side.person("other@example.com"))
        await self.in_spite_of_lost_replies(side, lambda: side.adapter.stop_prospect_mail(MAIL_KEY, people))
        await self.in_spite_of_lost_replies(side, lambda: side.adapter.resume_prospect_mail(MAIL_KEY, people))
        assert all(one.prospect_mail for one in (await self.audience(side, *people)).people)
        assert [one for one, _ in await side.effects()] == ["stop-prospect-mail"] * 2 + ["resume-prospect-mail"] * 2

    async def in_spite_of_lost_replies(self, side: MarketingSide, act: Callable[[], Awaitable[int]]) -> None:
        """Lose the answer to a write, and repeat, as long as the repeat writes again."""
        lost = 0
        while True:
            await side.lose_reply()
            try:
                await act()
            except Outage:
                lost += 1
            else:
                break
        await side.heal()
        assert lost

    # -- looking -------------------------------------------------------------------------------------------------------

    async def test_what_a_deal_changed_is_held_for_it(self, side: MarketingSide) -> None:
        company, person = await side.company(reference=ACCOUNT), await side.person()
        now = await self.audience(side, person, company=company)
        await side.adapter.set_stage(STAGE_KEY, now, "customer")
        held = {one.id: (one.kind, one.state, one.key) for one in await side.adapter.holdings(DEAL)}
        assert held == {company: ("company", "customer", STAGE_KEY), person: ("contact", "customer", STAGE_KEY)}
        assert [one.id for one in await side.adapter.holdings(ACCOUNT)] == [company]
        assert await side.adapter.holdings("crm-main:0061t00000DEAL9AAA") == []
        await self.restore(side, person)
        held = {one.id: (one.kind, one.state, one.key) for one in await side.adapter.holdings(DEAL)}
        assert held[person] == ("contact", "opportunity", STAGE_KEY), "what was taken back is shown too"

    async def test_what_an_instalment_changed_is_held_for_it_and_for_its_deal(self, side: MarketingSide) -> None:
        first, second = await side.person(), await side.person("other@example.com")
        await self.become(side, first, key=f"{DEAL}.1/become-customer#1")
        await self.become(side, second, key=f"{DEAL}.2/become-customer#1")
        assert {one.id for one in await side.adapter.holdings(DEAL)} == {first, second}
        assert [one.id for one in await side.adapter.holdings(f"{DEAL}.2")] == [second]
        assert await side.adapter.references(second) == [DEAL]


def asked(*emails: str) -> AudienceRequest:
    """Acme, and people of it."""
    return AudienceRequest(customer=ACCOUNT, domain="acme.example", emails=emails)
