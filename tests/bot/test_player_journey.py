"""From reading the killfeed to a paid bounty: what a player meets, by presses where the bot offers them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulation.discord import Channel, Interaction, Member, Message
from simulation.game_host.log_files import GameServerFiles
from simulation.town import list_embeds
from tests.bot.process import until
from tests.bot.stage import Document, Stage
from tests.bot.test_links import read_windows
from tests.fakes.deaths import build_row

HISTORY = 3 * [("Raven", "Foxglove"), ("Foxglove", "Badger"), ("Badger", "Raven"), ("Raven", "Badger")]
KILL_PAY = 11
"""The pay of a kill over ten metres."""


@dataclass(eq=False)
class Evening:
    """A community that plays, one of its players, and another one who hunts.

    Attributes:
        time: when the game writes the next death; each is a second later than the one before.
    """

    stage: Stage
    files: GameServerFiles
    wanted: Channel
    ranks: Channel
    hunter: Member
    time: datetime

    @classmethod
    async def begin(cls, stage: Stage) -> "Evening":
        """Let the admin set up all channels and the server, and confirm the hunter's link."""
        world, guild = stage.world, stage.guild
        begun = datetime.fromtimestamp(world.clock.now(), UTC) - timedelta(minutes=30)
        wanted, ranks = world.create_channel(guild, "bounties"), world.create_channel(guild, "boards")
        hunter = world.add_member(guild, "hunter")
        evening = cls(stage, stage.open_files(), wanted, ranks, hunter, begun)
        for killer, victim in HISTORY:
            evening.kill(killer, victim)
        for kind, channel in (("killfeed", stage.feed), ("bounties", wanted), ("leaderboard", ranks)):
            await stage.set_channel(kind, channel)
        await stage.add_server("North")
        await stage.ask("/admin board post", board="kills")
        await stage.ask("/admin link confirm", member=hunter, player="Badger")
        return evening

    def kill(self, killer: str, victim: str) -> None:
        """Let the game write a kill, or a respawn from the menu if both are one."""
        self.time += timedelta(seconds=1)
        row = build_row(killer, victim, distance=0 if killer == victim else 10)
        self.files.append(row._replace(written_at=self.time.replace(tzinfo=None)))

    def respawn(self, name: str, at: datetime) -> None:
        """Let a player respawn from the menu at a moment, and go on from there."""
        self.time = at - timedelta(seconds=1)
        self.kill(name, name)

    async def ask(self, command: str, /, **options: object) -> Interaction:
        """Use a command as the player."""
        return await self.stage.ask(command, by=self.stage.player, **options)

    async def press(self, message: Message, button: str) -> Interaction:
        """Press a button of a message as the player, and wait for its answer."""
        return await (await self.stage.player.press(message, button)).wait()

    async def wait_for_board(self, channel: Channel, text: str) -> Message:
        """Wait until the board of a channel shows a text, and return its message."""

        def find() -> list[Message]:
            return [one for one in channel.messages if one.interactive_components and text in str(one.embeds)]

        await until(lambda: bool(find()), what=lambda: f"{list_embeds(channel)}\n{self.stage.bot.output}")
        return find()[0]

    async def wait_for_post(self, number: int) -> Document:
        """Wait for a death in the killfeed, counted from 1, and return its post."""
        return (await self.stage.wait_for_posts(number))[number - 1]


async def test_player_goes_from_the_killfeed_to_a_paid_bounty(stage: Stage) -> None:
    """Every answer leads to the next one, and each tells what the game did."""
    evening = await Evening.begin(stage)
    evening.kill("Badger", "Raven")
    post = await evening.wait_for_post(1)
    assert all(name in post["description"] for name in ("Badger", "Raven"))

    await _look_around(evening)
    await _prove(evening)
    await _look_at_own_figures(evening)
    await _put_up_a_price(evening)

    evening.kill("Raven", "Foxglove")
    await evening.wait_for_post(2)
    own = (await evening.ask("/bounty mine")).embed["description"]
    assert ("300" in own, "yourself" in own) == (True, True)

    evening.kill("Badger", "Foxglove")
    card = await evening.wait_for_post(3)
    assert "300 💎" in str(card)
    paid = evening.hunter.mention
    await until(lambda: paid in str(list_embeds(evening.wanted)), what=lambda: stage.bot.output)
    mine = (await evening.ask("/bounty mine")).embed["description"]
    assert ("Badger" in mine, "yourself" in mine) == (True, False)
    wallet = (await evening.ask("/wallet")).embed["description"]
    assert f"**{500 - 300 + KILL_PAY} 💎**" in wallet
    assert all(amount in wallet for amount in ("+500", "-300", f"+{KILL_PAY}"))


async def _look_around(evening: Evening) -> None:
    """Ask for help, and press the name that was meant."""
    shown = await evening.ask("/help")
    assert shown.is_ephemeral
    assert all(command in str(shown.embed) for command in ("/stats", "/link"))
    asked = await evening.ask("/stats", player="Ravn")
    await asked.click("Raven")
    office = evening.stage.office
    await until(lambda: any(one["title"].endswith("Raven") for one in list_embeds(office) if "title" in one))


async def _prove(evening: Evening) -> None:
    """Link the player by a respawn in each window; a reply in the channel tells the end."""
    stage = evening.stage
    asked = await evening.ask("/link", player="Raven")
    for start, _ in read_windows(asked):
        evening.respawn("Raven", start)
    told = f"{stage.player.mention} ✅"
    await until(lambda: told in stage.office.messages[-1].content, what=lambda: stage.bot.output)
    await asked.wait_until(lambda reply: "✅" in reply.embed["title"])


async def _look_at_own_figures(evening: Evening) -> None:
    """Choose a period, press on to rivals and weapons, and find the own place on the board."""
    stats = await evening.ask("/stats")
    assert stats.embed["title"].endswith("Raven")
    edits = len(stats.answer.edits)
    await stats.click("Which days", "7d")
    await stats.wait_until(lambda reply: len(reply.answer.edits) > edits)
    assert "7 days" in stats.embed["description"]
    rivals = await (await stats.click("Rivals")).wait()
    assert "Badger" in str(rivals.embed)
    weapons = await (await stats.click("Weapons")).wait()
    assert weapons.embed["title"] != rivals.embed["title"]
    board = await evening.wait_for_board(evening.ranks, "Raven")
    place = await evening.press(board, "My place")
    assert (place.is_ephemeral, "Raven" in place.embed["description"]) == (True, True)


async def _put_up_a_price(evening: Evening) -> None:
    """Press the button of the board of bounties, and find the price on the board."""
    stage = evening.stage
    await stage.ask("/admin wallet", member=stage.player, amount=500, reason="event prize")
    form = await evening.press(await evening.wait_for_board(evening.wanted, "bounties"), "Place a bounty")
    placed = await (await form.submit_modal({"Player": "Foxglove", "Amount in 💎": "300"})).wait()
    assert "300 💎" in placed.embed["description"]
    await evening.wait_for_board(evening.wanted, "Foxglove")
