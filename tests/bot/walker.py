"""Walks from what the bot says to what it promised, with the whole bot."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from simulation.discord import Channel, Interaction, Member, Message
from simulation.game_host.log_files import GameServerFiles
from simulation.town import Embed, list_posts
from tests.bot.process import LONGEST_PAUSE_SECONDS, PATIENCE_SECONDS, until
from tests.bot.stage import Stage
from tests.fakes.deaths import build_row
from utils.models.deaths import DeathRow

PLAYERS = ("Raven", "Badger", "Foxglove", "Otter", "Heron", "Lynx")
HISTORY = [(killer, victim) for killer in PLAYERS[:4] for victim in PLAYERS if killer != victim]
KILL_PAY = 11
"""The pay of a kill over ten metres."""


@dataclass(eq=False)
class Walker:
    """A community, its game server North, and everything that its people read.

    Attributes:
        files: the logs of North.
        time: when the game writes the next death; each is a second later than the one before.
        deaths: the number of deaths in the logs of North.
        posted: the number of posts that each channel must have.
        read: the texts that people have read, of answers and of messages in channels.
    """

    stage: Stage
    files: GameServerFiles
    time: datetime
    deaths: int = 0
    posted: Counter[Channel] = field(default_factory=Counter)
    read: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, stage: Stage) -> "Walker":
        """Let the game write its history, and read along in the channels."""
        begun = datetime.fromtimestamp(stage.world.clock.now(), UTC) - timedelta(minutes=30)
        walker = cls(stage, stage.open_files(), begun)
        stage.world.watch_messages(lambda _, message: walker.see(message.content, message.embeds))
        for killer, victim in HISTORY:
            walker.write_kill(killer, victim)
        return walker

    # actions of people, and what they read

    def see(self, content: str, embeds: Iterable[Embed]) -> None:
        """Note what people read."""
        self.read.append(content)
        for embed in embeds:
            self.read += [embed.get("title", ""), embed.get("description", "")]
            self.read.append(embed.get("footer", {}).get("text", ""))
            self.read += [one["value"] for one in embed.get("fields", ())]

    def read_answer(self, reply: Interaction) -> Interaction:
        """Note what an answer says now."""
        if reply.message is not None:
            self.see(reply.content, reply.embeds)
        for message in reply.followups:
            self.see(message.content, message.embeds)
        return reply

    async def ask(self, command: str, /, *, by: Member | None = None, **options: Any) -> Interaction:
        """Use a command in the office, as the admin unless ``by`` names another member."""
        return self.read_answer(await self.stage.ask(command, by=by, **options))

    async def ask_until(self, command: str, part: str) -> None:
        """Use a command as the admin until its answer shows a text: the bot may be about to get there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while part not in str((await self.ask(command)).embed):  # noqa: ASYNC110 - it announces no change
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)

    async def press(self, reply: Interaction, control: str, *values: str | Channel) -> Interaction:
        """Use a control of an answer; return the answer after it has changed, or the one that followed."""
        shown = (len(reply.answer.edits), len(reply.answer.embeds))
        pressed = await reply.click(control, *values)
        await pressed.wait()
        await reply.wait_until(
            lambda one: (len(one.answer.edits), len(one.answer.embeds)) != shown or bool(pressed.followups)
        )
        self.read_answer(pressed)
        return self.read_answer(reply)

    async def press_to(self, reply: Interaction, control: str, title: str) -> Interaction:
        """Press a button, and wait until its answer has a title."""
        await reply.click(control)
        await reply.wait_until(lambda one: one.message is not None and one.embed.get("title") == title)
        return self.read_answer(reply)

    async def press_below(self, message: Message, button: str, *, by: Member) -> Interaction:
        """Press a button of a message in a channel, and return the answer."""
        return self.read_answer(await (await by.press(message, button)).wait())

    def create_channel(self, name: str) -> Channel:
        """Create a channel."""
        return self.stage.world.create_channel(self.stage.guild, name)

    def list_missing(self, texts: Iterable[str]) -> list[str]:
        """Return the texts that no one has read."""
        return [one for one in texts if not any(map(_compile(one).search, self.read))]

    # the game, and its posts

    def write_kill(self, killer: str, victim: str) -> None:
        """Let the game write a kill over ten metres."""
        self._write(build_row(killer, victim, distance=10))

    def write_respawn(self, name: str) -> None:
        """Let the game write that a player respawned from its menu."""
        self._write(build_row(name, name, distance=0))

    def _write(self, row: DeathRow) -> None:
        self.time += timedelta(seconds=1)
        self.files.append(row._replace(written_at=self.time.replace(tzinfo=None)))
        self.deaths += 1

    async def count_kill(self, killer: str = "Raven", victim: str = "Badger") -> None:
        """Let the game write a kill, and wait until the bot counts it."""
        self.write_kill(killer, victim)
        await self.stage.wait_for_deaths(self.deaths)

    async def post_kill(self, channel: Channel, killer: str = "Raven", victim: str = "Badger") -> Embed:
        """Let the game write a kill; return its post in a channel, which has no other new one."""
        await self.count_kill(killer, victim)
        post = await self.wait_for_post(channel)
        assert all(name in str(post) for name in (killer, victim)), post
        return post

    async def wait_for_post(self, channel: Channel) -> Embed:
        """Wait for one more post in a channel, and return it."""
        self.posted[channel] += 1
        enough = partial(self._has_posts, channel)
        await until(enough, what=lambda: f"{list_posts(channel)}\n{self.stage.bot.output}")
        posts = list_posts(channel)
        assert len(posts) == self.posted[channel], posts
        return posts[-1]

    def _has_posts(self, channel: Channel) -> bool:
        return len(list_posts(channel)) >= self.posted[channel]

    async def until_shown(self, channel: Channel, text: str) -> Message:
        """Wait until a message in a channel shows a text, and return it."""

        def find() -> list[Message]:
            return [one for one in channel.messages if text in str(one.embeds)]

        await until(lambda: bool(find()), what=lambda: f"{text!r} in {channel.messages}")
        return find()[-1]

    async def read_balance(self, member: Member) -> int:
        """Return what a member has in their wallet."""
        wallet = await self.ask("/wallet", by=member)
        found = re.search(r"has \*\*([\d,]+) 💎", wallet.embed["description"])
        return int(found[1].replace(",", "")) if found else 0


def _compile(text: str) -> re.Pattern[str]:
    """Return a pattern of a text with any values."""
    parts = re.split(r"(\{\w+\})", text)
    return re.compile("".join(".+?" if one.startswith("{") else re.escape(one) for one in parts), re.DOTALL)
