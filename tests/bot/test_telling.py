"""News is posted once, even if the bot is killed between storing and telling it."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from simulation.discord import Fault, Permission, Role
from simulation.town import list_embeds
from tests.bot.conftest import StageFactory
from tests.bot.process import run_command, until
from tests.bot.stage import Stage
from tests.bot.test_backups import PATIENT_SECONDS
from tests.bot.test_premium import open_hosted
from tests.fakes.deaths import build_row

MESSAGES = "/channels/{channel_id}/messages"
MEMBER_ROLE = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"
LAST_WEEK_KILLS = 12
OLD_KILLS, OLD_LEVEL = 20, 6  # 50 XP each
TOLD = ("**Winter**", f"**{LAST_WEEK_KILLS} kills** by 1 player", "**Lynx** has reached level **1**")
"""Facts of the posts in the news channel, each in a post of its own."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Village:
    """A community with a member who is about to reach a level and a role, a season, and a recap."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.now = datetime.fromtimestamp(stage.world.clock.now(), UTC)
        self.files = stage.open_files()
        self.news = stage.world.create_channel(stage.guild, "news")
        self.role = self.create_role("hunters")
        self.direct = stage.world.direct_messages(stage.player.user)

    async def settle(self) -> None:
        """Set everything up, until the bot knows the member's level."""
        stage, wednesday = self.stage, self.now - timedelta(days=self.now.weekday() + 5)
        for number in range(LAST_WEEK_KILLS):
            self.kill("Raven", "Lynx", wednesday + timedelta(minutes=number))
        await stage.set_channel()
        await stage.set_channel("news", self.news)
        await stage.add_server("North")
        await stage.ask("/admin link confirm", member=stage.player, player="Lynx")
        await stage.ask("/notify", by=stage.player, event="level", on=True)
        await stage.ask("/season start", name="Winter")
        await self.add_rule(self.role, kills=1)
        await until(lambda: bool(stage.read("levels", member_id=stage.player.id)), what=self.describe)

    def let_all_be_due(self) -> None:
        """Let the season be over, and the recap due, while no bot is there."""
        yesterday = self.now - DAY
        over = {
            "first_day": (self.now - 14 * DAY).date().isoformat(),
            "last_day": yesterday.date().isoformat(),
            "state": "closing",
            "closing_at": self.now - 2 * HOUR,
        }
        due_at, week = self.now - HOUR, self.now - timedelta(days=self.now.weekday() + 7)
        due = {
            "recap.next_at": {"weekly": due_at},
            "recap.days": {"weekly": week.date().isoformat()},
            "recap.due_at": due_at,
        }
        with self.stage.open_database() as database:
            database["seasons"].update_one({"name": "Winter"}, {"$set": over})
            database["guilds"].update_one({"guild_id": self.stage.guild.id}, {"$set": due})

    async def add_rule(self, role: Role, **conditions: int) -> None:
        """Let a rule give a role."""
        await (await (await self.stage.ask("/roles add", role=role, **conditions)).click("Save")).wait()

    async def import_old_weeks(self) -> None:
        """Add a game server with a history that gives the member some levels, until the bot knows them."""
        files = self.stage.open_files(8)
        for number in reversed(range(1, OLD_KILLS + 1)):
            at = self.now - number * DAY
            row = build_row("Lynx", f"Old {number}", distance=500)
            files.append(row._replace(written_at=at.replace(tzinfo=None)))
        await self.stage.add_server("South", number=8)
        await until(lambda: bool(self.stage.read("levels", level=OLD_LEVEL)), what=self.describe)

    def kill(self, killer: str, victim: str, at: datetime) -> None:
        """Let the game write a kill from far away."""
        row = build_row(killer, victim, distance=500)
        self.files.append(row._replace(written_at=at.replace(tzinfo=None)))

    def is_stored(self) -> bool:
        """Tell whether everything has happened that is to be told."""
        stage = self.stage
        return (
            len(stage.read("recaps", state="posted")) == 1
            and len(stage.read("seasons", state="closed")) == 1
            and len(stage.read("levels", level=1)) == 1
            and len(stage.read("role_grants")) == 1
            and bool(stage.read("direct_messages", prepared_at={"$ne": None}))
            and bool(stage.read("messages", channel_id=self.news.id))
        )

    def is_begun(self) -> bool:
        """Tell whether Discord has the role and the first of the messages, and the bot does not know it."""
        return bool(self.stage.player.membership.roles and self.direct.messages and self.news.messages)

    def is_told(self) -> bool:
        """Tell whether nothing is left to be told."""
        stage = self.stage
        waiting = [*stage.read("outbox"), *stage.read("direct_messages")]
        return not waiting and len(stage.read("role_grants", state="given")) == 1

    def is_restored(self) -> bool:
        """Tell whether the bot has decided about everything that the backup has as due."""
        stage, recap = self.stage, self.stage.read("guilds")[0]["recap"]
        states = {one["role_id"]: (one["state"], one["is_silent"]) for one in stage.read("role_grants")}
        return (
            bool(recap.get("due_at"))
            and len(stage.read("seasons", state="closed")) == 1
            and len(stage.read("levels", level=1)) == 1
            and sorted(states.values()) == [("by_hand", False), ("given", True)]
        )

    async def check(self, *others: Role) -> None:
        """Find everything told once; the member has exactly the roles that the rules give them."""
        assert self.stage.player.membership.roles == [*others, self.role]
        said = [embed["description"] for embed in list_embeds(self.news)]
        assert [sum(fact in one for one in said) for fact in TOLD] == [1] * len(TOLD), said
        assert len(said) == len(TOLD)
        [card] = [one for message in self.news.messages for one in message.attachments]
        assert card.description.startswith("Raven · Level 2 · Newcomer · 150 XP · 150 XP to level 3 · #1 of ")
        assert len(await self.stage.wait_for_posts(1)) == 1

    def describe(self) -> str:
        """Say what there is, for a test that fails."""
        names = ("recaps", "seasons", "levels", "role_grants", "direct_messages", "messages", "outbox")
        return "\n".join([*(f"{name}: {self.stage.read(name)}" for name in names), self.stage.bot.output])

    def create_role(self, name: str) -> Role:
        """Create a role that the bot may give."""
        stage, world = self.stage, self.stage.world
        [own] = stage.guild.bot.roles
        world.move_role(own, 50)
        world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
        role = world.create_role(stage.guild, name)
        world.move_role(role, 1)
        return role


