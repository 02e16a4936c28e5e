"""The timers that the program starts with."""

from datetime import timedelta
from pathlib import Path

from apscheduler.triggers.interval import IntervalTrigger

from bot.app.building import build
from bot.app.foundation import Embedded, connect, read_foundation
from bot.app.schedule import build_schedule
from bot.settings.settings import load_settings

ENV = {"TG_TOKEN": "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1", "TG_CHAT_ID": "1"}


async def test_plans_and_resting_orders_are_looked_at_all_the_time(tmp_path: Path) -> None:
    settings = load_settings({**ENV, "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/ledger.db"}, env_file=None)
    async with connect(settings, Embedded()) as connections:
        parts = build(await read_foundation(settings, connections, None), Embedded())
        scheduler = await build_schedule(parts)
        await parts.intake.warehouse.close()
        await parts.chat.emergency.close()
    triggers = {job.id: job.trigger for job in scheduler.get_jobs()}
    intervals = {name: trigger.interval for name, trigger in triggers.items() if isinstance(trigger, IntervalTrigger)}
    assert intervals["protection"] == timedelta(seconds=1)
    assert intervals["resting orders"] == timedelta(seconds=2)
