"""The dialog about a login: what an admin reads and presses when something is wrong, typing nothing twice."""

import asyncio

import pytest

from simulation.discord import Channel, Fault, Guild, Interaction, Member, Permission, SimulatedDiscord
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.errors import StorageUnavailableError
from utils.models.audit import AuditAction
from utils.models.guilds import ChannelKind
from utils.models.reading import ServerPlace
from utils.models.scope import ChannelId, GuildId
from utils.models.servers import CheckStep, Credentials, WayCheck, WayStep
from utils.models.texts import text

FORM = {"name": "North", "host": "sftp://renter@192.0.2.10:8822", "username": "renter", "number": 7}
KEY = "ssh-ed25519 AAAA"
CONNECTED = CheckStep(WayStep.LOGIN, ok=True, detail=text("Connected and logged in"))
REFUSED = WayCheck((CheckStep(WayStep.LOGIN, ok=False, detail=text("The login was refused.")),))
NO_LOGS = WayCheck((CONNECTED, CheckStep(WayStep.FIND_LOGS, ok=False, detail=text("No logs."))), KEY)
SEVERAL = WayCheck(
    NO_LOGS.steps, KEY, places=(ServerPlace("7020", 7020), ServerPlace("b_7021", 7021, "games/b_7021"))
)
ENDED = "These buttons have ended. Run the command again."
PASSWORD = {"Password": "p4ss"}

pytestmark = pytest.mark.usefixtures("bot")


def list_buttons(reply: Interaction) -> list[str]:
    """Return the labels of the buttons that can be pressed, and the placeholders of selects."""
    return [
        item.get("label") or item["placeholder"]
        for row in reply.components
        for item in row["components"]
        if not item.get("disabled")
    ]


async def send(opener: Interaction, values: dict[str, str]) -> Interaction:
    """Fill in the form that a command or a press opened, and wait for the answer."""
    return await (await opener.submit_modal(values)).wait()


async def press(reply: Interaction, button: str) -> Interaction:
    """Press a button that opens a form."""
    return await (await reply.click(button)).wait()


async def add(manager: Member, channel: Channel, **options: object) -> Interaction:
    """Add a server, and fill in its password."""
    return await send(await manager.ask(channel, "/admin server add", **FORM | options), PASSWORD)


def find(shelf: Shelf, name: str = "North") -> list[tuple[str, int, str, int | None, str | None]]:
    """Return how the stored servers of a name are reached."""
    return [
        (server.host, server.port, server.username, server.number, server.base_path)
        for server in shelf.servers.servers.values()
        if server.name == name
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "192.0.2.10/logs"}, "A host is a name or an address"),
        ({"host": "192.0.2.10:99999"}, "A port is a number from 1 to 65535"),
        ({"host": "sftp://renter:secret@192.0.2.10"}, "Leave the password out of the address"),
        ({"username": "\u200b", "host": "192.0.2.10"}, "The user name is empty"),
        ({"timezone": "Berlyn"}, "Did you mean Europe/Berlin?"),
        ({"name": "\u200b"}, "invisible characters"),
        ({"name": "mirny"}, "There's already a server called “mirny”"),
    ],
)
async def test_mistake_is_named_before_a_password_is_typed(
    bot: OwnBot, manager: Member, channel: Channel, options: dict[str, str], said: str
) -> None:
    """The answer to the command names the mistake; no form opens."""
    answer = await manager.ask(channel, "/admin server add", **FORM | options)
    assert answer.modal is None
    assert said in answer.embed["description"]
    assert answer.is_ephemeral
    assert bot.unexpected.reported == []


