"""Each team is told once for a cause, on a real Temporal, by mail and in a chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from seamline import cli_doctor as doctor
from seamline.settings import Settings
from seamline.simulator.server import running
from seamline.teams import NOTIFIER
from tests.systems.vendors import Simulated
from tests.worker.notices import CAUSE, LOOKS_MAX, Scene, settings_for
from worker.notifier import rules_of, schedule_notifier
from workflows.notify_teams import Notified, NotifyTeams

Staged = Callable[..., AbstractAsyncContextManager[Scene]]
WAITS = f"waits for Warehouse: {CAUSE}"
WAIT = f"wait for Warehouse: {CAUSE}"
TO = "operations@shop.example"


@pytest.fixture
def staged(client: Client, tmp_path: Path) -> Staged:
    """A scene with its worker, by the notifier's settings."""

    @asynccontextmanager
    async def stage(**notifier: Any) -> AsyncIterator[Scene]:
        async with running(tmp_path / "world.db") as simulator, Simulated.of(simulator) as simulated:
            scene = Scene(client, simulated, settings_for(simulated, **notifier))
            async with scene.working():
                yield scene

    return stage


async def test_a_team_is_told_once_for_a_cause_however_many_wait(staged: Staged) -> None:
    async with staged() as scene:
        await scene.hold(5)
        assert (await scene.look()).sent == 2
        assert await scene.mails() == [(TO, f"5 processes {WAIT}")]
        assert await scene.chat() == [f"*5 processes {WAIT}*"]
        await scene.hold(3)
        assert (await scene.look()).sent == 0
        await scene.hold(cause="erp-main refusal stock")
        assert (await scene.look()).sent == 2
        assert (await scene.mails())[1:] == [(TO, "1 process waits for Warehouse: erp-main refusal stock")]


async def test_a_notice_names_processes_their_pages_and_nothing_else(staged: Staged) -> None:
    async with staged() as scene:
        (held,) = await scene.hold()
        await scene.look()
        (mail,) = await scene.simulated.mails()
        page = f"https://temporal.example/namespaces/default/workflows/{held.id}"
        for text in (mail["text"], (await scene.simulated.messages("chat-main"))[0]["text"]):
            assert held.id in text
            assert page in text


async def test_a_cause_that_comes_back_is_told_again(staged: Staged) -> None:
    async with staged() as scene:
        held = await scene.hold()
        await scene.look()
        await scene.release(*held)
        assert await scene.look() == Notified()
        await scene.hold()
        assert (await scene.look()).sent == 2


async def test_a_cause_that_lasts_is_told_again_after_the_set_time(staged: Staged) -> None:
    async with staged(remind_after_seconds=2) as scene:
        await scene.hold(2)
        first = (await scene.look()).told[0].at
        again = await look_until_sent(scene)
        assert again.told[0].at - first >= timedelta(seconds=2)
        assert await scene.chat() == [f"*2 processes {WAIT}*", f"*Reminder: 2 processes {WAIT}*"]


async def test_a_decision_overdue_is_told_once_at_once(staged: Staged) -> None:
    async with staged() as scene:
        await scene.hold(due=datetime.now(UTC) + timedelta(seconds=3))
        assert (await scene.look()).told[0].overdue is False
        assert (await look_until_sent(scene)).told[0].overdue is True
        assert (await scene.look()).sent == 0
        assert await scene.chat() == [f"*1 process {WAITS}*", f"*Overdue: 1 process {WAITS}*"]


async def test_what_heals_by_itself_is_told_when_it_is_over(staged: Staged) -> None:
    async with staged() as scene:
        held = await scene.hold(2, cause="erp-main outage timeout", status="held up")
        await scene.look()
        await scene.release(*held)
        assert (await scene.look()).sent == 2
        assert await scene.look() == Notified()
        assert await scene.chat() == [
            "*2 processes are held up: erp-main outage timeout*",
            "*Over: erp-main outage timeout holds nothing up any more*",
        ]


async def test_each_team_is_told_at_its_own_place_and_an_unknown_one_by_default(staged: Staged) -> None:
    async with staged(default_team="fraud") as scene:
        await scene.hold(team="fraud", cause="seamline approval risk")
        await scene.hold(team="finance", cause="seamline approval refund")
        assert (await scene.look()).sent == 2
        assert sorted(await scene.mails()) == [
            ("fraud@shop.example", "1 process waits for finance: seamline approval refund"),
            ("fraud@shop.example", "1 process waits for fraud: seamline approval risk"),
        ]
        assert await scene.chat() == []


async def test_a_dead_chat_stops_no_mail_and_is_told_later(staged: Staged) -> None:
    async with staged() as scene:
        await scene.simulated.fault("chat-main", "down")
        await scene.hold()
        told = await scene.look()
        assert [(one.connection, one.failure) for one in told.failed] == [
            ("chat-main", "chat-main outage connection-lost")
        ]
        assert await scene.mails() == [(TO, f"1 process {WAITS}")]
        await scene.simulated.heal()
        assert (await scene.look()).failed == ()
        assert (len(await scene.mails()), await scene.chat()) == (1, [f"*1 process {WAITS}*"])


