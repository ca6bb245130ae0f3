"""The posts of the connections channel."""

from pathlib import Path

import discord

from tests.fakes.connection_notice import ConnectionEvent, ConnectionNotice
from utils.embeds.notices.look import NoticeLook, VariantLook, build_post, write_line
from utils.embeds.notices.registry import NOTICE_LOOKS
from utils.embeds.style import Style
from utils.localization.catalogue import ENGLISH_CATALOGUE
from utils.localization.localizer import build_localizer
from utils.localization.pools import read_pools
from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind, NoticeKinds, PersonalFacts
from utils.models.scope import PlayerId


def build_connection_embed(style: Style, look: VariantLook, notice: ConnectionNotice) -> discord.Embed:
    """Return the post about a player who came or went."""
    return build_post(style, look, notice, [write_line(style, look, notice, player=notice.player_name)])


CONNECTION_LOOK = NoticeLook(
    {
        ConnectionEvent.JOINED: VariantLook(0x4F8A4C, "📥", "", "connection.joined"),
        ConnectionEvent.LEFT: VariantLook(0x5B6B7A, "📤", "", "connection.left"),
    },
    build=build_connection_embed,
    samples=lambda _, **facts: [
        ConnectionNotice(event=ConnectionEvent.JOINED, player_id=PlayerId(""), player_name="Ann", **facts)
    ],
)

ALL_KINDS = NoticeKinds(
    (
        *NOTICE_KINDS,
        NoticeKind(
            name="connection",
            model=ConnectionNotice,
            variants=ConnectionEvent,
            channel_kind=ChannelKind.COUNTER,
            personal=PersonalFacts(members=("member_id",), players=("player_id",), names=("player_name",)),
            silenceable=tuple(ConnectionEvent),
        ),
    )
)

ALL_LOOKS = {
    **NOTICE_LOOKS,
    "connection": CONNECTION_LOOK,
}

POOLS_FILE = Path(__file__).parent / "connection_pools.toml"
WORDS = build_localizer("en", ENGLISH_CATALOGUE, read_pools(POOLS_FILE))
