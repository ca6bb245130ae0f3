"""EmbedFactory: the one door of this room, from a value to what Discord takes, within every limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord

from utils.embeds import (
    audit,
    bounties,
    combat,
    links,
    personal,
    players,
    premium,
    replies,
    servers,
)
from utils.embeds.audit import ListedTask
from utils.embeds.charts.painter import ChartPainter
from utils.embeds.limits import fit_embed, fit_embeds
from utils.embeds.notices.look import NoticeLook
from utils.embeds.notices.registry import NOTICE_LOOKS, NoticeLooks, list_pictured
from utils.embeds.pictures import Picture, load_pictures
from utils.embeds.replies import HelpCommand
from utils.embeds.servers import ServerStatus
from utils.embeds.style import Style
from utils.embeds.theme import NORTHERN, Theme
from utils.localization.languages import Languages
from utils.localization.localizer import ENGLISH_LOCALIZER, Localizer
from utils.models.audit import AuditEntry, FieldChange
from utils.models.guilds import ChannelKind
from utils.models.links import Link, ProofOutcome
from utils.models.money import Bounty, BountySettings, Wallet
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKinds
from utils.models.notices.notice import Notice
from utils.models.personal import Holdings, Person
from utils.models.players import BoardRow, PlayerStats
from utils.models.premium import GrantChange, PremiumOverview
from utils.models.reading import ImportProgress, RejectedLine
from utils.models.scope import MemberId, ServerId, ServerScope
from utils.models.servers import (
    CheckStep,
    ConnectionCount,
    GameServer,
    HostKeys,
    ServerHealth,
)
from utils.models.statistics import (
    Activity,
    Comparison,
    Coverage,
    RecentDeath,
    Rivals,
    WeaponRow,
    WeaponTable,
)
from utils.models.texts import Text, Value, text


@dataclass(frozen=True, slots=True)
class Post:
    """What a channel message is made of: embeds, and each picture they show once."""

    embeds: tuple[discord.Embed, ...]
    pictures: tuple[Picture, ...] = ()


class EmbedFactory:
    """Makes every embed of the bot, in one theme and one language.

    Args:
        kinds: what can be posted, and ``looks`` how it looks.

    Attributes:
        languages: which there are.
        charts: draws the pictures of figures in the same theme and language.
    """

    def __init__(
        self,
        theme: Theme = NORTHERN,
        *,
        kinds: NoticeKinds = NOTICE_KINDS,
        looks: NoticeLooks = NOTICE_LOOKS,
        languages: Languages | None = None,
        words: Localizer = ENGLISH_LOCALIZER,
        charts: ChartPainter | None = None,
    ) -> None:
        self._theme = theme
        self._style = Style(theme, words)
        self._kinds = kinds
        self._looks = looks
        self._pictures = load_pictures(look.picture for look in list_pictured(looks))
        self.languages = languages or Languages()
        self.charts = charts.draw_in(self._style) if charts else ChartPainter(self._style)

    @property
    def words(self) -> Localizer:
        """The language it speaks, for what is no embed: buttons, forms, a message's own text."""
        return self._style.words

    async def speak(self, language: str) -> "EmbedFactory":
        """Return the same factory in a language that ``languages.choose`` returned."""
        words = await self.languages.open(language)
        if words is self.words:
            return self
        return EmbedFactory(
            self._theme,
            kinds=self._kinds,
            looks=self._looks,
            languages=self.languages,
            words=words,
            charts=self.charts,
        )

    def build_feed(self, notices: Sequence[Notice]) -> Post:
        """Return the message of up to ten notices; equal notices give an equal post."""
        embeds = fit_embeds([self.build_feed_embed(notice) for notice in notices])
        names = dict.fromkeys(self._get_look(notice).variants[notice.variant].picture for notice in notices)
        return Post(tuple(embeds), tuple(self._pictures[name] for name in names if name))

    def build_feed_embed(self, notice: Notice) -> discord.Embed:
        """Return the embed of one notice; its picture must be attached to the message."""
        look = self._get_look(notice)
        return fit_embed(look.build(self._style, look.variants[notice.variant], notice))

    def build_placed(self, bounty: Bounty, *, server_name: str) -> discord.Embed:
        """Return the answer of ``/bounty place``."""
        return fit_embed(bounties.build_placed_embed(self._style, bounty, server_name=server_name))

    def build_bounty_list(
        self, listed: Sequence[Bounty], *, first: int, where: Value, server_names: Mapping[ServerId, str]
    ) -> discord.Embed:
        """Return one page of the open bounties, its first row numbered ``first``."""
        return fit_embed(
            bounties.build_bounty_list_embed(
                self._style, listed, first=first, where=where, server_names=server_names
            )
        )

    def build_own_bounties(self, placed: Sequence[Bounty], claimed: Sequence[Bounty]) -> discord.Embed:
        """Return one page of what a member placed and claimed."""
        return fit_embed(bounties.build_own_bounties_embed(self._style, placed, claimed))

    def build_cancelled(self, bounty: Bounty, *, refund: int) -> discord.Embed:
        """Return the answer of ``/bounty cancel``."""
        return fit_embed(bounties.build_cancelled_embed(self._style, bounty, refund=refund))

    def build_wallet(self, wallet: Wallet) -> discord.Embed:
        """Return a member's balance and their last rows of the ledger."""
        return fit_embed(bounties.build_wallet_embed(self._style, wallet))

    def build_bounty_settings(self, settings: BountySettings) -> discord.Embed:
        """Return what a guild decided about bounties."""
        return fit_embed(bounties.build_bounty_settings_embed(self._style, settings))

    def build_sample(self, kind: ChannelKind, server_name: str | None, *, at: datetime) -> Post:
        """Return the sample post of ``/admin channel test``."""
        looks = [self._looks[one.name] for one in self._kinds if one.channel_kind is kind]
        if looks:
            name = server_name or self._style.write_plain(text("Your server"))
            facts = {"event_id": b"sample", "server_name": name, "at": at}
            return self.build_feed([look.sample(self._style, **facts) for look in looks])
        return Post((fit_embed(replies.build_sample_embed(self._style, kind, server_name, at=at)),))

    def build_stats(self, stats: PlayerStats, coverage: Coverage) -> discord.Embed:
        """Return a player's figures."""
        return fit_embed(players.build_stats_embed(self._style, stats, coverage))

    def build_board(
        self, board: str, rows: Sequence[BoardRow], coverage: Coverage, *, own: BoardRow | None = None
    ) -> discord.Embed:
        """Return one page of a leaderboard, the caller's own row below."""
        return fit_embed(players.build_board_embed(self._style, board, rows, coverage, own=own))

    def build_posted_board(self, board: discord.Embed, coverage: Coverage) -> discord.Embed:
        """Return a board as it stands in a channel for good."""
        return fit_embed(players.build_posted_embed(self._style, board, coverage))

    def build_comparison(self, comparison: Comparison, coverage: Coverage) -> discord.Embed:
        """Return two players side by side."""
        return fit_embed(combat.build_comparison_embed(self._style, comparison, coverage))

    def build_weapons(
        self,
        rows: Sequence[WeaponRow],
        table: WeaponTable,
        coverage: Coverage,
        *,
        first: int,
        name: str = "",
    ) -> discord.Embed:
        """Return one page of the weapons of everybody, or of a player."""
        return fit_embed(
            combat.build_weapons_embed(self._style, rows, table, coverage, first=first, name=name)
        )

    def build_weapon_board(
        self, rows: Sequence[WeaponRow], table: WeaponTable, coverage: Coverage, *, first: int
    ) -> discord.Embed:
        """Return one page of the board of weapons."""
        return fit_embed(combat.build_weapon_board_embed(self._style, rows, table, coverage, first=first))

    def build_rivals(self, rivals: Rivals, coverage: Coverage) -> discord.Embed:
        """Return a player's nemesis and prey."""
        return fit_embed(combat.build_rivals_embed(self._style, rivals, coverage))

    def build_activity(self, activity: Activity, coverage: Coverage) -> discord.Embed:
        """Return the frame of a heat map."""
        return fit_embed(combat.build_activity_embed(self._style, activity, coverage))

    def build_recent(self, deaths: Sequence[RecentDeath], coverage: Coverage) -> discord.Embed:
        """Return the latest deaths."""
        return fit_embed(combat.build_recent_embed(self._style, deaths, coverage))

    def build_status(
        self,
        statuses: Sequence[ServerStatus],
        *,
        connections: ConnectionCount,
        limit: int,
        posting_problem: Text | str | None = None,
    ) -> discord.Embed:
        """Return how reading and posting go, and how many connections the guild has of so many."""
        embed = servers.build_status_embed(
            self._style, statuses, connections=connections, limit=limit, posting_problem=posting_problem
        )
        return fit_embed(embed)

    def build_server_list(
        self, listed: Sequence[GameServer], *, states: Mapping[ServerScope, ServerHealth]
    ) -> discord.Embed:
        """Return a guild's servers and how they are reached, for admins."""
        return fit_embed(servers.build_server_list_embed(self._style, listed, states=states))

    def build_steps(self, server_name: str, steps: Sequence[CheckStep]) -> discord.Embed:
        """Return the test of a server."""
        return fit_embed(servers.build_steps_embed(self._style, server_name, steps))

    def build_edited(
        self, server_name: str, changes: Sequence[FieldChange], *, steps: Sequence[CheckStep]
    ) -> discord.Embed:
        """Return what an edit of a server changed."""
        return fit_embed(servers.build_edited_embed(self._style, server_name, changes, steps=steps))

    def build_host_keys(self, server_name: str, keys: HostKeys) -> discord.Embed:
        """Return a server's pinned key and the one its host shows."""
        return fit_embed(servers.build_host_keys_embed(self._style, server_name, keys))

    def build_premium(self, overview: PremiumOverview) -> discord.Embed:
        """Return a community's premium."""
        return fit_embed(premium.build_premium_embed(self._style, overview))

    def build_tiers(self, overview: PremiumOverview) -> discord.Embed:
        """Return the table of tiers."""
        return fit_embed(premium.build_tiers_embed(self._style, overview))

    def build_grant(self, title: Text, change: GrantChange, *, is_member: bool) -> discord.Embed:
        """Return what a grant changed."""
        return fit_embed(premium.build_grant_embed(self._style, title, change, is_member=is_member))

    def build_audit(self, entries: Sequence[AuditEntry], *, total: int) -> discord.Embed:
        """Return a page of the audit."""
        return fit_embed(audit.build_audit_embed(self._style, entries, total=total))

    def build_tasks(self, tasks: Sequence[ListedTask], *, total: int) -> discord.Embed:
        """Return a page of background tasks."""
        return fit_embed(audit.build_tasks_embed(self._style, tasks, total=total))

    def build_rejected(self, server_name: str, lines: Sequence[RejectedLine], *, total: int) -> discord.Embed:
        """Return lines of a log that could not be read."""
        return fit_embed(servers.build_rejected_embed(self._style, server_name, lines, total=total))

    def build_import(self, server_name: str, progress: ImportProgress) -> discord.Embed:
        """Return where an import of history stands, or that it is done."""
        return fit_embed(servers.build_import_embed(self._style, server_name, progress))

    def build_asked_link(self, link: Link, *, count: int, limit: int, is_followed: bool) -> discord.Embed:
        """Return the answer of ``/link``: linked, or the times of the proof."""
        return fit_embed(
            links.build_asked_embed(self._style, link, count=count, limit=limit, is_followed=is_followed)
        )

    def build_link_outcome(self, link: Link, outcome: ProofOutcome) -> discord.Embed:
        """Return what the message that named the times of a proof shows in the end."""
        return fit_embed(links.build_outcome_embed(self._style, link, outcome))

    def build_links(self, member_id: MemberId, found: Sequence[Link], *, limit: int) -> discord.Embed:
        """Return a member's linked players."""
        return fit_embed(links.build_links_embed(self._style, member_id, found, limit=limit))

    def build_export(self, number: int) -> discord.Embed:
        """Return what stands beside a file of ``/data export``."""
        return fit_embed(personal.build_export_embed(self._style, number))

    def build_erase_question(self, person: Person, holdings: Holdings) -> discord.Embed:
        """Return the question of ``/data erase``."""
        return fit_embed(personal.build_erase_question_embed(self._style, person, holdings))

    def build_erased(self, person: Person, *, deaths: int) -> discord.Embed:
        """Return the answer of ``/data erase``."""
        return fit_embed(personal.build_erased_embed(self._style, person, deaths=deaths))

    def build_success(self, title: Text, said: Text | None = None) -> discord.Embed:
        """Return the answer of a command that did what was asked."""
        return fit_embed(replies.build_success_embed(self._style, title, said))

    def build_notice(self, title: Text, said: Text | str) -> discord.Embed:
        """Return an answer that is neither success nor failure; a ``str`` is foreign."""
        return fit_embed(replies.build_notice_embed(self._style, title, said))

    def build_refusal(self, said: Text | str) -> discord.Embed:
        """Return an expected refusal; a ``str`` is foreign."""
        return fit_embed(replies.build_refusal_embed(self._style, said))

    def build_error(self, *, what: Text, next_step: Text, reference: str) -> discord.Embed:
        """Return the answer to an unexpected failure."""
        return fit_embed(
            replies.build_error_embed(self._style, what=what, next_step=next_step, reference=reference)
        )

    def build_alert(self, said: Text | str, *, at: datetime) -> discord.Embed:
        """Return a note to the admins of a guild; a ``str`` is foreign."""
        return fit_embed(replies.build_alert_embed(self._style, said, at=at))

    def build_help(self, commands: Sequence[HelpCommand]) -> discord.Embed:
        """Return the commands a member can use here."""
        return fit_embed(replies.build_help_embed(self._style, commands))

    def build_command_help(self, command: HelpCommand) -> discord.Embed:
        """Return one command in detail."""
        return fit_embed(replies.build_command_help_embed(self._style, command))

    def _get_look(self, notice: Notice) -> NoticeLook[Any]:
        return self._looks[self._kinds.get_for(notice).name]
