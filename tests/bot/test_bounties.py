"""Commands about money: placed, claimed, cancelled and ended bounties, wallets, and every refusal."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest

from simulation.discord import Channel, Interaction, Member, Message
from simulation.game_host.log_files import GameServerFiles
from simulation.town import list_embeds
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Document, Stage, get_fields
from tests.fakes.deaths import build_player_id, build_row
from utils.clock import SystemClock
from utils.models.deaths import DeathRow

BOARD_TITLE = "📜 Open bounties"
NAMES = ("Hunter_1", "Placer_1", "Placer_2", "Wolf", "Fox", "Owl")
HISTORY = [build_row(NAMES[number], NAMES[number - 1], second=number) for number in range(len(NAMES))]


@dataclass
class Market:
    """A community with linked members, money and a bounties channel."""

    stage: Stage
    board: Channel
    files: GameServerFiles
    hunter: Member
    placer: Member
    second: int = 100

    @classmethod
    async def open(cls, stage: Stage) -> "Market":
        """Add the server and its history, link members, give the placer money."""
        files = stage.open_files()
        files.append(*HISTORY)
        board = stage.world.create_channel(stage.guild, "bounties")
        market = cls(stage, board, files, stage.player, stage.world.add_member(stage.guild, "placer"))
        await stage.set_channel()
        await stage.set_channel("bounties", board)
        await stage.add_server("North")
        market.link(market.hunter, "Hunter_1")
        market.link(market.placer, "Placer_1", "Placer_2")
        await market.give(market.placer, 5000)
        return market

    def link(self, member: Member, *names: str, state: str = "proven") -> None:
        """Store links of a member, as proofs in the game do."""
        links = [
            {
                "guild_id": self.stage.guild.id,
                "member_id": member.id,
                "player_id": build_player_id(name),
                "player_name": name,
                "state": state,
                "is_main": place == 0,
                "linked_at": SystemClock().now(),
            }
            for place, name in enumerate(names)
        ]
        with self.stage.open_database() as database:
            database["links"].insert_many(links)

    async def give(self, member: Member, amount: int, reason: str = "event prize") -> Interaction:
        """Let the admin change a wallet."""
        return await self.stage.ask("/admin wallet", member=member, amount=amount, reason=reason)

    async def place(self, player: str = "Wolf", amount: int = 1000, **options: object) -> Interaction:
        """Place a bounty as the placer."""
        return await self.stage.ask("/bounty place", by=self.placer, player=player, amount=amount, **options)

    def kill(self, killer: str, victim: str, *, distance: int = 100) -> DeathRow:
        """Let the game write a kill."""
        self.second += 1
        row = build_row(killer, victim, second=self.second, distance=distance)
        self.files.append(row)
        return row

    async def wait_for_notices(self, count: int) -> list[Document]:
        """Wait until the bounties channel shows at least ``count`` embeds besides the board."""
        await until(lambda: len(self.list_notices()) >= count, what=lambda: self.stage.bot.output)
        return self.list_notices()

    def list_notices(self) -> list[Document]:
        """Return the embeds of the bounties channel without the board."""
        return [embed for embed in list_embeds(self.board) if embed["title"] != BOARD_TITLE]

    async def wait_for_board(self, part: str) -> Message:
        """Wait until the only board of the channel shows some text, and return its message."""

        def list_boards() -> list[Message]:
            return [one for one in self.board.messages if [e["title"] for e in one.embeds] == [BOARD_TITLE]]

        def is_shown() -> bool:
            return [part in one.embed["description"] for one in list_boards()] == [True]

        await until(is_shown, what=lambda: f"{list_boards()}\n{self.stage.bot.output}")
        [board] = list_boards()
        return board

    def get_balance(self, member: Member) -> int:
        """Return a member's balance, and check that it is the sum of the ledger."""
        [wallet] = self.stage.read("wallets", member_id=member.id)
        rows = self.stage.read("ledger", member_id=member.id)
        assert wallet["balance"] == sum(row["amount"] for row in rows)
        balance: int = wallet["balance"]
        return balance


@pytest.fixture(name="market")
async def _market(stage: Stage) -> Market:
    return await Market.open(stage)


def read_text(reply: Interaction) -> str:
    """Return the text of an answer without escapes and ids of commands."""
    return re.sub(r"\\(.)|<(/[^:>]+):\d+>", r"\1\2", reply.embed["description"])


