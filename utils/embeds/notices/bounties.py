"""The posts of the bounties channel."""

from collections.abc import Sequence
from datetime import datetime

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook, build_post, write_line
from utils.embeds.style import Style
from utils.embeds.values import frame, join_facts, show_money
from utils.models.money import AUTO_DURATION
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.texts import Mention, Moment, Text, Value, plural, text


def build_bounty_notice_embed(style: Style, look: VariantLook, notice: BountyNotice) -> discord.Embed:
    """Return the post about a bounty."""
    amount = frame("**{amount}**", amount=show_money(style.theme, notice.amount))
    line = write_line(style, look, notice, target=notice.target_name, amount=amount, by=_show_by(notice))
    return build_post(style, look, notice, (line, style.write(join_facts(_list_facts(notice)))))


def build_sample_bounties(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[BountyNotice]:
    """Return an invented bounty."""
    sample = BountyNotice(
        event_id=event_id,
        server_name=server_name,
        at=at,
        event=BountyEvent.AUTO,
        target_name=style.write_plain(text("Sample target")),
        amount=1_500,
        ends_at=at + AUTO_DURATION,
        kills=6,
    )
    return (sample,)


def _show_by(notice: BountyNotice) -> Value:
    if notice.event is BountyEvent.CLAIMED:
        return notice.claimer_name
    if notice.placer_id is None:  # the house, which the lines name, or an erased member
        return text("**Somebody**")
    return Mention("@", notice.placer_id)


def _list_facts(notice: BountyNotice) -> list[Text]:
    facts = []
    if notice.claimer_id is not None:
        facts.append(text("Paid to {member}", member=Mention("@", notice.claimer_id)))
    if notice.count > 1:
        facts.append(plural("{count} bounty at once", "{count} bounties at once", notice.count))
    if notice.kills:
        facts.append(plural("{count} kill without dying", "{count} kills without dying", notice.kills))
    if notice.ends_at is not None:
        facts.append(text("Ends {moment}", moment=Moment(notice.ends_at)))
    if notice.event is BountyEvent.EXPIRED:
        is_of_house = notice.placer_id is None
        facts.append(text("The house keeps its money") if is_of_house else text("Paid back in full"))
    return facts


def _build_look(event: BountyEvent, colour: int, mark: str) -> VariantLook:
    return VariantLook(colour, mark, f"bounty_{event.value}.png", f"bounty.{event.value}")


BOUNTY_LOOK = NoticeLook(
    {
        BountyEvent.PLACED: _build_look(BountyEvent.PLACED, 0xB08A3E, "📜"),
        BountyEvent.AUTO: _build_look(BountyEvent.AUTO, 0x7B3F8C, "👑"),
        BountyEvent.CLAIMED: _build_look(BountyEvent.CLAIMED, 0x2E8B57, "💰"),
        BountyEvent.EXPIRED: _build_look(BountyEvent.EXPIRED, 0x6E6A63, "🕯️"),
    },
    build=build_bounty_notice_embed,
    samples=build_sample_bounties,
)
