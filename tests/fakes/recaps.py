"""Storage of recaps in memory; a test can make it fail."""

from collections.abc import Collection, Sequence
from datetime import datetime

from tests.fakes.storage import Outage
from utils.errors import CommitUnknownError
from utils.models.notices.recaps import RecapNotice
from utils.models.recaps import Recap, RecapDays, RecapKind, RecapPlan
from utils.models.scope import GuildId, PlayerId


class FakeRecapStore(Outage):
    """The plans and recaps of any guild, and the notices about them.

    Attributes:
        erased: the players who have no figures any more.
        unanswered: names of methods that work and then fail, like a commit without an answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[GuildId, RecapPlan] = {}
        self.guild_ids: list[GuildId] = []
        self.recaps: list[Recap] = []
        self.notices: list[RecapNotice] = []
        self.erased: set[PlayerId] = set()
        self.unanswered: set[str] = set()

    async def list_guilds_with_due_recaps(self, now: datetime) -> Sequence[GuildId]:
        """Return the set guilds, and those with something due."""
        due = {
            guild_id
            for guild_id, plan in self.plans.items()
            if min((one.due_at for one in plan.values()), default=now) <= now
        }
        return sorted(due | {one for one in self.guild_ids if one not in self.plans})

    async def find_plan(self, guild_id: GuildId) -> RecapPlan:
        """Return the plan of a guild."""
        self.note("find_plan")
        return self.plans.get(guild_id, {})

    async def find_days(self, guild_id: GuildId) -> RecapDays:
        """Return the days of a plan."""
        return {kind: one.span for kind, one in self.plans.get(guild_id, {}).items()}

    async def put_plan(self, guild_id: GuildId, plan: RecapPlan) -> None:
        """Store the plan of a guild."""
        self.note("put_plan")
        self.plans[guild_id] = plan

    async def has_recap(self, guild_id: GuildId, kind: RecapKind, period: str) -> bool:
        """Tell whether there is such a recap."""
        return (guild_id, kind, period) in [(one.guild_id, one.kind, one.period) for one in self.recaps]

    async def finish_recap(
        self,
        guild_id: GuildId,
        recap: Recap,
        *,
        before: RecapPlan,
        after: RecapPlan,
        notice: RecapNotice | None,
        named: Collection[PlayerId],
    ) -> bool:
        """Store a recap once."""
        self.note("finish_recap")
        if self.plans.get(guild_id) != before:
            return False
        if not await self.has_recap(guild_id, recap.kind, recap.period):
            if self.erased & set(named):
                return False
            self.recaps.append(recap)
            self.notices += [] if notice is None else [notice]
        self.plans[guild_id] = after
        if "finish_recap" in self.unanswered:
            raise CommitUnknownError("lost")
        return True