async def test_bounty_is_placed_claimed_and_told_once(market: Market) -> None:
    """A bounty goes from the command over the log to one post in the channel and to both wallets."""
    stage = market.stage
    placed = await market.place()
    assert (placed.is_ephemeral, placed.embed["title"]) == (False, "📜 Bounty placed")
    assert "**1,000 💎 on Wolf's head** (North)" in read_text(placed)
    listed = await stage.ask("/bounty list", by=market.hunter)
    assert not listed.is_ephemeral
    assert "**Wolf** — 1,000 💎" in read_text(listed)
    market.kill("Fox", "Wolf")
    market.kill("Placer_2", "Wolf")
    market.kill("Hunter_1", "Wolf", distance=123)
    notices = await market.wait_for_notices(2)
    assert [one["thumbnail"]["url"].rpartition("/")[2].split("?")[0] for one in notices] == [
        "bounty_placed.png",
        "bounty_claimed.png",
    ]
    assert f"Paid to {market.hunter.mention}" in notices[1]["description"]
    await stage.wait_for_posts(3)
    assert (market.get_balance(market.hunter), market.get_balance(market.placer)) == (1022, 4020)
    wallet = await stage.ask("/wallet", by=market.placer, member=market.hunter)
    assert wallet.is_ephemeral
    lines = read_text(wallet).split("\n")
    assert lines[0] == f"{market.hunter.mention} has **1,022 💎**."
    assert [line.partition(" · ")[0] for line in lines[2:]] == [
        "`+22` kill of Wolf",
        "`+1,000` claimed the bounty on Wolf",
    ]
    for period in ("all", "today"):
        board = await stage.ask("/leaderboard", by=market.hunter, board="bounties", period=period)
        row = r"🥇 **Hunter\_1** — 1,000 💎 · 1 bounty"
        assert board.embed["description"].splitlines()[2:] == [f"{row} ← you"]
    mine = await stage.ask("/bounty mine", by=market.placer)
    assert "**Wolf** — 1,000 💎 · claimed by Hunter_1" in read_text(mine)
    assert "No one is wanted" in read_text(await stage.ask("/bounty list"))


async def test_board_of_open_bounties_keeps_itself_up_to_date(market: Market) -> None:
    """It survives a kill of the bot, comes back when deleted, and says so when bounties are off."""
    stage = market.stage
    first = await market.wait_for_board("No one is wanted right now")
    await market.place(amount=1000)
    board = await market.wait_for_board("**Wolf** — 1,000 💎")
    assert board.id == first.id
    assert [one["label"] for row in board.components for one in row["components"]] == ["Place a bounty"]
    await stage.bot.kill()
    await stage.bot.start()
    del market.board.messages_by_id[board.id]
    await market.place("Fox", 500)
    again = await market.wait_for_board("**Fox** — 500 💎")
    assert ("**Wolf** — 1,000 💎" in again.embed["description"], again.id == board.id) == (True, False)
    market.kill("Hunter_1", "Wolf")
    await until(lambda: "Wolf" not in again.embed["description"], what=lambda: stage.bot.output)
    await stage.ask("/admin bounty", enabled=False)
    closed = await market.wait_for_board("Bounties are off")
    assert (closed.id, closed.components) == (again.id, [])


async def test_own_bounty_is_cancelled_for_a_tenth(market: Market) -> None:
    """A placer cancels an own bounty for a tenth. Autocomplete offers it to the placer only."""
    stage = market.stage
    await market.place(amount=1005)
    await market.place("Fox", 100)
    choices = await market.placer.autocomplete(stage.office, "/bounty cancel", "bounty", "wo")
    assert [one["name"] for one in choices] == ["Wolf · 1,005 · North"]
    assert await market.hunter.autocomplete(stage.office, "/bounty cancel", "bounty", "") == []
    cancelled = await stage.ask("/bounty cancel", by=market.placer, bounty=choices[0]["value"])
    assert cancelled.is_ephemeral
    assert "You got 904 💎 back for **Wolf**. Cancelling cost 101 💎" in read_text(cancelled)
    again = await stage.ask("/bounty cancel", by=market.placer, bounty="wolf")
    assert "You have no open bounty like that. Did you mean **Fox**?" in read_text(again)
    assert market.get_balance(market.placer) == 5000 - 101 - 100
    assert len(await market.wait_for_notices(2)) == 2


