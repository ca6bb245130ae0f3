"""The health of a bot that has some troubles."""

from datetime import timedelta

from tests.fakes.clock import START
from utils.models.backups import BackupState
from utils.models.health import (
    BotHealth,
    CheckReport,
    CommandShare,
    GuildHealth,
    LeaseState,
    ServerReading,
)
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Incident, IncidentKey
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import ConnectionState
from utils.models.texts import Number, text

OK, WARN, CRITICAL = CheckState
LATER = START + timedelta(hours=1)
WRITE = text("Storing something and reading it back takes {time} ms.", time=Number(12))
CHECKS = {
    IncidentKind.DATABASE_AWAY: CheckReport(OK, START, WRITE),
    IncidentKind.GATEWAY_DOWN: CheckReport(OK, START, text("Connected.")),
    IncidentKind.MEMORY: CheckReport(
        WARN,
        LATER,
        text("The bot uses {used} MB of {limit} MB.", used=Number(845), limit=Number(1000)),
    ),
    IncidentKind.EVENT_LOOP: CheckReport(OK, START, text("In time.")),
    IncidentKind.DATA_DIFFERS: CheckReport(OK, START, text("The data is as it should be.")),
}


class FakeHealth:
    """The same health for every guild and for the whole bot."""

    def describe_guild(self, guild_id: GuildId) -> GuildHealth:
        """Return the health as the admins of a guild see it."""
        unread = IncidentKey(guild_id, IncidentKind.SERVER_UNREAD, "bbbbbbbb")
        mirny = ServerScope(guild_id, ServerId("aaaaaaaa"))
        kamensk = ServerScope(guild_id, ServerId("bbbbbbbb"))
        return GuildHealth(
            checked_at=LATER,
            checks={kind: CHECKS[kind] for kind in (IncidentKind.DATABASE_AWAY, IncidentKind.GATEWAY_DOWN)},
            servers=(
                ServerReading(mirny, "Mirny", ConnectionState.CONNECTED, LATER, 4.26),
                ServerReading(kamensk, "Kamensk_*", ConnectionState.RETRYING, START),
            ),
            waiting=1,
            oldest_seconds=75,
            commands=CommandShare(99, 1),
            backups=BackupState(7, LATER, LATER, START, 96_400_000),
            troubles=(Incident(unread, CRITICAL, START),),
        )

    async def describe_bot(self) -> BotHealth:
        """Return the health of the whole bot."""
        memory = Incident(IncidentKey(WHOLE_BOT, IncidentKind.MEMORY), WARN, LATER)
        return BotHealth(
            checks=CHECKS,
            waiting=3,
            oldest_seconds=0.0,
            commands=CommandShare(1_200, 0),
            tasks=(41, 1),
            leases=(
                LeaseState(0, is_own=True, expires_at=LATER),
                LeaseState(1, is_own=False, expires_at=LATER),
                LeaseState(2, is_own=False, expires_at=START - timedelta(days=1)),
            ),
            errors=(2, 1),
            locales={"de": 12, "en-US": 1_200, "pl": 12},
            troubles=(memory,),
        )
