"""Every picture of the documentation: which messages it shows, by the name of its file."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import discord

from simulation.markdown import Reader
from simulation.pictures.canvas import Shown, draw_channel
from simulation.pictures.people import (
    ALL_TIME,
    AT,
    BADGER,
    FALCON,
    KAZAK,
    NOBODY,
    OTTER,
    SCOPE,
    SERVER,
    WOLF,
    build_notice,
    build_otter,
    build_rivals,
    build_weapons,
    build_wolf,
    list_days,
    list_hours,
    list_recent,
    list_standing,
)
from utils.embeds.factory import EmbedFactory, Post
from utils.embeds.pictures import Picture
from utils.models.deaths import DeathKind
from utils.models.links import Link, LinkState, ProofWindow
from utils.models.money import Bounty, Change, LedgerKind, LedgerRow, Wallet
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.highlights import Highlight, HighlightKind
from utils.models.premium import TIERS, PremiumOverview, PremiumState, list_offers
from utils.models.reading import ImportProgress
from utils.models.scope import MemberId
from utils.models.servers import CheckStep, WayStep
from utils.models.statistics import Activity, Comparison
from utils.models.texts import text

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
ADA, BIRK = MemberId(1), MemberId(2)
READER = Reader(AT, members={ADA: "ada", BIRK: "birk"})
ROWS = 10
PAGES = ("(Previous)", "Next")


class Album:
    """Draws the pictures, one method each, in one theme."""

    def __init__(self) -> None:
        self._factory = EmbedFactory()

    async def draw(self) -> Mapping[str, str]:
        """Return every picture."""
        return {
            "killfeed.svg": self._draw_killfeed(),
            "recent.svg": self._draw_recent(),
            "stats.svg": await self._draw_stats(),
            "compare.svg": self._draw_compare(),
            "weapons.svg": await self._draw_weapons(),
            "rivals.svg": self._draw_rivals(),
            "activity.svg": await self._draw_activity(),
            "leaderboard.svg": self._draw_leaderboard(),
            "board.svg": self._draw_board(),
            "bounties.svg": self._draw_bounties(),
            "bounty.svg": self._draw_bounty_commands(),
            "links.svg": self._draw_links(),
            "premium.svg": self._draw_premium(),
            "server.svg": self._draw_server(),
        }

    def _draw_killfeed(self) -> str:
        record = replace(
            build_notice(5, DeathKind.KILL, WOLF, KAZAK, "Mosin", 393),
            killer_streak=10,
            highlights=(Highlight(HighlightKind.RECORD, 393, 371), Highlight(HighlightKind.STREAK, 10)),
        )
        ended = replace(
            build_notice(8, DeathKind.KILL, "Salt", WOLF, "Fire Axe", 0),
            killer_streak=1,
            highlights=(Highlight(HighlightKind.STREAK_ENDED, 11),),
        )
        notices = (
            build_notice(1, DeathKind.KILL, WOLF, FALCON, "Mosin", 187),
            build_notice(2, DeathKind.VEHICLE, OTTER, KAZAK, "land_vehicle"),
            build_notice(3, DeathKind.FALL, BADGER, BADGER, "falling"),
            build_notice(4, DeathKind.KILL, KAZAK, BADGER, "UAG", 34),
            record,
            build_notice(6, DeathKind.SELF, "Static_Nor", "Static_Nor", "F-10"),
            build_notice(7, DeathKind.KILL, WOLF, OTTER, "MR5", 12),
            ended,
        )
        shown = Shown(self._factory.build_feed(notices))
        return _draw("killfeed", [shown], "The killfeed: a line for each death, a card for what is special")

    def _draw_recent(self) -> str:
        embed = self._factory.build_recent(list_recent(), ALL_TIME)
        return _answer("/killfeed recent", embed, "The latest deaths, a line each")

    async def _draw_stats(self) -> str:
        embed = self._factory.build_stats(build_wolf(), ALL_TIME)
        picture = await self._factory.charts.draw_days(list_days(), last=AT.date(), count=30)
        buttons = ("Rivals", "Weapons", "Compare with me")
        return _answer("/stats", embed, "A player's figures and a chart", picture=picture, buttons=buttons)

    def _draw_compare(self) -> str:
        embed = self._factory.build_comparison(Comparison(build_wolf(), build_otter(), 58, 46), ALL_TIME)
        return _answer("/compare", embed, "Two players side by side")

    async def _draw_weapons(self) -> str:
        table = build_weapons()
        picture = await self._factory.charts.draw_weapons(table.rows[:ROWS], table)
        embed = self._factory.build_weapons(table, ALL_TIME)
        embed.set_footer(text="Page 1 of 2")
        return _answer("/weapons", embed, "Weapons by kills with a chart", picture=picture, buttons=PAGES)

    def _draw_rivals(self) -> str:
        embed = self._factory.build_rivals(build_rivals(), ALL_TIME)
        return _answer("/rivals", embed, "Who kills a player most, and whom they kill most")

    async def _draw_activity(self) -> str:
        activity = Activity(list_hours())
        picture = await self._factory.charts.draw_hours(activity.hours)
        embed = self._factory.build_activity(activity, ALL_TIME)
        return _answer("/activity", embed, "Kills by weekday and hour as a heat map", picture=picture)

    def _draw_leaderboard(self) -> str:
        standing = list_standing()
        embed = self._factory.build_board("kills", standing, ALL_TIME, own=standing[3])
        embed.set_footer(text="Page 1 of 115")
        return _answer("/leaderboard", embed, "The first ten by kills, and one's own place", buttons=PAGES)

    def _draw_board(self) -> str:
        board = self._factory.build_board("kills", list_standing(), ALL_TIME)
        post = Post((self._factory.build_posted_board(board, ALL_TIME, at=AT),))
        buttons = ("📍 My place", "🔄 Refresh")
        return _draw("leaderboard", [Shown(post, buttons=buttons)], "A board that keeps itself up to date")

    def _draw_bounties(self) -> str:
        def notice(number: int, event: BountyEvent, target: str, amount: int) -> BountyNotice:
            at = AT - timedelta(minutes=30 - number * 9)
            return BountyNotice(
                event_id=number.to_bytes(4),
                event=event,
                server_name=SERVER,
                target_name=target,
                amount=amount,
                at=at,
            )

        placed = notice(1, BountyEvent.PLACED, OTTER, 2_500)
        auto = notice(2, BountyEvent.AUTO, WOLF, 1_500)
        claimed = notice(3, BountyEvent.CLAIMED, WOLF, 4_000)
        notices = (
            replace(placed, placer_id=ADA, ends_at=AT + timedelta(hours=23.7)),
            replace(auto, kills=6, ends_at=AT + timedelta(minutes=108)),
            replace(claimed, count=2, claimer_id=BIRK, claimer_name=KAZAK),
        )
        shown = Shown(self._factory.build_feed(notices))
        return _draw("bounties", [shown], "Bounties: one placed, one by the house, one claimed")

    def _draw_bounty_commands(self) -> str:
        def bounty(target: str, amount: int, placer_id: MemberId | None, hours: float) -> Bounty:
            ends_at = AT + timedelta(hours=hours)
            return Bounty(SCOPE, "", NOBODY, target, amount, placer_id, AT - timedelta(hours=1), ends_at)

        rows = (
            bounty(WOLF, 12_000, BIRK, 21),
            bounty(OTTER, 2_500, ADA, 24),
            bounty(BADGER, 1_500, None, 1.8),
        )
        changes = (
            (LedgerKind.BOUNTY_PLACED, -2_500, OTTER),
            (LedgerKind.KILL, 28, FALCON),
            (LedgerKind.BOUNTY_CLAIMED, 4_000, WOLF),
        )
        ledger = [
            LedgerRow(Change(ADA, kind, amount, "", AT - timedelta(minutes=7 * number), note), 0, 0)
            for number, (kind, amount, note) in enumerate(changes)
        ]
        factory = self._factory
        listed = factory.build_bounty_list(
            rows, first=1, where=SERVER, server_names={SCOPE.server_id: SERVER}
        )
        wallet = factory.build_wallet(Wallet(ADA, 6_120, ledger))
        shown = [
            Shown(Post((factory.build_placed(rows[1], server_name=SERVER),)), "/bounty place"),
            Shown(Post((listed,)), "/bounty list"),
            Shown(Post((wallet,)), "/wallet", is_private=True),
        ]
        return _draw("general", shown, "A bounty is placed, the open bounties, a wallet")

    def _draw_links(self) -> str:
        asked_at = AT - timedelta(minutes=1)
        windows = tuple(
            ProofWindow(asked_at + timedelta(minutes=start), asked_at + timedelta(minutes=start + 2))
            for start in (5, 14)
        )
        pending = Link(SCOPE.guild_id, ADA, NOBODY, "Old Pike", asked_at, windows=windows)
        main = Link(
            *(SCOPE.guild_id, ADA, NOBODY, BADGER, asked_at, LinkState.PROVEN),
            is_main=True,
            proven_at=AT - timedelta(days=40),
        )
        asked = self._factory.build_asked_link(pending, count=2, limit=5, is_followed=True)
        listed = self._factory.build_links(ADA, (main, pending), limit=5)
        shown = [Shown(Post((asked,)), "/link"), Shown(Post((listed,)), "/links")]
        return _draw("general", shown, "How a link is proven, and a member's linked players")

    def _draw_premium(self) -> str:
        state = PremiumState(TIERS[2])
        overview = PremiumOverview(state, (SERVER,), (), list_offers(minimum_seconds=5))
        return _answer("/premium tiers", self._factory.build_tiers(overview), "The table of tiers")

    def _draw_server(self) -> str:
        steps = (
            CheckStep(WayStep.REACH, ok=True, detail=text("play.example.org port 8822 answers.")),
            CheckStep(WayStep.LOGIN, ok=True, detail=text("Logged in as renter.")),
            CheckStep(
                WayStep.FIND_LOGS,
                ok=True,
                detail=text("“actual1/deathlogs” holds 62 death logs."),
            ),
        )
        progress = ImportProgress(41, 62, 6_610_000, 10_000_000, 61_204, 3.4)
        importing = self._factory.build_import(SERVER, progress)
        added = self._factory.build_steps(SERVER, steps)
        shown = [Shown(Post((importing,))), Shown(Post((added,)), "/admin server add", is_private=True)]
        return _draw("admin", shown, "A game server is added and its history imported")


def _answer(
    command: str,
    embed: discord.Embed,
    alt: str,
    *,
    picture: Picture | None = None,
    buttons: Sequence[str] = (),
) -> str:
    """Return the picture of one answer, with a chart or without one."""
    if picture is not None:
        embed.set_image(url=f"attachment://{picture.name}")
    pictures = () if picture is None else (picture,)
    return _draw("general", [Shown(Post((embed,), pictures), command, buttons)], f"{command}: {alt}")


def _draw(channel: str, shown: Sequence[Shown], alt: str) -> str:
    return draw_channel(channel, shown, reader=READER, alt=alt)


def build_pictures() -> Mapping[str, str]:
    """Return every picture of the documentation by the name of its file."""
    return asyncio.run(Album().draw())
