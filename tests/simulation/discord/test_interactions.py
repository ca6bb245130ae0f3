"""The life of an interaction, step by step over bare HTTP."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from simulation.discord import (
    CallbackKind,
    Channel,
    ChannelKind,
    ErrorCode,
    Guild,
    ImpossibleActionError,
    Interaction,
    Member,
    Permission,
    SimulatedDiscord,
    UnansweredError,
)
from simulation.discord.clients import BareClient

EPHEMERAL = 64
PING = {"name": "ping", "description": "Answers"}
BUTTON: dict[str, Any] = {
    "type": 1,
    "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}],
}
MODAL: dict[str, Any] = {
    "title": "Login",
    "custom_id": "login",
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 4, "custom_id": "secret", "style": 1, "label": "Password", "min_length": 3}
            ],
        }
    ],
}


@pytest.fixture(name="reply")
async def _reply(channel: Channel, alice: Member, client: BareClient) -> Interaction:
    """An interaction without an answer."""
    await client.register(PING)
    return await alice.invoke(channel, "/ping")


async def test_payload_is_complete_when_a_command_is_invoked(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, reply: Interaction
) -> None:
    """The interaction has Discord's fields: member with permissions, channel, owners, context."""
    [command] = world.commands.list_commands(None)
    payload = reply.payload
    assert payload["type"] == 2
    assert payload["data"] == {"id": command["id"], "name": "ping", "type": 1}
    assert payload["member"]["user"]["id"] == str(alice.id)
    assert payload["member"]["permissions"] == str(int(alice.membership.permissions_in(channel)))
    assert payload["app_permissions"] == str(int(guild.bot.permissions_in(channel)))
    assert payload["authorizing_integration_owners"] == {"0": str(guild.id)}
    assert payload["channel"]["id"] == payload["channel_id"] == str(channel.id)
    assert (payload["context"], payload["locale"], payload["guild_locale"]) == (0, "en-US", "en-US")
    assert (payload["entitlements"], payload["application_id"]) == ([], str(world.application_id))


async def test_second_answer_is_refused_when_the_first_was_taken(
    world: SimulatedDiscord, reply: Interaction, client: BareClient
) -> None:
    """An interaction is acknowledged once; a second callback gets 40060 and has no effect."""
    first, _ = await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "pong"})
    second, error = await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "again"})
    assert (first, second, error["code"]) == (200, 400, 40060)
    assert (reply.content, [refusal.code for refusal in world.refusals]) == ("pong", [40060])


async def test_answer_is_refused_when_three_seconds_have_passed(
    world: SimulatedDiscord, reply: Interaction, client: BareClient
) -> None:
    """A late answer gets "unknown interaction", and the person sees a failure."""
    world.clock.advance(3.1)
    status, error = await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "pong"})
    assert (status, error["code"], reply.has_failed) == (404, 10062, True)


async def test_wait_fails_when_the_bot_stays_silent() -> None:
    """The error names the command that got no answer."""
    async with SimulatedDiscord(acknowledge_within_seconds=0.05) as world, BareClient(world) as client:
        guild = world.create_guild("elsewhere")
        channel = world.create_channel(guild, "general")
        await client.register(PING)
        with pytest.raises(UnansweredError, match="the application did not respond"):
            await world.owner_of(guild).ask(channel, "/ping")


async def test_time_in_which_the_machine_stood_still_makes_no_answer_late() -> None:
    """A stall of the machine does not count: the person waits on, and an answer after it is in time."""
    async with SimulatedDiscord(acknowledge_within_seconds=1) as world, BareClient(world) as client:
        guild = world.create_guild("elsewhere")
        await client.register(PING)
        reply = await world.owner_of(guild).invoke(world.create_channel(guild, "general"), "/ping")
        waiting = asyncio.create_task(reply.wait())
        await asyncio.sleep(0)
        time.sleep(1.2)  # noqa: ASYNC251, TID251 - the whole process stands still
        status, _ = await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "pong"})
        assert (status, (await waiting).content, reply.has_failed) == (200, "pong", False)
        assert reply.acknowledged_after_seconds is not None
        assert reply.acknowledged_after_seconds < 1


