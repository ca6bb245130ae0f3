"""The posts of the bounties channel."""

from datetime import datetime

import discord

from utils.embeds.figures import write_emeralds, write_time
from utils.embeds.notices.bounty_wording import HOUSE, LINES, TITLES
from utils.embeds.notices.look import SEPARATOR, NoticeLook, VariantLook, build_post, choose_line
from utils.embeds.style import Style
from utils.localization.escape import escape_name
from utils.models.money import AUTO_DURATION
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.quantities import write_quantity
from utils.models.scope import MemberId


def build_bounty_notice_embed(style: Style, look: VariantLook, notice: BountyNotice) -> discord.Embed:
    """Return the post about a bounty."""
    by = _write_by(notice)
    line = choose_line(look, notice).format(
        target=f"**{escape_name(notice.target_name)}**",
        amount=f"**{write_emeralds(style.theme, notice.amount)}**",
        by=by,
        By=by[:1].upper() + by[1:],
    )
    return build_post(look, notice, (line, _write_facts(notice)))


def build_sample_bounty(*, event_id: bytes, server_name: str, at: datetime) -> BountyNotice:
    """Return an invented bounty; nobody pays it."""
    return BountyNotice(
        event_id=event_id,
        server_name=server_name,
        at=at,
        event=BountyEvent.AUTO,
        target_name="Sample target",
        amount=1_500,
        ends_at=at + AUTO_DURATION,
        kills=6,
    )


def write_placer(placer_id: MemberId | None) -> str:
    """Return who placed a bounty: a member, or the house."""
    return HOUSE if placer_id is None else f"<@{placer_id}>"


def _write_by(notice: BountyNotice) -> str:
    if notice.event is BountyEvent.CLAIMED:
        return f"**{escape_name(notice.claimer_name)}**"
    return write_placer(notice.placer_id)


def _write_facts(notice: BountyNotice) -> str:
    facts = []
    if notice.claimer_id is not None:
        facts.append(f"Paid to <@{notice.claimer_id}>")
    if notice.count > 1:
        facts.append(f"{write_quantity(notice.count, 'bounty', 'bounties')} at once")
    if notice.kills:
        facts.append(f"{write_quantity(notice.kills, 'victim')} without dying")
    if notice.ends_at is not None:
        facts.append(f"Ends {write_time(notice.ends_at)}")
    if notice.event is BountyEvent.EXPIRED:
        facts.append("The house keeps its money" if notice.placer_id is None else "Paid back in full")
    return SEPARATOR.join(facts)


def _build_look(event: BountyEvent, colour: int, mark: str) -> VariantLook:
    return VariantLook(colour, mark, f"bounty_{event.value}.png", TITLES[event], LINES[event])


BOUNTY_LOOK = NoticeLook(
    {
        BountyEvent.PLACED: _build_look(BountyEvent.PLACED, 0xB08A3E, "📜"),
        BountyEvent.AUTO: _build_look(BountyEvent.AUTO, 0x7B3F8C, "👑"),
        BountyEvent.CLAIMED: _build_look(BountyEvent.CLAIMED, 0x2E8B57, "💰"),
        BountyEvent.EXPIRED: _build_look(BountyEvent.EXPIRED, 0x6E6A63, "🕯️"),
    },
    build=build_bounty_notice_embed,
    sample=build_sample_bounty,
)
