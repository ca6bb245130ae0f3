"""After a restore: the work on restored data that joins several rooms, before anything is served."""

from structlog import get_logger

from utils.clock import Clock
from utils.composition.due_times import PendingDueTimes
from utils.composition.erasures import erase_restored
from utils.composition.storage import build_key_place
from utils.composition.verification import verify_restored
from utils.database.archives.after_restore import empty_in_flight, note_in_audits
from utils.database.archives.catch_up import plan_catch_up
from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.models.restores import RestoreFacts, RestoreGap
from utils.settings import Settings

_log = get_logger(__name__)


async def finish_jobs(
    settings: Settings, database: SafeDatabase, facts: RestoreFacts, fence: Fence, clock: Clock
) -> RestoreGap:
    """Do the work that follows a restore; it is done again if it was cut off, so each part can be repeated.

    The data of before is in the collections ``replaced.…``, if ``facts`` says so.

    Returns:
        The deaths that the backup does not have.
    """
    await verify_restored(database, facts.began_at)  # before anything changes what was restored
    await empty_in_flight(database, facts, fence)
    box = build_key_place(settings).find_box()
    if box is None:
        _log.warning("without the secret key nobody can be erased again")
    else:
        await erase_restored(settings, database, facts, fence=fence, secret_box=box, clock=clock)
    gap = await plan_catch_up(database, facts, fence)
    due = PendingDueTimes(database, default_tier=settings.premium.default_tier)
    await due.put(facts, fence)
    if await MIGRATIONS.is_up_to_date(database):
        await due.pass_over(fence)
    else:  # older data has its indexes and its present shape after the upgrade of the next start
        _log.info("what fell due since the backup is passed over after the upgrade of the data")
    await note_in_audits(database, facts, fence)
    return gap