async def test_follow_up_is_refused_when_nothing_was_acknowledged(
    reply: Interaction, client: BareClient
) -> None:
    """Before the first answer, a token is not a webhook."""
    status, error = await client.call("POST", client.webhook(reply), json={"content": "early"})
    assert (status, error["code"]) == (404, 10015)


async def test_token_expires_when_fifteen_minutes_have_passed(
    world: SimulatedDiscord, reply: Interaction, client: BareClient
) -> None:
    """Edits work for fifteen minutes, then the token is invalid."""
    await client.acknowledge(reply, CallbackKind.DEFERRED_MESSAGE)
    world.clock.advance(14 * 60)
    in_time, _ = await client.call("PATCH", client.webhook(reply, "@original"), json={"content": "a"})
    world.clock.advance(61)
    too_late, error = await client.call("PATCH", client.webhook(reply, "@original"), json={"content": "b"})
    assert (in_time, too_late, error["code"], reply.content) == (200, 401, 50027, "a")


async def test_original_is_filled_when_a_deferred_reply_is_edited(
    reply: Interaction, client: BareClient
) -> None:
    """A deferral shows a thinking message, the edit finishes it, a later follow-up stands alone."""
    status, answer = await client.acknowledge(reply, CallbackKind.DEFERRED_MESSAGE, {"flags": EPHEMERAL})
    assert (status, reply.is_answered) == (200, False)
    assert answer["interaction"] == {
        "id": str(reply.id),
        "type": 2,
        "response_message_id": answer["resource"]["message"]["id"],
        "response_message_loading": True,
        "response_message_ephemeral": True,
    }
    await client.call("PATCH", client.webhook(reply, "@original"), json={"content": "done"})
    _, follow_up = await client.call("POST", client.webhook(reply), json={"content": "and more"})
    _, original = await client.call("GET", client.webhook(reply, "@original"))
    assert (original["content"], original["flags"]) == ("done", EPHEMERAL)
    assert [(message.content, message.is_ephemeral) for message in reply.followups] == [("and more", False)]
    status, _ = await client.call("DELETE", client.webhook(reply, follow_up["id"]))
    assert (status, reply.followups[0].is_deleted) == (204, True)


async def test_waiting_ends_when_enough_edits_came(reply: Interaction, client: BareClient) -> None:
    """A test can wait for any state of an interaction, such as its second edit."""
    await client.acknowledge(reply, CallbackKind.DEFERRED_MESSAGE)
    waiting = asyncio.create_task(reply.wait_until(lambda seen: len(seen.edits) == 2))
    for text in ("10 %", "20 %"):
        assert not waiting.done()
        await client.call("PATCH", client.webhook(reply, "@original"), json={"content": text})
    assert (await waiting).content == "20 %"


async def test_original_is_unknown_when_it_was_deleted(reply: Interaction, client: BareClient) -> None:
    """A deleted original cannot be read, edited or deleted again."""
    await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "pong"})
    await client.call("DELETE", client.webhook(reply, "@original"))
    for method in ("GET", "DELETE"):
        status, error = await client.call(method, client.webhook(reply, "@original"))
        assert (status, error["code"]) == (404, 10008)


async def test_private_reply_is_hidden_when_others_look(
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    alice: Member,
    reply: Interaction,
    client: BareClient,
) -> None:
    """Only the asker sees a private reply, and the channel's own routes do not return it."""
    bob = world.add_member(guild, "bob")
    await client.acknowledge(
        reply, CallbackKind.MESSAGE, {"content": "psst", "flags": EPHEMERAL, "components": [BUTTON]}
    )
    assert reply.message is not None
    status, error = await client.call("GET", f"/channels/{channel.id}/messages/{reply.message.id}")
    assert (status, error["code"]) == (404, 10008)
    assert (alice.visible_messages(channel), bob.visible_messages(channel)) == ([reply.message], [])
    with pytest.raises(ImpossibleActionError, match="does not see"):
        await bob.press(reply.message, "Go")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (CallbackKind.DEFERRED_UPDATE, {}),
        (CallbackKind.UPDATE, {"content": "x"}),
        (CallbackKind.CHOICES, {"choices": []}),
        (3, {}),
        (1, {}),
    ],
)
async def test_answer_is_refused_when_its_type_does_not_fit(
    reply: Interaction, client: BareClient, kind: int, data: dict[str, Any]
) -> None:
    """A command cannot be answered with an update, with choices, or with obsolete types."""
    status, error = await client.acknowledge(reply, kind, data)
    assert (status, error["code"], "type" in error["errors"]) == (
        400,
        ErrorCode.INVALID_FORM_BODY.number,
        True,
    )
    assert not reply.is_acknowledged