async def test_bounty_nobody_claimed_comes_back_after_a_restart(market: Market) -> None:
    """An unclaimed bounty is paid back after a restart, because its end is in the database."""
    stage = market.stage
    await market.place()
    await market.wait_for_notices(1)
    await stage.bot.kill()
    past = SystemClock().now() - timedelta(minutes=2)
    with stage.open_database() as database:
        database["bounties"].update_one({}, {"$set": {"expires_at": past}})
    await stage.bot.start()
    notices = await market.wait_for_notices(2)
    assert "Paid back in full" in notices[1]["description"]
    assert market.get_balance(market.placer) == 5000
    market.kill("Hunter_1", "Wolf")
    await stage.wait_for_posts(1)
    assert market.get_balance(market.hunter) == 20


async def test_house_puts_a_price_on_a_streak(market: Market) -> None:
    """The bot places a bounty on a player with five victims in a row, and pays for the end of the streak."""
    for victim in ("Fox", "Owl", "Placer_1", "Placer_2", "Hunter_1"):
        market.kill("Wolf", victim)
    notices = await market.wait_for_notices(1)
    assert "5 kills without dying" in notices[0]["description"]
    market.kill("Hunter_1", "Wolf", distance=0)
    await market.wait_for_notices(2)
    assert market.get_balance(market.hunter) == 1010


async def test_refusals_tell_the_reason_in_private(market: Market) -> None:
    """Each refusal has its reason: own player, too poor, unknown, several servers, not linked, and others."""
    stage = market.stage
    stranger, pending = (
        stage.world.add_member(stage.guild, "stranger"),
        stage.world.add_member(stage.guild, "pending"),
    )
    market.link(pending, "Owl", state="pending")
    south = stage.open_files(8)
    south.append(build_row("Fox", "Raven", second=1))
    await stage.add_server("South", number=8)
    replies = {
        "own": await market.place("Placer_2"),
        "poor": await market.place("Wolf", 5001),
        "unknown": await market.place("Woolf"),
        "elsewhere": await market.place("Wolf", server="South"),
        "stranger": await stage.ask("/bounty place", by=stranger, player="Wolf", amount=100),
        "pending": await stage.ask("/bounty place", by=pending, player="Wolf", amount=100),
    }
    await stage.ask("/admin bounty", max_amount=700)
    replies["range"] = await market.place("Wolf", 701)
    await stage.ask("/admin bounty", enabled=False)
    replies["off"] = await market.place()
    for reply in replies.values():
        assert (reply.is_ephemeral, reply.original_was_deleted) == (True, True)
    link_first = "Link your player first (/link, about 20 minutes), then you can place bounties."
    assert {name: read_text(reply) for name, reply in replies.items()} == {
        "own": "Placer_2 is your own player. Choose someone else.",
        "poor": ("You need 5,001 💎 and have 5,000 💎. Kills earn you 10 to 50 each."),
        "unknown": "No player called “Woolf” yet. Did you mean **Wolf**?",
        "elsewhere": "Wolf hasn't played on South yet.",
        "stranger": link_first,
        "pending": link_first,
        "range": "A bounty can be 100 to 700 💎.",
        "off": "Bounties are off. Admins: switch them on with /admin bounty.",
    }
    assert market.get_balance(market.placer) == 5000
    market.kill("Hunter_1", "Wolf")
    await stage.wait_for_posts(1)
    assert stage.read("ledger", member_id=market.hunter.id) == []


async def test_server_is_chosen_by_a_button_when_the_target_plays_on_several(market: Market) -> None:
    """The question belongs to the placer; the answer takes its place, and the money is held once."""
    stage = market.stage
    south = stage.open_files(8)
    south.append(build_row("Fox", "Raven", second=1))
    await stage.add_server("South", number=8)
    asked = await market.place("Fox", 300)
    assert read_text(asked) == "Fox plays on 2 servers. On which one?"
    assert market.get_balance(market.placer) == 5000
    await asked.click("South")
    await asked.wait_until(lambda one: "Bounty placed" in one.embed["title"])
    assert "**300 💎 on Fox's head** (South)" in read_text(asked)
    assert market.get_balance(market.placer) == 4700


