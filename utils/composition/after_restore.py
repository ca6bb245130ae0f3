"""After a restore: the work on restored data that joins several rooms, before anything is served."""

from functools import partial

from structlog import get_logger

from utils.clock import Clock
from utils.composition.due_times import pass_over_due
from utils.composition.erasures import erase_restored
from utils.composition.storage import build_key_place
from utils.composition.verification import verify_restored
from utils.database.archives.after_restore import empty_in_flight, note_in_audits
from utils.database.archives.catch_up import plan_catch_up
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS, find_data_version
from utils.models.restores import RestoreFacts
from utils.settings import Settings

_log = get_logger(__name__)


async def finish_jobs(
    settings: Settings, database: SafeDatabase, facts: RestoreFacts, fence: Fence, clock: Clock
) -> None:
    """Do the work that follows a restore; it is done again if it was cut off, so each part can be repeated.

    The data of before is in the collections ``replaced.…``, if ``facts`` says so.
    """
    await empty_in_flight(database, facts)
    box = build_key_place(settings).find_box()
    if box is None:
        _log.warning("without the secret key nobody can be erased again")
    else:
        await erase_restored(settings, database, facts, fence=fence, secret_box=box, clock=clock)
    plan = partial(
        plan_catch_up,
        database.operations,
        since=facts.taken_at,
        now=facts.began_at,
        is_readable=facts.has_replaced and facts.is_same_version,
        guild_id=facts.guild_id,
    )
    await database.call(plan)
    version = await find_data_version(database)
    if version is not None and MIGRATIONS.is_current(version):
        await pass_over_due(database, facts, fence, default_tier=settings.premium.default_tier)
    else:  # older data has its indexes and its present shape after the upgrade of the next start
        _log.warning("what fell due since the backup is done by its timers, after the upgrade of the data")
    await note_in_audits(database, facts, fence)
    await verify_restored(database, facts.began_at)