async def test_refused_answer_can_be_repeated_when_its_body_was_wrong(
    reply: Interaction, client: BareClient
) -> None:
    """A callback with an invalid message does not use up the interaction."""
    status, error = await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "x" * 2001})
    assert (status, error["errors"]["content"]["_errors"][0]["code"]) == (400, "BASE_TYPE_MAX_LENGTH")
    status, _ = await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "x" * 2000})
    assert (status, len(reply.content), len(reply.refusals)) == (200, 2000, 1)


async def test_callback_is_taken_when_it_comes_as_form_data_with_files(
    reply: Interaction, client: BareClient
) -> None:
    """Multipart callbacks have `payload_json` and files, and the body names the files."""
    form = aiohttp.FormData(quote_fields=False)
    body = {"type": 4, "data": {"attachments": [{"id": "0", "filename": "a.txt", "description": "notes"}]}}
    form.add_field("payload_json", json.dumps(body))
    form.add_field("files[0]", b"text", filename="ignored.bin", content_type="application/octet-stream")
    status, _ = await client.call("POST", f"/interactions/{reply.id}/{reply.token}/callback", data=form)
    assert status == 204
    assert reply.message is not None
    [file] = reply.message.attachments
    assert (file.filename, file.data, file.content_type, file.description) == (
        "a.txt",
        b"text",
        "text/plain",
        "notes",
    )


async def test_message_is_updated_when_a_press_is_deferred(
    world: SimulatedDiscord, reply: Interaction, client: BareClient
) -> None:
    """A press deferred invisibly is answered by an edit of the message that carries the button."""
    await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "one", "components": [BUTTON]})
    press = await reply.click("go")
    assert press.payload["data"] == {"custom_id": "go", "component_type": 2, "id": 1}
    assert press.payload["message"]["content"] == "one"
    await client.acknowledge(press, CallbackKind.DEFERRED_UPDATE)
    assert not press.is_answered
    await client.call("PATCH", client.webhook(press, "@original"), json={"content": "two"})
    await press.wait()
    assert (press.message, reply.content, world.violations) == (reply.message, "two", [])


async def test_press_is_impossible_when_the_button_is_gone_or_disabled(
    reply: Interaction, client: BareClient
) -> None:
    """The client offers only enabled buttons of existing messages."""
    disabled = {"type": 1, "components": [{**BUTTON["components"][0], "disabled": True}]}
    await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "one", "components": [disabled]})
    with pytest.raises(ImpossibleActionError, match="disabled"):
        await reply.click("Go")
    with pytest.raises(ImpossibleActionError, match="no component"):
        await reply.click("Stop")


async def test_channel_select_offers_channels_of_its_types_that_the_member_sees(
    world: SimulatedDiscord, guild: Guild, channel: Channel, reply: Interaction, client: BareClient
) -> None:
    """The press names the channel, and describes it."""
    menu = {"type": 8, "custom_id": "where", "channel_types": [0]}
    await client.acknowledge(reply, CallbackKind.MESSAGE, {"components": [{"type": 1, "components": [menu]}]})
    hidden, news = world.create_channel(guild, "hidden"), world.create_channel(guild, "news")
    world.set_overwrite(hidden, guild.everyone, deny=int(Permission.VIEW_CHANNEL))
    news.kind = ChannelKind.ANNOUNCEMENT
    for other in (hidden, news):
        with pytest.raises(ImpossibleActionError, match="offers one of"):
            await reply.click("where", other)
    press = await reply.click("where", channel)
    data = press.payload["data"]
    assert data["values"] == [str(channel.id)]
    assert data["resolved"]["channels"][str(channel.id)]["name"] == channel.name