async def test_full_tier_is_named_before_a_password_is_typed(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A community with as many servers as its tier allows gets no form."""
    bot.services = shelf.build_services(tier=0)
    for cog in bot.cogs.values():
        cog.services = bot.services  # type: ignore[attr-defined]
    answer = await manager.ask(channel, "/admin server add", **FORM)
    assert (answer.modal, answer.embed["title"]) == (None, "✋ Limit reached")


async def test_form_opens_although_the_database_is_away(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form has three seconds; the check that had no time is made when the form is sent."""

    async def fail(*_: object) -> tuple[()]:
        raise StorageUnavailableError("away")

    with monkeypatch.context() as broken:
        broken.setattr(shelf.servers, "list_servers", fail)
        opened = await manager.ask(channel, "/admin server add", **FORM | {"name": "Mirny"})
    assert opened.modal is not None
    answer = await send(opened, PASSWORD)
    assert "There's already a server called “Mirny”" in answer.embed["description"]
    assert bot.unexpected.reported == []


@pytest.mark.parametrize("secret", [{}, PASSWORD])
async def test_failed_login_is_tried_again_with_the_secret_alone(
    shelf: Shelf, manager: Member, channel: Channel, secret: dict[str, str]
) -> None:
    """A form without a secret and a refused login have **Try again**: its form holds all but the secret."""
    shelf.secrets.checks = [REFUSED] if secret else []
    failed = await send(await manager.ask(channel, "/admin server add", **FORM), secret)
    assert list_buttons(failed) == ["Try again"]
    assert find(shelf) == []
    form = await press(failed, "Try again")
    assert form.modal is not None
    assert {item["label"]: item.get("value") for item in form.modal.fields} == {
        "Host and port": "192.0.2.10:8822",
        "User name": "renter",
        "Server number or log folder": "7",
        "Password": None,
        "Private key": None,
    }
    added = await send(form, PASSWORD)
    assert added.embed["title"] == "✅ North added"
    assert find(shelf) == [("192.0.2.10", 8822, "renter", 7, None)]
    assert shelf.secrets.tried[-1][1] == Credentials("p4ss")
    await failed.wait_until(lambda reply: not list_buttons(reply))


async def test_wrong_values_are_mended_in_the_form(shelf: Shelf, manager: Member, channel: Channel) -> None:
    """Host, port, user name and folder can be changed; a mistake in the form keeps what was typed."""
    shelf.secrets.checks = [REFUSED]
    failed = await add(manager, channel)
    typed = {"Host and port": "nowhere:0", "User name": "tenant", "Server number or log folder": "games/a"}
    again = await send(await press(failed, "Try again"), PASSWORD | typed)
    assert "A port is a number" in again.embed["description"]
    form = await press(again, "Try again")
    added = await send(form, PASSWORD | {"Host and port": "[2001:db8::1]:2022"})
    assert added.embed["title"] == "✅ North added"
    assert find(shelf) == [("2001:db8::1", 2022, "tenant", None, "games/a")]


@pytest.mark.parametrize(("button", "stored"), [("7020", (7020, None)), ("b_7021", (7021, "games/b_7021"))])
async def test_one_of_several_servers_is_chosen_by_its_button(
    bot: OwnBot,
    shelf: Shelf,
    manager: Member,
    channel: Channel,
    button: str,
    stored: tuple[int, str | None],
) -> None:
    """The test goes on at once, with the stored login and for the host key that was seen; pressed once."""
    shelf.secrets.checks = [SEVERAL]
    failed = await add(manager, channel)
    assert list_buttons(failed) == ["7020", "b_7021", "Try again", "Save anyway"]
    assert "Which one is it?" in failed.embed["description"]
    await asyncio.gather(failed.click(button), failed.click(button))
    await failed.wait_until(lambda reply: reply.embed["title"] == "✅ North added")
    [(server, typed)] = shelf.secrets.tried[1:]
    assert (server.host_key, typed) == (KEY, None)
    assert find(shelf) == [("192.0.2.10", 8822, "renter", *stored)]
    assert bot.unexpected.reported == []


async def test_server_without_logs_is_saved_anyway_and_its_history_waits(
    shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A host that accepted the login may be saved; the answer promises to look for the logs."""
    shelf.secrets.checks = [NO_LOGS]
    failed = await add(manager, channel)
    assert list_buttons(failed) == ["Try again", "Save anyway"]
    await failed.click("Save anyway")
    await failed.wait_until(lambda reply: reply.embed["title"] == "✅ North saved")
    assert "look for its logs every minute" in failed.embed["description"]
    [server] = [one for one in shelf.servers.servers.values() if one.name == "North"]
    assert (server.host_key, server.log_folder) == (KEY, None)
    assert shelf.audit.entries[-1][1].action is AuditAction.SERVER_ADD


async def test_refused_login_is_not_saved(shelf: Shelf, manager: Member, channel: Channel) -> None:
    """The bot does not repeat a refused login, so saving one would help no admin."""
    shelf.secrets.checks = [REFUSED]
    assert "Save anyway" not in list_buttons(await add(manager, channel))


async def test_buttons_belong_to_the_admin_who_asked(
    world: SimulatedDiscord, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A press counts only while its member is an admin."""
    shelf.secrets.checks = [NO_LOGS]
    failed = await add(manager, channel)
    world.set_roles(manager.membership, [])
    pressed = await failed.click("Save anyway")
    await pressed.wait_until(lambda reply: bool(reply.followups))
    assert "Manage Server" in pressed.followups[-1].embed["description"]
    assert find(shelf) == []


async def test_press_that_discord_did_not_take_does_nothing(
    world: SimulatedDiscord, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """The buttons stay, and the next press counts."""
    shelf.secrets.checks = [NO_LOGS]
    failed = await add(manager, channel)
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    world.faults.add(Fault(status=500, route=callback, times=20))
    await failed.click("Save anyway")
    await world.settle()
    world.faults.clear()
    assert find(shelf) == []
    await failed.click("Save anyway")
    await failed.wait_until(lambda reply: reply.embed["title"] == "✅ North saved")


async def test_new_server_offers_the_channel_that_is_missing(
    world: SimulatedDiscord, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """Without a killfeed channel nothing is promised; the select below sets it with the usual checks."""
    silent = world.create_channel(guild, "silent")
    world.set_overwrite(silent, guild.bot, deny=int(Permission.SEND_MESSAGES))
    added = await add(manager, channel)
    assert "No killfeed channel yet" in added.embed["description"]
    assert list_buttons(added) == ["Choose the killfeed channel"]
    refused = await added.click("Choose the killfeed channel", silent)
    await refused.wait_until(lambda reply: bool(reply.followups))
    assert "Send Messages" in refused.followups[-1].embed["description"]
    chosen = await added.click("Choose the killfeed channel", channel)
    await chosen.wait_until(lambda reply: bool(reply.followups))
    settings = await shelf.guilds.get_settings(GuildId(guild.id))
    assert settings.channels == {ChannelKind.KILLFEED: ChannelId(channel.id)}
    assert shelf.audit.entries[-1][1].action is AuditAction.CHANNEL_SET
    await added.wait_until(lambda reply: not reply.components)
    shelf.secrets.tried.clear()
    second = await add(manager, channel, name="South")
    assert f"New kills appear in <#{channel.id}>." in second.embed["description"]
    assert second.components == []


async def test_edit_is_checked_before_its_form_and_tried_again(
    shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A name in use is refused before the form; a failed login has the wanted values in its next form."""
    taken = await manager.ask(channel, "/admin server edit", server="Mirny", name="kamensk_*", port=2022)
    assert (taken.modal, "already a server called" in taken.embed["description"]) == (None, True)
    shelf.secrets.checks = [REFUSED, SEVERAL]
    opened = await manager.ask(channel, "/admin server edit", server="Mirny", port=2022)
    failed = await send(opened, PASSWORD)
    assert (failed.embed["title"], list_buttons(failed)) == ("❌ Couldn't log in to Mirny", ["Try again"])
    assert failed.embed["footer"]["text"] == "Nothing changed; Mirny stays as it is."
    form = await press(failed, "Try again")
    assert form.modal is not None
    assert str(form.modal.fields[0]["value"]).endswith(":2022")
    several = await send(form, PASSWORD | {"User name": "tenant"})
    assert "7020" in list_buttons(several)
    await several.click("7020")
    await several.wait_until(lambda reply: reply.embed["title"] == "✅ Mirny changed")
    [(_, port, username, number, _)] = find(shelf, "Mirny")
    assert (port, username, number) == (2022, "tenant", 7020)


async def test_edit_that_another_admin_overtook_is_refused(
    shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A button of an edit acts on the server as it was tested."""
    shelf.secrets.checks = [NO_LOGS]
    opened = await manager.ask(channel, "/admin server edit", server="Mirny", port=2022)
    failed = await send(opened, PASSWORD)
    await manager.ask(channel, "/admin server edit", server="Mirny", name="Mirny 2")
    await failed.click("Save anyway")
    await failed.wait_until(lambda reply: "in the meantime" in reply.embed["description"])
    [(_, port, *_)] = find(shelf, "Mirny 2")
    assert port != 2022


async def test_edit_is_saved_anyway_and_says_what_follows(
    shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """An edit without a form has the buttons as well, but no **Try again**: no secret was asked for."""
    shelf.secrets.checks = [NO_LOGS]
    failed = await manager.ask(channel, "/admin server edit", server="Mirny", number=9)
    assert list_buttons(failed) == ["Save anyway"]
    await failed.click("Save anyway")
    await failed.wait_until(lambda reply: reply.embed["title"] == "✅ Mirny changed")
    assert "I'll look for its logs every minute" in failed.embed["description"]
    [(*_, number, _)] = find(shelf, "Mirny")
    assert number == 9
