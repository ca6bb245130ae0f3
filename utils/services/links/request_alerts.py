"""The alerts about requests for links, with the buttons that decide them.

Whether an alert is due is stored with its request, in the same transaction. It stays due until it is sent, so
a process that is killed in between leaves it to the next one.
"""

from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Protocol

from utils.models.guilds import ChannelKind
from utils.models.link_buttons import build_request_buttons
from utils.models.links import Link
from utils.models.scope import GuildId
from utils.models.texts import Command, Mention, Number, Text, text
from utils.services.ports import DueNotifier, SettingsSource


class AlertedRequests(Protocol):  # implemented by LinkRepository
    """Storage of the requests that the admins are told of."""

    async def mark_alerted(self, guild_id: GuildId, link: Link) -> None:
        """Note that the admins are told of this request."""


@dataclass(eq=False, repr=False)
class RequestAlerts:
    """Tells the admins of requests: of a first one where they have a channel, of repeated ones always.

    Args:
        store: knows which requests they are told of.
        notifier: sends the alerts.
        settings: tells whether the admins have a channel for alerts.
    """

    store: AlertedRequests
    _: KW_ONLY
    notifier: DueNotifier
    settings: SettingsSource

    async def find_due(self, guild_id: GuildId, requests: int) -> int:
        """Return the number of a request for its player if the admins are to be told of it, else 0."""
        if requests != 1:
            return requests
        settings = await self.settings.get_settings(guild_id)
        return int(ChannelKind.ALERTS in settings.channels)

    async def tell(self, link: Link) -> None:
        """Begin to tell of a request, if that is due and has not begun."""
        if not link.untold:
            return
        await self.notifier.notify_due(
            link.guild_id,
            _describe(link),
            _build_key(link),
            buttons=build_request_buttons(link),
            mark_told=partial(self.store.mark_alerted, link.guild_id, link),
        )


def _build_key(link: Link) -> str:
    """Return the key of an alert; repeated requests for a player are told once a day."""
    if link.untold > 1:
        return f"link-repeated:{link.player_id}:{link.linked_at:%Y-%m-%d}"
    return f"link-request:{link.member_id}:{link.player_id}:{link.windows[0].starts_at}"


def _describe(link: Link) -> Text:
    if link.untold > 1:
        return text(
            "{requests} requests to be linked to “{player}”, none proven. Someone may be claiming a "
            "player that isn't theirs. {audit} shows who asked (action “link ask”), and {confirm} links "
            "the right member.",
            player=link.player_name,
            requests=Number(link.untold),
            audit=Command("admin audit"),
            confirm=Command("admin link confirm"),
        )
    return text(
        "{member} asks to be linked to **{player}** and is proving it in the game. "
        "You can also decide with the buttons below.",
        member=Mention("@", link.member_id),
        player=link.player_name,
    )
