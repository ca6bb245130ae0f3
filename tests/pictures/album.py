"""Every picture of the documentation: members use commands of the real bot, and its messages are drawn.

The bot runs over storage in memory. It is asked at the simulated Discord, so the pictures have what people
see: embeds, charts, buttons and privacy. Messages that it sends by itself come from the builders of delivery.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from simulation.discord import Channel, Guild, Member, Permission, Role, SimulatedDiscord
from simulation.discord.clients import running_bot
from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from simulation.markdown import Reader
from simulation.pictures.canvas import Shown, draw_channel
from tests.fakes.clock import FakeClock
from tests.fakes.deaths import NOON
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from tests.pictures.people import (
    AT,
    BADGER,
    FALCON,
    KAZAK,
    OTTER,
    WOLF,
    add_faction,
    add_figures_of_servers,
    add_rules,
    add_season,
    build_bounty_notice,
    build_death_notice,
    build_recap,
    fill,
)
from utils.delivery.boards import BoardPages
from utils.delivery.languages import GuildLanguages
from utils.embeds.factory import EmbedFactory, Post
from utils.models.deaths import DeathKind
from utils.models.languages import LANGUAGE_NAMES
from utils.models.notices.bounties import BountyEvent
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import Highlight, HighlightKind
from utils.models.posted_boards import BoardKey
from utils.models.reading import ImportProgress
from utils.models.roles import RoleId
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId
from utils.models.servers import CheckStep
from utils.models.statistics import Board
from utils.sftp.checkup import check_server
from utils.sftp.login import PoolLimits
from utils.sftp.pool import SftpConnectionPool

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
HOST = "play.example.org"
LOGS = 62


@dataclass
class Album:
    """Draws the pictures: those of answers by asking, and those of posts from the builders of delivery."""

    ada: Member
    general: Channel
    bot: OwnBot
    shelf: Shelf
    reader: Reader
    factory: EmbedFactory
    folder: Path

    async def draw(self) -> Mapping[str, str]:
        """Return every picture by the name of its file."""
        return {
            "setup.svg": await self._draw_answer("What is set up and what is missing", "/setup"),
            "killfeed.svg": self._draw_killfeed(),
            "languages.svg": await self._draw_languages(),
            "status.svg": await self._draw_answer("Whether kills are read and posted", "/killfeed status"),
            "recent.svg": await self._draw_answer("The latest deaths, a line each", "/killfeed recent"),
            "stats.svg": await self._draw_answer("A player's figures with a chart", "/stats", player=WOLF),
            "compare.svg": await self._draw_answer(
                "Two players side by side", "/compare", first=WOLF, second=OTTER
            ),
            "weapons.svg": await self._draw_answer("Weapons by kills with a chart", "/weapons"),
            "rivals.svg": await self._draw_answer(
                "The players who kill a player most, and those they kill most", "/rivals", player=WOLF
            ),
            "activity.svg": await self._draw_answer("Kills by weekday and hour as a heat map", "/activity"),
            "rank.svg": await self._draw_answer("A player's level as a card", "/rank", player=WOLF),
            "recap.svg": await self._draw_recap(),
            "season.svg": await self._draw_answer("The results of a season", "/season results"),
            "leaderboard.svg": await self._draw_answer(
                "The first ten by kills, and one's own place", "/leaderboard"
            ),
            "board.svg": await self._draw_board(),
            "bounties.svg": self._draw_bounties(),
            "bounty.svg": await self._draw_bounty_commands(),
            "faction.svg": await self._draw_answer("A faction's figures and members", "/faction info"),
            "notify.svg": await self._draw_answer("What direct messages tell", "/notify", on=True),
            "links.svg": await self._draw_links(),
            "roles.svg": await self._draw_answer("Rules that give roles", "/roles list"),
            "premium.svg": await self._draw_answer("The table of tiers", "/premium tiers"),
            "server.svg": await self._draw_server(),
            "servers.svg": await self._draw_servers(),
        }

    async def _ask(self, command: str, **options: Any) -> Shown:
        interaction = await self.ada.ask(self.general, command, **options)
        return Shown.answer(interaction, interaction)

    async def _draw_answer(self, alt: str, command: str, **options: Any) -> str:
        return self._draw("general", [await self._ask(command, **options)], f"{command}: {alt}")

    def _draw(self, channel: str, shown: Sequence[Shown], alt: str) -> str:
        return draw_channel(channel, shown, reader=self.reader, alt=alt)

    def _draw_killfeed(self) -> str:
        ended = replace(
            build_death_notice(8, DeathKind.KILL, "Salt", WOLF, "Fire Axe", 0),
            killer_streak=1,
            highlights=(Highlight(HighlightKind.STREAK_ENDED, 11),),
        )
        notices = (
            build_death_notice(1, DeathKind.KILL, WOLF, FALCON, "Mosin", 187),
            build_death_notice(2, DeathKind.VEHICLE, OTTER, KAZAK, "land_vehicle"),
            build_death_notice(3, DeathKind.FALL, BADGER, BADGER, "falling"),
            build_death_notice(4, DeathKind.KILL, KAZAK, BADGER, "UAG", 34),
            _build_record(Highlight(HighlightKind.STREAK, 10)),
            build_death_notice(6, DeathKind.SELF, "Static_Nor", "Static_Nor", "F-10"),
            build_death_notice(7, DeathKind.KILL, WOLF, OTTER, "MR5", 12),
            ended,
        )
        shown = Shown.of_post(self.factory.build_feed(notices))
        alt = "The killfeed: a line for each death, a card for what is special"
        return self._draw("killfeed", [shown], alt)

    async def _draw_languages(self) -> str:
        notices = (_build_record(), build_death_notice(6, DeathKind.FALL, BADGER, BADGER, "falling"))
        factories = [await self.factory.speak(language) for language in LANGUAGE_NAMES]
        shown = [Shown.of_post(factory.build_feed(notices)) for factory in factories]
        alt = f"The same two deaths in each language: {', '.join(LANGUAGE_NAMES.values())}"
        return self._draw("killfeed", shown, alt)

    async def _draw_recap(self) -> str:
        notices = (build_recap(),)
        post = self.factory.build_feed(notices, drawings=await self.factory.draw(notices))
        return self._draw(
            "news", [Shown.of_post(post)], "The recap of a week, with the card of its best player"
        )

    async def _draw_board(self) -> str:
        services = self.bot.services
        languages = GuildLanguages(self.bot, self.factory, services.settings)
        clock = FakeClock(AT)
        pages = BoardPages(
            services.coverage,
            services.statistics,
            services.combat,
            services.server_players,
            services.readings,
            languages,
            clock,
        )
        key = BoardKey(GuildId(self.ada.guild.id), ServerId(""), Board.KILLS.value)
        shown = Shown.of_post(await pages.build(key))
        return self._draw("leaderboard", [shown], "A board that keeps itself up to date")

    def _draw_bounties(self) -> str:
        placed = build_bounty_notice(1, BountyEvent.PLACED, OTTER, 2_500)
        auto = build_bounty_notice(2, BountyEvent.AUTO, WOLF, 1_500)
        claimed = build_bounty_notice(3, BountyEvent.CLAIMED, WOLF, 4_000)
        ada, birk, _ = map(MemberId, self.reader.members)
        notices = (
            replace(placed, placer_id=ada, ends_at=AT + timedelta(hours=23.7)),
            replace(auto, kills=6, ends_at=AT + timedelta(minutes=108)),
            replace(claimed, count=2, claimer_id=birk, claimer_name=KAZAK),
        )
        shown = Shown.of_post(self.factory.build_feed(notices))
        return self._draw("bounties", [shown], "Bounties: one placed, one by the house, one claimed")

    async def _draw_bounty_commands(self) -> str:
        shown = [
            await self._ask("/bounty place", player=OTTER, amount=2_500),
            await self._ask("/bounty list"),
            await self._ask("/wallet"),
        ]
        return self._draw("general", shown, "A bounty is placed, the open bounties, a wallet")

    async def _draw_links(self) -> str:
        shown = [await self._ask("/link", player="Old Pike"), await self._ask("/links")]
        return self._draw("general", shown, "How a link is proven, and a member's linked players")

    async def _draw_server(self) -> str:
        progress = ImportProgress(41, LOGS, 6_610_000, 10_000_000, 61_204, 3.4)
        importing = Shown.of_post(Post((self.factory.build_import("Southwatch", progress),)))
        self.shelf.secrets.steps = await _check_host(self.folder)
        self.shelf.progress.message_id = 1
        place = {"host": HOST, "port": 8822, "username": "renter", "number": 2}
        form = await self.ada.ask(self.general, "/admin server add", name="Southwatch", **place)
        added = Shown.answer(await (await form.submit_modal({"Password": "secret"})).wait(), form)
        alt = "A game server is added and its history imported"
        return self._draw("admin", [added, importing], alt)

    async def _draw_servers(self) -> str:
        add_figures_of_servers(self.shelf)  # the second one was added for the picture before
        return await self._draw_answer("Game servers side by side", "/servers")


def _build_record(*highlights: Highlight) -> DeathNotice:
    """Return a kill that is a record of the game server, with further highlights."""
    return replace(
        build_death_notice(5, DeathKind.KILL, WOLF, KAZAK, "Mosin", 393),
        killer_streak=10,
        highlights=(Highlight(HighlightKind.RECORD, 393, 371), *highlights),
    )


async def _check_host(folder: Path) -> tuple[CheckStep, ...]:
    """Return the steps of a real test of a game host with a log a day."""
    root = folder / "host"
    root.mkdir()
    files = GameServerFiles(root, host=HOST, number=2)
    files.append(*islice(Battle(seed=1).rows(), 30))
    for number in range(1, LOGS):
        files.path(NOON - timedelta(days=number)).touch()
    async with GameHost(root, {"renter": "secret"}) as host, open_pool() as pool:
        loan = pool.lend(GuildId(1), host.login("renter"), guild_limit=1)
        checked = await check_server(loan, login=host.login("renter"), base_path=None, number=2)
        return checked.steps


@asynccontextmanager
async def open_pool() -> AsyncIterator[SftpConnectionPool]:
    """Open a pool of connections until the end of the block."""
    pool = SftpConnectionPool(PoolLimits())
    try:
        yield pool
    finally:
        await pool.aclose()


def create_roles(world: SimulatedDiscord, guild: Guild) -> Sequence[Role]:
    """Create the roles of rules, which the bot may give."""
    [own] = guild.bot.roles
    world.move_role(own, 50)
    world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
    return [world.create_role(guild, name) for name in ("Champion", "Hunter", "Night Wolf")]


def add_community(shelf: Shelf, guild: Guild, people: Sequence[Member], roles: Sequence[Role]) -> None:
    """Add a faction of these people, a season and rules of these roles."""
    guild_id, members = GuildId(guild.id), [MemberId(one.id) for one in people]
    add_faction(shelf, guild_id, dict(zip(members, (BADGER, KAZAK, FALCON), strict=True)))
    add_season(shelf, guild_id)
    add_rules(shelf, guild_id, [RoleId(one.id) for one in roles], members)


async def draw_pictures(folder: Path) -> Mapping[str, str]:
    """Return every picture by the name of its file; ``folder`` is for the files of bot and game host."""
    async with SimulatedDiscord(enforce_rate_limits=False) as world:
        guild = world.create_guild("Northwatch")
        general, feed = (world.create_channel(guild, name) for name in ("general", "killfeed"))
        ada, birk = world.owner_of(guild), world.add_member(guild, "birk")
        ada.user.username = "ada"
        shelf = Shelf(clock=FakeClock(AT))
        fill(shelf, GuildId(guild.id), MemberId(ada.id), MemberId(birk.id), ChannelId(feed.id))
        people = (ada, birk, world.add_member(guild, "cleo"))
        roles = create_roles(world, guild)
        add_community(shelf, guild, people, roles)
        reader = Reader(
            AT,
            channels={feed.id: "killfeed"},
            members={one.id: one.user.username for one in people},
            roles={one.id: one.name for one in roles},
        )
        bot = OwnBot(shelf, folder)
        async with running_bot(bot, world):
            await bot.wait_until_registered()
            album = Album(ada, general, bot, shelf, reader, EmbedFactory(), folder)
            return await album.draw()
