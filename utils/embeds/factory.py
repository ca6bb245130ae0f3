"""Builds all embeds from values, within Discord's limits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial, wraps
from itertools import groupby
from typing import Any, Concatenate, ParamSpec

import discord

from utils.embeds import (
    audit,
    backups,
    bounties,
    channels,
    combat,
    command_help,
    counters,
    errors,
    events,
    factions,
    health,
    incidents,
    languages,
    levels,
    links,
    notifications,
    personal,
    players,
    playtime,
    premium,
    presence,
    recaps,
    replies,
    restores,
    roles,
    seasons,
    server_logs,
    server_status,
    servers,
    setup,
)
from utils.embeds.buttons import LastingView, build_lasting_view
from utils.embeds.charts.painter import ChartPainter
from utils.embeds.limits import MAX_DESCRIPTION, fit_embed, fit_embeds, pack_lines
from utils.embeds.notices import samples
from utils.embeds.notices.look import NoticeLook
from utils.embeds.notices.registry import NOTICE_LOOKS, NoticeLooks, list_pictured
from utils.embeds.pictures import Picture, load_pictures
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN, Theme
from utils.localization.languages import Languages
from utils.localization.localizer import Localizer
from utils.models.event_settings import PostedKind
from utils.models.game_log import PlayersReport
from utils.models.guilds import ChannelKind
from utils.models.health import BotHealth, GuildHealth
from utils.models.lasting_buttons import LastingButton
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKinds
from utils.models.notices.notice import Notice
from utils.models.post_styles import NEW_SHAPE, PostShape
from utils.models.texts import text

P = ParamSpec("P")

_MARKED_SAMPLES = frozenset({ChannelKind.EVENTS, ChannelKind.CONNECTIONS, ChannelKind.NEWS})
"""Their posts may have no name that could be an invented one, for example an airdrop or a restart."""


@dataclass(frozen=True, slots=True)
class Post:
    """The parts of a channel message: embeds, each of their pictures once, and lasting buttons.

    Attributes:
        role_ids: the roles that it mentions.
    """

    embeds: tuple[discord.Embed, ...]
    pictures: tuple[Picture, ...] = ()
    buttons: LastingView | None = None
    role_ids: tuple[int, ...] = ()


Drawings = Mapping[bytes, Picture]
"""The pictures that were drawn for notices, by their ``event_id``."""

NO_DRAWINGS: Drawings = {}


def _show(
    build: Callable[Concatenate[Style, P], discord.Embed],
) -> Callable[Concatenate["EmbedFactory", P], discord.Embed]:
    """Return the factory's method for a builder: it passes its style and keeps Discord's limits."""

    @wraps(build)
    def build_in_style(self: "EmbedFactory", /, *args: P.args, **kwargs: P.kwargs) -> discord.Embed:
        return fit_embed(build(self.style, *args, **kwargs))

    return build_in_style


class EmbedFactory:
    """Makes every embed of the bot, in one theme and one language.

    The list at the end of the class wraps each builder of this package.

    Args:
        kinds: the kinds of notices, and ``looks`` their looks.

    Attributes:
        style: its theme and language.
        languages: all languages.
        charts: draws charts in the same theme and language.
    """

    def __init__(
        self,
        theme: Theme = NORTHERN,
        *,
        kinds: NoticeKinds = NOTICE_KINDS,
        looks: NoticeLooks = NOTICE_LOOKS,
        languages: Languages | None = None,
        words: Localizer | None = None,
        charts: ChartPainter | None = None,
    ) -> None:
        self.languages = languages or Languages()
        self.style = Style(theme, words or self.languages.english)
        self._kinds = kinds
        self._looks = looks
        self._pictures = load_pictures(look.picture for look in list_pictured(looks))
        self.charts = charts.draw_in(self.style) if charts else ChartPainter(self.style)

    @property
    def words(self) -> Localizer:
        """The localizer, for buttons, forms and message text."""
        return self.style.words

    async def speak(self, language: str) -> "EmbedFactory":
        """Return the same factory in a language that ``languages.choose`` returned."""
        words = await self.languages.open(language)
        if words is self.words:
            return self
        return EmbedFactory(
            self.style.theme,
            kinds=self._kinds,
            looks=self._looks,
            languages=self.languages,
            words=words,
            charts=self.charts,
        )

    def build_buttons(self, buttons: Sequence[LastingButton]) -> LastingView:
        """Return lasting buttons and selects for a message, in rows of five buttons or one select."""
        return build_lasting_view(buttons, self.words)

    async def draw(self, notices: Sequence[Notice]) -> Drawings:
        """Draw the pictures of those notices whose look has one of its own."""
        drawings: dict[bytes, Picture] = {}
        for notice in notices:
            drawing = self._get_look(notice).draw(self.charts, notice)
            if drawing is not None:
                name = f"{notice.event_id.hex()}.png"  # a message can have several of a kind
                drawings[notice.event_id] = replace(await drawing, name=name)
        return drawings

    def build_feed(
        self, notices: Sequence[Notice], shape: PostShape = NEW_SHAPE, drawings: Drawings = NO_DRAWINGS
    ) -> Post:
        """Return the message of up to ten notices; equal notices of an equal shape give an equal post.

        Lines that follow each other share an embed.
        """
        named = [one if shape.names_servers else replace(one, server_name="") for one in notices]
        embeds: list[discord.Embed] = []
        names: dict[str, None] = {}
        buttons: dict[LastingButton, None] = {}
        for is_line, group in groupby(named, partial(self._is_line, shape)):
            if is_line:
                embeds += self._build_lines(list(map(self._write_line, group)))
                continue
            for notice in group:
                look = self._get_look(notice)
                embed = look.build(self.style, look.find(notice), notice)
                if notice.event_id in drawings:
                    embed.set_image(url=f"attachment://{drawings[notice.event_id].name}")
                embeds.append(embed)
                names[look.find(notice).picture] = None
                buttons |= dict.fromkeys(look.list_buttons(notice))
        roles = dict.fromkeys(role for one in notices if (role := one.mentioned_role) is not None)
        pictures = (*(self._pictures[name] for name in names if name), *drawings.values())
        view = self.build_buttons(tuple(buttons)) if buttons else None
        return Post(tuple(fit_embeds(embeds)), pictures, view, tuple(roles))

    async def build_sample(
        self, kind: ChannelKind, server_name: str | None, *, at: datetime, shape: PostShape = NEW_SHAPE
    ) -> Post:
        """Return the sample post of ``/admin channel test``, with the pictures of a real one."""
        looks = [self._looks[one.name] for one in self._kinds if one.channel_kind is kind]
        if looks:
            name = server_name or self.style.write_plain(text("Your server"))
            if kind in _MARKED_SAMPLES:
                name, shape = self._mark_sample(server_name), replace(shape, names_servers=True)
            facts = {"event_id": b"", "server_name": name, "at": at}
            found = [one for look in looks for one in look.samples(self.style, **facts)]
            notices = [replace(one, event_id=b"sample %d" % number) for number, one in enumerate(found)]
            return self.build_feed(notices, shape, await self.draw(notices))
        return Post((fit_embed(replies.build_sample_embed(self.style, kind, server_name, at=at)),))

    def build_kind_sample(
        self, kind: PostedKind, server_name: str | None, *, at: datetime, shape: PostShape = NEW_SHAPE
    ) -> Post:
        """Return the sample post of ``/events test``, which says that it is one."""
        marked = self._mark_sample(server_name)
        sample = samples.build_sample(self.style, kind, event_id=b"sample", server_name=marked, at=at)
        return self.build_feed([sample], replace(shape, names_servers=True))

    def _mark_sample(self, server_name: str | None) -> str:
        """Return what stands in place of the game server's name, so that nobody takes a sample for news."""
        sample = text("Sample") if server_name is None else text("Sample of {server}", server=server_name)
        return self.style.write_plain(sample)

    def write_counter(self, report: PlayersReport, template: str | None) -> str:
        """Return the name of a channel that shows how many players are online."""
        return counters.write_counter(self.words, report, template)

    def build_health(
        self, guild: GuildHealth, bot: BotHealth | None = None, *, now: datetime
    ) -> list[discord.Embed]:
        """Return the health for the admins of a guild, and a second embed for the owners of the bot."""
        return fit_embeds(health.build_health_embeds(self.style, guild, bot, now=now))

    def _is_line(self, shape: PostShape, notice: Notice) -> bool:
        return self._get_look(notice).is_line(notice, shape.style)

    def _write_line(self, notice: Notice) -> str:
        look = self._get_look(notice)
        return look.write(self.style, look.find(notice), notice) if look.write else ""

    def _build_lines(self, lines: Sequence[str]) -> list[discord.Embed]:
        """Return lines in one embed, or in more of them if they are very long."""
        return [
            discord.Embed(description=part, colour=self.style.theme.neutral)
            for part in pack_lines(lines, MAX_DESCRIPTION)
        ]

    def _get_look(self, notice: Notice) -> NoticeLook[Any]:
        return self._looks[self._kinds.get_for(notice).name]

    build_placed = _show(bounties.build_placed_embed)
    build_bounty_list = _show(bounties.build_bounty_list_embed)
    build_bounty_board = _show(bounties.build_bounty_board_embed)
    build_own_bounties = _show(bounties.build_own_bounties_embed)
    build_cancelled = _show(bounties.build_cancelled_embed)
    build_wallet = _show(bounties.build_wallet_embed)
    build_bounty_settings = _show(bounties.build_bounty_settings_embed)

    build_stats = _show(players.build_stats_embed)
    build_board = _show(players.build_board_embed)
    build_posted_board = _show(players.build_posted_embed)
    build_places = _show(players.build_places_embed)

    build_servers = _show(combat.build_servers_embed)
    build_language = _show(languages.build_language_embed)
    build_recap_settings = _show(recaps.build_recap_settings_embed)
    build_season_started = _show(seasons.build_season_started_embed)
    build_season_info = _show(seasons.build_season_info_embed)
    build_season_results = _show(seasons.build_season_results_embed)
    build_season_list = _show(seasons.build_season_list_embed)

    build_comparison = _show(combat.build_comparison_embed)
    build_weapons = _show(combat.build_weapons_embed)
    build_weapon_board = _show(combat.build_weapon_board_embed)
    build_rivals = _show(combat.build_rivals_embed)
    build_activity = _show(combat.build_activity_embed)
    build_recent = _show(combat.build_recent_embed)

    build_rule_plan = _show(roles.build_plan_embed)
    build_rules = _show(roles.build_rules_embed)
    build_rule_rows = _show(roles.build_rows_embed)

    build_channel_style = _show(channels.build_channel_style_embed)

    build_events = _show(events.build_events_embed)
    build_kinds = _show(events.build_kinds_embed)
    build_event_settings = _show(events.build_event_settings_embed)

    build_rank = _show(levels.build_rank_embed)
    build_xp_events = _show(levels.build_xp_events_embed)
    build_playtime = _show(playtime.build_playtime_embed)
    build_population = _show(presence.build_population_embed)
    build_online = _show(presence.build_online_embed)
    build_server_state = _show(presence.build_server_state_embed)
    build_online_board = _show(presence.build_online_board_embed)
    build_status_board = _show(presence.build_status_board_embed)
    build_server_log = _show(server_logs.build_server_log_embed)
    build_slots = _show(server_logs.build_slots_embed)
    build_restarts = _show(server_logs.build_restarts_embed)

    build_status = _show(server_status.build_status_embed)
    build_server_list = _show(servers.build_server_list_embed)
    build_steps = _show(servers.build_steps_embed)
    build_added = _show(servers.build_added_embed)
    build_edited = _show(servers.build_edited_embed)
    build_host_keys = _show(servers.build_host_keys_embed)
    build_rejected = _show(servers.build_rejected_embed)
    build_import = _show(servers.build_import_embed)

    build_premium = _show(premium.build_premium_embed)
    build_tiers = _show(premium.build_tiers_embed)
    build_grant = _show(premium.build_grant_embed)

    build_audit = _show(audit.build_audit_embed)
    build_tasks = _show(audit.build_tasks_embed)

    build_backup_progress = _show(backups.build_progress_embed)
    build_backup_outcome = _show(backups.build_outcome_embed)
    build_backups = _show(backups.build_list_embed)
    build_restore_plan = _show(restores.build_plan_embed)
    build_restore_begun = _show(restores.build_begun_embed)
    build_restore_outcome = _show(restores.build_restore_outcome_embed)

    build_error_list = _show(errors.build_error_list_embed)
    build_error_report = _show(errors.build_error_report_embed)
    build_error_alert = _show(errors.build_error_alert_embed)
    build_error_resolved = _show(errors.build_error_resolved_embed)

    build_asked_link = _show(links.build_asked_embed)
    build_proof_progress = _show(links.build_progress_embed)
    build_link_outcome = _show(links.build_outcome_embed)
    build_unlinked = _show(links.build_unlinked_embed)
    build_links = _show(links.build_links_embed)

    build_faction = _show(factions.build_faction_embed)
    build_faction_board = _show(factions.build_faction_board_embed)
    build_faction_list = _show(factions.build_faction_list_embed)
    build_faction_founded = _show(factions.build_founded_embed)
    build_faction_invited = _show(factions.build_invited_embed)
    build_faction_edited = _show(factions.build_edited_embed)
    build_faction_left = _show(factions.build_left_embed)
    build_leave_question = _show(factions.build_leave_question_embed)
    build_direct_message = _show(notifications.build_direct_message_embed)
    build_notifications = _show(notifications.build_notifications_embed)

    build_export = _show(personal.build_export_embed)
    build_erase_question = _show(personal.build_erase_question_embed)
    build_erased = _show(personal.build_erased_embed)

    build_welcome = _show(setup.build_welcome_embed)
    build_setup = _show(setup.build_setup_embed)

    build_success = _show(replies.build_success_embed)
    build_notice = _show(replies.build_notice_embed)
    build_refusal = _show(replies.build_refusal_embed)
    build_error = _show(replies.build_error_embed)
    build_alert = _show(replies.build_alert_embed)
    build_incident = _show(incidents.build_incident_embed)
    build_help = _show(command_help.build_help_embed)
    build_command_help = _show(command_help.build_command_help_embed)
