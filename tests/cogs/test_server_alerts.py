"""The buttons below alerts about game servers."""

from pathlib import Path

import pytest

from simulation.discord import Channel, Interaction, Member, Message, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.embeds.buttons import build_lasting_view
from utils.localization.localizer import ENGLISH_LOCALIZER
from utils.models.audit import AuditAction
from utils.models.lasting_buttons import LastingButton
from utils.models.scope import ServerId
from utils.models.server_buttons import build_accept_button, build_edit_button, build_test_button
from utils.models.servers import CheckStep, HostKey, HostKeys, WayStep
from utils.models.texts import text

MIRNY = ServerId("aaaaaaaa")
OLD, NEW = HostKey("ssh-ed25519 A", "SHA256:old"), HostKey("ssh-ed25519 B", "SHA256:new")


async def post(bot: OwnBot, channel: Channel, *buttons: LastingButton) -> Message:
    """Post a message with buttons, as an alert has them."""
    view = build_lasting_view(buttons, ENGLISH_LOCALIZER)
    await bot.get_partial_messageable(channel.id).send("An alert", view=view)
    return channel.messages[-1]


async def press(member: Member, message: Message, button: str) -> Interaction:
    """Press a button and wait for the private answer."""
    answer = await (await member.press(message, button)).wait()
    assert answer.is_ephemeral
    return answer


@pytest.mark.parametrize("is_well", [True, False])
async def test_server_is_tested_again(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel, *, is_well: bool
) -> None:
    """The answer shows the steps; if all is well again, it says so."""
    shelf.secrets.steps = (CheckStep(WayStep.LOGIN, ok=is_well, detail=text("It said something.")),)
    message = await post(bot, channel, build_test_button(MIRNY))
    answer = await press(manager, message, "Test again")
    title = "✅ Everything works: Mirny" if is_well else "❌ Couldn't log in to Mirny"
    assert answer.embed["title"] == title
    assert bot.unexpected.reported == []


async def test_changed_key_is_accepted_for_every_server_at_the_host(
    world: SimulatedDiscord, shelf: Shelf, manager: Member, channel: Channel, tmp_path: Path
) -> None:
    """The button works after a restart, asks first, and pins the key for both servers at that address."""
    shelf.secrets.keys = HostKeys(OLD, NEW)
    async with running_bot(OwnBot(shelf, tmp_path), world) as first:
        assert isinstance(first, OwnBot)
        await first.wait_until_registered()
        message = await post(first, channel, build_accept_button(MIRNY))
    async with running_bot(OwnBot(shelf, tmp_path), world):
        answer = await press(manager, message, "Accept key")
        assert answer.embed["title"] == "🔑 Host key: Mirny"
        await answer.click("Accept")
        await answer.wait_until(lambda one: one.embed["title"] == "✅ New host key saved")
        assert answer.embed["description"] == "I'm reading Mirny, Kamensk\\_\\* again."
        shelf.secrets.keys = HostKeys(NEW, NEW)
        late = await press(manager, message, "Accept key")
        assert late.embed["description"] == "The host shows the key that I saved. All is well."
    assert {server.host_key for server in shelf.servers.servers.values()} == {NEW.text}
    assert [entry.action for _, entry in shelf.audit.entries] == [AuditAction.SERVER_HOSTKEY] * 2


async def test_buttons_of_alerts_are_for_admins(
    bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """Rights are checked at the press."""
    shelf.secrets.keys = HostKeys(OLD, NEW)
    message = await post(bot, channel, build_accept_button(MIRNY), build_test_button(MIRNY))
    for button in ("Accept key", "Test again"):
        answer = await press(alice, message, button)
        assert answer.embed["title"] == "🔒 Admins only"
    assert bot.unexpected.reported == []


async def test_button_about_a_removed_server_says_so(bot: OwnBot, manager: Member, channel: Channel) -> None:
    """The alert may be older than the removal."""
    message = await post(bot, channel, build_test_button(ServerId("gqne7x2k")))
    answer = await press(manager, message, "Test again")
    assert answer.embed["description"].startswith("This Discord server has no such game server.")
    assert bot.unexpected.reported == []


@pytest.mark.parametrize(
    ("failed", "buttons"),
    [
        (None, []),
        (WayStep.HOST_KEY, ["Accept key", "Test again"]),
        (WayStep.LOGIN, ["Test again", "Edit login"]),
        (WayStep.FIND_LOGS, ["Test again", "Edit login"]),
    ],
)
async def test_failed_test_leads_to_what_mends_it(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel, failed: WayStep | None, buttons: list[str]
) -> None:
    """The command and the button answer with the same buttons; a test that succeeds has none."""
    step = failed or WayStep.LOGIN
    shelf.secrets.steps = (CheckStep(step, ok=failed is None, detail=text("It said something.")),)
    asked = await manager.ask(channel, "/admin server test", server=MIRNY)
    message = await post(bot, channel, build_test_button(MIRNY))
    for answer in (asked, await press(manager, message, "Test again")):
        assert [one["label"] for one in answer.answer.interactive_components] == buttons


async def test_login_is_edited_in_a_form_that_lacks_only_the_secret(
    bot: OwnBot, shelf: Shelf, manager: Member, alice: Member, channel: Channel
) -> None:
    """The form is checked and stored like that of the command; rights are checked at the press."""
    message = await post(bot, channel, build_edit_button(MIRNY))
    refused = await press(alice, message, "Edit login")
    assert refused.embed["title"] == "🔒 Admins only"
    form = await (await manager.press(message, "Edit login")).wait()
    filled = {one["label"]: one.get("value") for one in form.require_modal().fields}
    server = next(one for scope, one in shelf.servers.servers.items() if scope.server_id == MIRNY)
    assert (filled["Host and port"], filled["User name"]) == (f"{server.host}:{server.port}", server.username)
    assert filled["Password"] is None
    answer = await (await form.submit_modal({"Password": "p4ss"})).wait()
    assert answer.embed["title"] == "✅ Mirny changed"
    assert bot.unexpected.reported == []
