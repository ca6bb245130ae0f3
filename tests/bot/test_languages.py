"""Languages, with the whole bot: a community's, its members', and that of a message on its way."""

import asyncio
from copy import deepcopy
from typing import Any, Literal

import pytest

from simulation.discord import Channel, Fault
from simulation.game_host.host import HostUser
from simulation.town import USERNAME, list_embeds
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage
from tests.bot.test_premium import open_hosted
from tests.fakes.deaths import build_row
from utils.localization.catalogue import FOLDER, read_catalogue
from utils.localization.localizer import ENGLISH_LOCALIZER, Localizer, build_localizer
from utils.models.deaths import DeathKind
from utils.models.texts import text

MESSAGES = "/channels/{channel_id}/messages"
HISTORY = (build_row("Raven", "Lynx"), build_row("Raven", "Otter", second=1))
FALLEN = text("**{victim}** fell to their death", victim="Otter")
ALERT = text("⚠️ The killfeed needs an admin")
BOARD = text("🏆 Most kills")
WALLET = text("Wallet")
SAVED = text("Language and time zone saved")
INVITED = text(
    "The faction **{faction}** invites you. Join it with {join}. The invitation ends {ends}.",
    faction="Ravens",
    join="",
    ends="",
)
PASSWORD_OF_TOMORROW = "pw-of-tomorrow-7f"


def open_language(language: str) -> Localizer:
    """Return a language by its catalogue."""
    return build_localizer(language, read_catalogue(language, FOLDER / f"{language}.po"))


ENGLISH = ENGLISH_LOCALIZER
GERMAN, FRENCH, RUSSIAN = map(open_language, ("de", "fr", "ru"))


async def open_community(open_stage: StageFactory) -> Stage:
    """Open a stage with a game server, whose deaths are posted, and a channel for boards."""
    stage = await open_hosted(open_stage, tier=4)
    stage.open_files().append(*HISTORY)
    await stage.set_channel()
    await stage.set_channel("leaderboard", stage.world.create_channel(stage.guild, "boards"))
    await stage.add_server("North")
    return stage


async def fall(stage: Stage, number: int) -> None:
    """Let the game write a fall, and wait until the bot has stored it."""
    stage.open_files().append(build_row("Otter", "Otter", kind=DeathKind.FALL, second=60 + number))
    await stage.wait_for_deaths(len(HISTORY) + number)


async def check_falls(stage: Stage, *languages: Localizer) -> None:
    """Wait for as many falls in the killfeed, each once and in its language."""
    posts = await stage.wait_for_posts(len(languages))
    assert [post["description"] for post in posts] == [f"🪨 {one.write(FALLEN)}" for one in languages]


def copy_messages(channel: Channel) -> list[tuple[Any, ...]]:
    """Return the messages of a channel as they are now."""
    return [(one.id, one.edited_at, deepcopy(one.embeds)) for one in channel.messages]


async def test_language_holds_for_the_next_messages_and_changes_none_that_was_posted(
    open_stage: StageFactory,
) -> None:
    """The killfeed and alerts follow at once, and a posted board follows when it is refreshed."""
    stage = await open_community(open_stage)
    boards = stage.guild.channel_named("boards")
    await stage.ask("/admin board post", board="kills")
    await fall(stage, 1)
    await check_falls(stage, ENGLISH)
    posted, [board] = copy_messages(stage.feed), boards.messages
    assert board.embed["title"] == f"{ENGLISH.write(BOARD)} · North"

    saved = await stage.ask("/admin language", language="de")
    assert (
        saved.embed["title"] == "✅ Language and time zone saved"
    )  # in the language of the admin's own Discord
    await fall(stage, 2)
    await check_falls(stage, ENGLISH, GERMAN)
    assert copy_messages(stage.feed)[:1] == posted
    assert board.embed["title"] == f"{ENGLISH.write(BOARD)} · North"
    await (await stage.player.press(board, "Refresh")).wait()
    [board] = boards.messages
    assert board.embed["title"] == f"{GERMAN.write(BOARD)} · North"
    labels = [one["label"] for one in board.interactive_components]
    assert labels == [GERMAN.write_plain(text(label)) for label in ("My place", "Refresh")]

    stage.secrets.append(PASSWORD_OF_TOMORROW)
    stage.host.users[USERNAME] = HostUser(password=PASSWORD_OF_TOMORROW)
    stage.host.cut_connections()
    await stage.wait_for_alerts(1)
    [alert] = list_embeds(stage.world.direct_messages(stage.admin.user))
    assert alert["title"] == GERMAN.write(ALERT)
    assert await stage.bot.stop() == 0


async def test_private_answers_are_in_the_members_language_and_public_ones_in_the_communitys(
    open_stage: StageFactory,
) -> None:
    """They are asked for at the same moment; direct messages keep the language in which they were chosen."""
    stage = await open_community(open_stage)
    await stage.ask("/admin language", language="de")
    stage.player.user.locale = "ru"
    answers = await asyncio.gather(
        stage.ask("/wallet", by=stage.player),
        stage.ask("/leaderboard", by=stage.player),
        stage.ask("/wallet"),
    )
    assert [(one.is_ephemeral, one.embed["title"]) for one in answers] == [
        (True, f"💎 {RUSSIAN.write(WALLET)}"),
        (False, GERMAN.write(BOARD)),
        (True, f"💎 {ENGLISH.write(WALLET)}"),
    ]

    for member, player in ((stage.admin, "Raven"), (stage.player, "Lynx")):
        await stage.ask("/admin link confirm", member=member, player=player)
    await stage.ask("/notify", by=stage.player, event="faction", on=True)
    stage.player.user.locale = "fr"
    await stage.ask("/wallet", by=stage.player)
    await stage.ask("/faction create", name="Ravens", tag="RVN")
    await stage.ask("/faction invite", member=stage.player)
    [told] = await stage.world.wait_for_messages(stage.world.direct_messages(stage.player.user), 1)
    asked_for = RUSSIAN.find_form(INVITED).partition("{join}")[0].format(faction="Ravens")
    assert told.embed["description"].startswith(asked_for)
    assert await stage.bot.stop() == 0


@pytest.mark.fault
@pytest.mark.parametrize("cut", ["before", "after"])
async def test_prepared_message_keeps_its_language_when_the_bot_is_killed(
    open_stage: StageFactory, cut: Literal["before", "after"]
) -> None:
    """Discord had the first try, or had none; an admin changes the language before the bot dies."""
    stage = await open_community(open_stage)
    await stage.ask("/admin language", language="de")
    fault = stage.world.faults.add(Fault(method="POST", route=MESSAGES, cut=cut, times=None))
    await fall(stage, 1)
    await until(lambda: fault.struck > 0, what=lambda: stage.bot.output)
    await stage.ask("/admin language", language="fr")
    await stage.bot.kill()
    assert len(stage.posts) == (cut == "after")
    assert len(stage.read("outbox")) == 1
    stage.world.faults.clear()
    await stage.bot.start()
    await fall(stage, 2)
    await check_falls(stage, GERMAN, FRENCH)
    await until(lambda: stage.read("outbox") == [], what=lambda: stage.bot.output)
    assert len(stage.posts) == 2
    assert await stage.bot.stop() == 0