async def test_a_lost_answer_of_the_mail_server_repeats_one_mail_under_its_id(staged: Staged) -> None:
    async with staged() as scene:
        await scene.simulated.fault("mail-main", "lost-reply", "send", count=1)
        await scene.hold()
        assert (await scene.look()).sent == 2
        mails = await scene.simulated.mails()
        assert (len(mails), len({one["message_id"] for one in mails})) == (2, 1)


async def test_notices_beyond_the_limit_come_with_the_next_looks(staged: Staged) -> None:
    async with staged(notices_max=3) as scene:
        for number in range(5):
            await scene.hold(team="fraud", cause=f"shop-uk refusal reason-{number}")
        looks = [await scene.look() for _ in range(3)]
        assert [(one.sent, one.left) for one in looks] == [(3, 2), (2, 0), (0, 0)]
        assert len({subject for _, subject in await scene.mails()}) == 5


async def test_a_dead_place_takes_no_other_places_turn(staged: Staged) -> None:
    async with staged(notices_max=1) as scene:
        await scene.simulated.fault("chat-main", "refuse")
        for number in range(3):
            await scene.hold(cause=f"shop-uk refusal reason-{number}")
        looks = [await scene.look() for _ in range(3)]
        assert [(one.sent, len(one.failed)) for one in looks] == [(1, 1), (1, 1), (1, 1)]
        assert len({subject for _, subject in await scene.mails()}) == 3


async def test_a_lost_memory_repeats_notices_and_harms_nothing(staged: Staged) -> None:
    async with staged() as scene:
        await scene.hold()
        await scene.look()
        run = await scene.client.execute_workflow(
            NotifyTeams.run, rules_of(scene.settings), id="notify-teams-by-hand", task_queue="seamline"
        )
        assert run.sent == 2


async def test_many_that_are_alike_hide_no_other_cause(staged: Staged) -> None:
    async with staged() as scene:
        await scene.hold(team="fraud", cause="shop-uk refusal it's odd")
        await scene.hold(2, due=datetime.now(UTC) - timedelta(hours=1))
        await scene.hold(5, cause="erp-main outage timeout", status="held up")
        found = await scene.groups(page_size=3)
        assert found.complete
        assert sorted((one.team, one.cause, one.count, one.overdue, one.heals) for one in found.groups) == [
            ("fraud", "shop-uk refusal it's odd", 1, 0, False),
            ("operations", "erp-main outage timeout", 5, 0, True),
            ("operations", CAUSE, 2, 2, False),
        ]


async def test_a_cause_that_cannot_be_asked_for_is_told_as_far_as_it_is_seen(staged: Staged) -> None:
    async with staged() as scene:
        await scene.hold()
        odd = 'shop-uk refusal "odd\\'
        await scene.hold(3, cause=odd)
        found = await scene.groups(page_size=2)
        assert [(one.cause, one.count) for one in found.groups] == [(odd, 2)]
        assert not found.complete
        assert {one.cause for one in (await scene.groups()).groups} == {CAUSE, odd}


async def test_a_new_worker_changes_the_schedule_and_leaves_it_paused(staged: Staged, client: Client) -> None:
    async with staged() as scene:
        handle = client.get_schedule_handle(NOTIFIER)
        await handle.pause(note="holidays")
        await schedule_notifier(client, settings_for(scene.simulated, interval_seconds=90))
        schedule = (await handle.describe()).schedule
        assert [one.every for one in schedule.spec.intervals] == [timedelta(seconds=90)]
        assert (schedule.state.paused, schedule.state.note) == (True, "holidays")
        assert isinstance(schedule.action, ScheduleActionStartWorkflow)
        assert schedule.action.run_timeout == timedelta(minutes=15)


@pytest.mark.parametrize("off", [{"notifier": {"enabled": False}}, {"teams": {}}])
async def test_it_does_not_run_without_teams_or_when_it_is_switched_off(
    staged: Staged, client: Client, off: dict[str, Any]
) -> None:
    async with staged() as scene:
        settings = Settings.model_validate(scene.settings.model_dump() | off)
        for _ in range(2):
            await schedule_notifier(client, settings)
        with pytest.raises(RPCError, match="not found"):
            await client.get_schedule_handle(NOTIFIER).describe()
        await schedule_notifier(client, scene.settings)


async def test_doctor_tells_whether_teams_are_told(staged: Staged, client: Client) -> None:
    async with staged() as scene:
        assert (await doctor.notifier(client, scene.settings)).ok
        await scene.hold()
        await scene.simulated.fault("chat-main", "refuse")
        await scene.look()
        check = await doctor.notifier(client, scene.settings)
        assert (check.ok, check.detail) == (False, "it, finance, support, sales-ops told as operations")
        assert check.remedy == "operations could not be told by chat-main: chat-main locked out forbidden"
        await scene.simulated.heal()
        await scene.look()
        assert (await doctor.notifier(client, scene.settings)).ok
        await client.get_schedule_handle(NOTIFIER).pause(note="holidays")
        assert "--unpause" in (await doctor.notifier(client, scene.settings)).remedy
        await client.get_schedule_handle(NOTIFIER).delete()
        assert "start a worker" in (await doctor.notifier(client, scene.settings)).remedy
        await schedule_notifier(client, scene.settings)


async def look_until_sent(scene: Scene) -> Notified:
    """Look again and again until there is something to tell."""
    for _ in range(LOOKS_MAX):
        told = await scene.look()
        if told.sent:
            return told
    raise AssertionError("nothing was told")
