"""The posts of the connections channel."""

from functools import partial

import discord

from tests.fakes.connection_notice import ConnectionEvent, ConnectionNotice
from utils.embeds.notices.look import NoticeLook, VariantLook, build_post, choose_line
from utils.embeds.notices.registry import NOTICE_LOOKS
from utils.embeds.style import Style
from utils.localization.escape import escape_name
from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind, NoticeKinds, PersonalFacts
from utils.models.scope import PlayerId


def build_connection_embed(_style: Style, look: VariantLook, notice: ConnectionNotice) -> discord.Embed:
    """Return the post about a player who came or went."""
    player = f"**{escape_name(notice.player_name)}**"
    return build_post(look, notice, [choose_line(look, notice).format(player=player)])


CONNECTION_LOOK = NoticeLook(
    {
        ConnectionEvent.JOINED: VariantLook(0x4F8A4C, "📥", "", ["Somebody came"], ["{player} is here."]),
        ConnectionEvent.LEFT: VariantLook(0x5B6B7A, "📤", "", ["Somebody left"], ["{player} is gone."]),
    },
    build=build_connection_embed,
    sample=partial(ConnectionNotice, event=ConnectionEvent.JOINED, player_id=PlayerId(""), player_name="Ann"),
)

ALL_KINDS = NoticeKinds(
    (
        *NOTICE_KINDS,
        NoticeKind(
            name="connection",
            model=ConnectionNotice,
            variants=ConnectionEvent,
            channel_kind=ChannelKind.CONNECTIONS,
            personal=PersonalFacts(members=("member_id",), players=("player_id",), names=("player_name",)),
            silenceable=tuple(ConnectionEvent),
        ),
    )
)

ALL_LOOKS = {
    **NOTICE_LOOKS,
    "connection": CONNECTION_LOOK,
}