async def test_admin_sees_and_changes_settings_and_wallets(market: Market) -> None:
    """An admin sees and changes the settings and wallets privately. A wallet never becomes negative."""
    stage = market.stage
    shown = await stage.ask("/admin bounty")
    assert (shown.is_ephemeral, get_fields(shown.embed)["A bounty lasts"]) == (True, "24 h")
    changed = await stage.ask("/admin bounty", auto=False, expiry_hours=48)
    assert get_fields(changed.embed) == {
        "Bounties and paid kills": "on",
        "Bounties by the house": "off",
        "A bounty lasts": "48 h",
        "Largest bounty": "50,000 💎",
    }
    taken = await market.give(market.placer, -1200, "a_fine")
    assert (taken.is_ephemeral, "**3,800 💎**" in read_text(taken)) == (True, True)
    assert "`-1,200` by an admin: a_fine" in read_text(taken)
    refused = await market.give(market.placer, -3801)
    assert read_text(refused) == "They have 3,800 💎, so you can take that much at most."
    assert stage.bot.output.count("changed by hand") >= 3
    own = await stage.ask("/wallet", by=market.hunter)
    assert f"{market.hunter.mention} has **0 💎**" in read_text(own)


async def test_commands_are_closed_under_their_tier(open_stage: StageFactory) -> None:
    """Below their tier the commands are closed and kills pay nothing; the refusal names the tier."""
    stage = await open_stage()
    stage.bot.configure(premium={"default_tier": 1})
    await stage.bot.start()
    files = stage.open_files()
    files.append(*HISTORY)
    await stage.set_channel()
    await stage.add_server("North")
    for command, options in (
        ("/bounty list", {}),
        ("/bounty mine", {}),
        ("/leaderboard", {"board": "bounties"}),
        ("/wallet", {}),
        ("/admin bounty", {}),
        ("/bounty place", {"player": "Wolf", "amount": 100}),
    ):
        reply = await stage.ask(command, **options)
        assert "needs tier 2 (Mercenary)" in reply.embed["description"]
    with stage.open_database() as database:
        link = {"guild_id": stage.guild.id, "member_id": 1, "state": "proven"}
        database["links"].insert_one({**link, "player_id": build_player_id("Fox"), "player_name": "Fox"})
    files.append(build_row("Fox", "Wolf", second=500))
    await stage.wait_for_posts(1)
    assert stage.read("ledger") == []


async def test_lost_bounties_channel_holds_up_no_kill(market: Market) -> None:
    """Without the bounties channel the killfeed goes on and the admins are alerted.

    A new channel gets the waiting posts.
    """
    stage = market.stage
    stage.world.delete_channel(market.board)
    await market.place()
    alerts = await stage.wait_for_alerts(1)
    assert "I can't post in the bounties channel" in alerts[0]  # its board may be the first to find out
    market.kill("Fox", "Owl")
    await stage.wait_for_posts(1)
    market.board = stage.world.create_channel(stage.guild, "wanted")
    await stage.set_channel("bounties", market.board)
    [notice] = await market.wait_for_notices(1)
    assert "1,000 💎" in notice["description"]


async def test_removed_server_gives_held_money_back(market: Market) -> None:
    """A removed server's bounties are deleted and their money is paid back; wallets and ledger stay."""
    stage = market.stage
    await market.place()
    removed = await stage.ask("/admin server remove", server="North")
    await removed.click("Remove")
    await removed.wait_until(lambda one: one.embed["title"] == "✅ North removed")
    assert market.get_balance(market.placer) == 5000
    assert stage.read("bounties") == []


@pytest.mark.fault
async def test_money_is_right_when_the_bot_is_killed_again_and_again(market: Market) -> None:
    """Claims, pay and notices happen once each, even if the bot is killed at any moment."""
    stage = market.stage
    for name in ("Wolf", "Fox", "Owl"):
        await market.place(name, 500)
    await market.wait_for_notices(3)
    for round_number, name in enumerate(("Wolf", "Fox", "Owl")):
        market.kill("Hunter_1", name, distance=0)
        await asyncio.sleep(0.05 * round_number)  # the exact moment of its death does not matter
        await stage.bot.kill()
        await stage.bot.start(is_awaited=False)
    notices = await market.wait_for_notices(6)
    posts = await stage.wait_for_posts(3)
    assert (len(notices), len(posts)) == (6, 3)
    assert market.get_balance(market.hunter) == 3 * (500 + 10)
    assert market.get_balance(market.placer) == 3500