@pytest.mark.fault
@pytest.mark.parametrize("cut", ["before", "after"])
async def test_everything_is_told_once_when_the_bot_is_killed_before_it_knows_the_outcome(
    open_stage: StageFactory, cut: Literal["before", "after"]
) -> None:
    """A level, a season, a recap, a role and a direct message; Discord had each request, or had none."""
    stage = await open_hosted(open_stage, tier=4)
    village = Village(stage)
    await village.settle()
    await stage.bot.kill()
    village.let_all_be_due()
    village.kill("Lynx", "Raven", village.now)
    for method, route in (("POST", MESSAGES), ("PUT", MEMBER_ROLE)):
        stage.world.faults.add(Fault(method=method, route=route, cut=cut, times=None))
    await stage.bot.start()
    await until(village.is_stored, what=village.describe)
    if cut == "after":
        await until(village.is_begun, what=village.describe)
    await stage.bot.kill()
    stage.world.faults.clear()
    await stage.bot.start()
    await until(village.is_told, what=village.describe)
    await village.check()
    assert [embed["description"] for embed in list_embeds(village.direct)] == ["You reached level 1."]
    assert await stage.bot.stop() == 0


@pytest.mark.fault
async def test_nothing_old_is_told_after_a_restore_and_an_import(open_stage: StageFactory) -> None:
    """People know it all since the backup, so it comes again in silence, like imported weeks and levels."""
    stage = await open_hosted(open_stage, tier=4)
    village = Village(stage)
    fans = village.create_role("fans")
    await village.settle()
    await village.add_rule(fans)
    await until(lambda: bool(stage.read("role_grants", state="given")), what=village.describe)
    await stage.ask("/notify", by=stage.player, on=True)
    assert await stage.bot.stop() == 0
    village.let_all_be_due()
    await call(stage, "backup")
    village.kill("Lynx", "Raven", village.now)
    await stage.bot.start()
    await until(lambda: len(list_embeds(village.news)) == len(TOLD), what=village.describe)
    await until(lambda: bool(list_embeds(village.direct)), what=village.describe)
    await until(lambda: stage.player.membership.roles == [fans, village.role], what=village.describe)
    await village.check(fans)
    assert await stage.bot.stop() == 0
    await call(stage, "restore", "latest", "--yes")
    await stage.bot.start()
    await until(village.is_restored, what=village.describe)
    await village.check(fans)
    await village.import_old_weeks()
    await village.check(fans)
    assert [stage.read(name) for name in ("recaps", "outbox", "direct_messages")] == [[], [], []]
    assert len(list_embeds(village.direct)) == 1
    assert await stage.bot.stop() == 0


async def call(stage: Stage, *arguments: str) -> None:
    """Run a call of the bot's installation, which must succeed."""
    code, out, error = await run_command(
        *arguments, "--config", str(stage.bot.config_path), within_seconds=PATIENT_SECONDS
    )
    assert (code, error) == (0, ""), out
