"""Notices about bounties, if there is a channel; ``rewards`` makes those of claims."""

from collections.abc import Sequence
from datetime import datetime

from utils.events import EventDispatcher, NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.money import Bounty
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.kinds import NOTICE_KINDS
from utils.models.scope import ServerScope
from utils.services.guilds.guild_settings import SettingsService


async def choose_notices(
    guilds: SettingsService, scope: ServerScope, notice: BountyNotice
) -> Sequence[BountyNotice]:
    """Return the notices to post; none without a channel."""
    channel_id = await guilds.find_channel(scope, ChannelKind.BOUNTIES)
    return () if channel_id is None else (notice,)


def tell_queued(events: EventDispatcher, scope: ServerScope, notices: Sequence[BountyNotice]) -> None:
    """Let delivery look for notices that are stored, or may be; do nothing without any."""
    if notices:
        kinds = NOTICE_KINDS.list_channel_kinds(notices)
        events.dispatch(NoticesQueued(scope=scope, kinds=kinds))


def build_bounty_notice(
    bounty: Bounty,
    event: BountyEvent,
    server_name: str,
    *,
    at: datetime,
    ends_at: datetime | None = None,
    kills: int = 0,
) -> BountyNotice:
    """Return the notice of a bounty that was placed, by a member or the house, or has ended."""
    return BountyNotice(
        event_id=bounty.bounty_id.encode(),
        event=event,
        server_name=server_name,
        target_name=bounty.player_name,
        amount=bounty.amount,
        at=at,
        placer_id=bounty.placer_id,
        ends_at=ends_at,
        kills=kills,
    )