async def test_form_updates_its_message_when_a_button_opened_it(
    reply: Interaction, client: BareClient
) -> None:
    """A form that a button opened may update the message of the button; one of a command may not."""
    await client.acknowledge(reply, CallbackKind.MESSAGE, {"content": "one", "components": [BUTTON]})
    press = await reply.click("Go")
    await client.acknowledge(press, CallbackKind.MODAL, MODAL)
    submit = await press.submit_modal({"secret": "abc"})
    assert submit.payload["data"] == {
        "custom_id": "login",
        "components": [
            {"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": "secret", "value": "abc"}]}
        ],
    }
    status, _ = await client.acknowledge(submit, CallbackKind.UPDATE, {"content": "thanks"})
    assert (status, reply.content) == (200, "thanks")


async def test_form_has_no_message_when_a_command_opened_it(reply: Interaction, client: BareClient) -> None:
    """An update is refused if there is no message, and a form cannot answer a form."""
    await client.acknowledge(reply, CallbackKind.MODAL, MODAL)
    submit = await reply.submit_modal({"Password": "abc"})
    update, _ = await client.acknowledge(submit, CallbackKind.UPDATE, {"content": "x"})
    modal, _ = await client.acknowledge(submit, CallbackKind.MODAL, MODAL)
    missing, error = await client.call("GET", client.webhook(reply, "@original"))
    assert (update, modal, missing, error["code"]) == (400, 400, 404, 10008)


@pytest.mark.parametrize(
    "values", [{}, {"Password": "ab"}, {"Password": "x" * 4001}, {"Pass": "abc"}], ids=repr
)
async def test_form_is_not_sent_when_its_values_do_not_fit(
    reply: Interaction, client: BareClient, values: dict[str, str]
) -> None:
    """The client checks required fields and lengths before it sends a form."""
    await client.acknowledge(reply, CallbackKind.MODAL, MODAL)
    with pytest.raises(ImpossibleActionError):
        await reply.submit_modal(values)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"title": "x" * 46}, ("data", "title")),
        ({"custom_id": ""}, ("data", "custom_id")),
        ({"components": []}, ("data", "components")),
        ({"components": MODAL["components"] * 6}, ("data", "components")),
    ],
)
async def test_form_is_refused_when_it_breaks_a_limit(
    reply: Interaction, client: BareClient, change: dict[str, Any], place: tuple[str, str]
) -> None:
    """A form has a title of 45, a custom_id, and one to five fields."""
    status, error = await client.acknowledge(reply, CallbackKind.MODAL, {**MODAL, **change})
    assert (status, error["code"]) == (400, 50035)
    assert "_errors" in error["errors"][place[0]][place[1]]


@pytest.mark.parametrize(
    "choices",
    [
        [{"name": str(number), "value": "x"} for number in range(26)],
        [{"name": "x" * 101, "value": "x"}],
        [{"name": "x", "value": 5}],
    ],
    ids=["too many", "too long", "wrong type"],
)
async def test_choices_are_refused_when_they_break_a_limit(
    world: SimulatedDiscord,
    channel: Channel,
    alice: Member,
    client: BareClient,
    choices: list[dict[str, Any]],
) -> None:
    """Autocomplete gives at most 25 choices with names of at most 100 characters and values of its type."""
    option = {"type": 3, "name": "player", "description": "who", "autocomplete": True, "required": True}
    await client.register({"name": "stats", "description": "Shows", "options": [option]})
    typing = asyncio.create_task(alice.autocomplete(channel, "/stats", "player", "a"))
    await world.until(lambda: bool(world.interactions))
    [interaction] = world.interactions
    assert interaction.payload["data"]["options"] == [
        {"name": "player", "type": 3, "value": "a", "focused": True}
    ]
    status, error = await client.acknowledge(interaction, CallbackKind.CHOICES, {"choices": choices})
    assert (status, error["code"]) == (400, 50035)
    await client.acknowledge(interaction, CallbackKind.CHOICES, {"choices": []})
    assert await typing == []
