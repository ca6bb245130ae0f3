"""Messages over bare HTTP: limits, nonces, paging, pings, permissions."""

import json
from typing import Any

import aiohttp
import pytest

from simulation.discord import Channel, Guild, Member, Permission, Pings, SimulatedDiscord
from simulation.discord.clients import BareClient

BUTTON = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}


def _row(*items: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(items)}


def _buttons(count: int) -> list[dict[str, Any]]:
    return [{**BUTTON, "custom_id": f"b{number}"} for number in range(count)]


def _select(**changes: Any) -> dict[str, Any]:
    options = [{"label": str(number), "value": str(number)} for number in range(3)]
    return {"type": 3, "custom_id": "menu", "options": options, **changes}


@pytest.fixture(name="path")
def _path(channel: Channel) -> str:
    return f"/channels/{channel.id}/messages"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"content": 5}, "content"),
        ({"content": "x", "flags": "64"}, "flags"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds"),
        ({"embeds": [{}]}, "embeds.0.description"),
        ({"embeds": [{"title": "  "}]}, "embeds.0.description"),
        ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
        ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
        ({"embeds": [{"title": "x", "color": 0x1000000}]}, "embeds.0.color"),
        ({"embeds": [{"title": "x", "timestamp": "yesterday"}]}, "embeds.0.timestamp"),
        ({"embeds": [{"title": "x", "url": "ftp://host/x"}]}, "embeds.0.url"),
        ({"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]}, "embeds.0.fields"),
        ({"embeds": [{"fields": [{"name": "", "value": "v"}]}]}, "embeds.0.fields.0.name"),
        ({"embeds": [{"fields": [{"name": "n", "value": " "}]}]}, "embeds.0.fields.0.value"),
        ({"embeds": [{"fields": [{"name": "x" * 257, "value": "v"}]}]}, "embeds.0.fields.0.name"),
        ({"embeds": [{"fields": [{"name": "n", "value": "x" * 1025}]}]}, "embeds.0.fields.0.value"),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "embeds.0.footer.text"),
        ({"embeds": [{"author": {"name": "x" * 257}}]}, "embeds.0.author.name"),
        ({"embeds": [{"image": {"url": "file:///etc/passwd"}}]}, "embeds.0.image.url"),
        ({"embeds": [{"thumbnail": {"url": "attachment://absent.png"}}]}, "embeds.0.thumbnail.url"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds"),
        ({"content": "x", "nonce": "n" * 26}, "nonce"),
        ({"content": "x", "enforce_nonce": True}, "nonce"),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, "allowed_mentions.parse.0"),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "allowed_mentions"),
        ({"content": "x", "message_reference": {"message_id": "1"}}, "message_reference"),
        ({"content": "x", "components": [_row(BUTTON)] * 6}, "components"),
        ({"content": "x", "components": [_row(*_buttons(6))]}, "components.0.components"),
        ({"content": "x", "components": [_row()]}, "components.0.components"),
        ({"content": "x", "components": [BUTTON]}, "components.0.type"),
        ({"content": "x", "components": [_row(BUTTON, BUTTON)]}, "components.0.components.1.custom_id"),
        (
            {"content": "x", "components": [_row({**BUTTON, "label": "x" * 81})]},
            "components.0.components.0.label",
        ),
        (
            {"content": "x", "components": [_row({**BUTTON, "custom_id": "x" * 101})]},
            "components.0.components.0.custom_id",
        ),
        ({"content": "x", "components": [_row({**BUTTON, "style": 9})]}, "components.0.components.0.style"),
        (
            {"content": "x", "components": [_row({**BUTTON, "url": "https://x.y"})]},
            "components.0.components.0",
        ),
        ({"content": "x", "components": [_row(_select(), BUTTON)]}, "components.0"),
        ({"content": "x", "components": [_row(_select(options=[]))]}, "components.0.components.0.options"),
        (
            {"content": "x", "components": [_row(_select(max_values=4))]},
            "components.0.components.0.max_values",
        ),
        (
            {"content": "x", "components": [_row(_select(placeholder="x" * 151))]},
            "components.0.components.0.placeholder",
        ),
    ],
)
async def test_message_is_refused_when_it_breaks_a_limit(
    world: SimulatedDiscord, channel: Channel, client: BareClient, path: str, body: dict[str, Any], place: str
) -> None:
    """A wrong body is refused with 50035 and its position in the error tree, and no message is written."""
    status, error = await client.call("POST", path, json=body)
    node = error["errors"]
    for step in place.split("."):
        node = node[step]
    assert (status, error["code"], bool(node["_errors"])) == (400, 50035, True)
    assert (channel.messages, [refusal.code for refusal in world.refusals]) == ([], [50035])
    assert len(world.violations) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2000},
        {"embeds": [{"description": "x" * 3000}] * 2},
        {"embeds": [{"title": "x" * 256, "fields": [{"name": "n" * 20, "value": "v" * 200}] * 25}]},
        {"content": "x", "components": [_row(*_buttons(5))]},
        {"content": "x", "components": [_row(_select(max_values=3))]},
        {"embeds": [{"fields": [{"name": "\u200b", "value": "\u200b"}]}]},
        {"content": "x", "components": [_row({"type": 2, "style": 5, "label": "Go", "url": "https://x.y"})]},
    ],
)
async def test_message_is_written_when_it_just_keeps_the_limits(
    world: SimulatedDiscord, channel: Channel, client: BareClient, path: str, body: dict[str, Any]
) -> None:
    """Messages exactly at the limits are accepted, also by the API document."""
    status, _ = await client.call("POST", path, json=body)
    assert (status, len(channel.messages), world.contract_violations) == (200, 1, [])


@pytest.mark.parametrize("body", [{}, {"content": "   "}, {"embeds": []}])
async def test_message_is_refused_when_it_is_empty(
    client: BareClient, path: str, body: dict[str, Any]
) -> None:
    """A message without visible content gets 50006."""
    status, error = await client.call("POST", path, json=body)
    assert (status, error) == (400, {"message": "Cannot send an empty message", "code": 50006})


async def test_body_is_refused_when_it_is_no_json(client: BareClient, path: str) -> None:
    """Broken JSON gets 50109."""
    headers = {"Content-Type": "application/json"}
    async with client.session.post(
        client.url(path), data=b"{", headers={**client.headers, **headers}
    ) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)


async def test_answers_carry_no_charset(client: BareClient) -> None:
    """py-cord parses JSON only with the bare content type."""
    async with client.session.get(client.url("/users/@me"), headers=client.headers) as response:
        assert response.headers["Content-Type"] == "application/json"


async def test_first_message_is_returned_when_a_nonce_repeats(
    world: SimulatedDiscord, guild: Guild, channel: Channel, client: BareClient, path: str
) -> None:
    """For some minutes an enforced nonce creates one message per channel; a later retry creates another."""
    other = world.create_channel(guild, "other")
    body = {"content": "kill", "nonce": "k-1", "enforce_nonce": True}
    _, first = await client.call("POST", path, json=body)
    _, second = await client.call("POST", path, json={**body, "content": "changed"})
    _, elsewhere = await client.call("POST", f"/channels/{other.id}/messages", json=body)
    assert (second["id"], second["content"], second["nonce"]) == (first["id"], "kill", "k-1")
    assert elsewhere["id"] != first["id"]
    world.clock.advance(200)
    _, late = await client.call("POST", path, json=body)
    assert late["id"] != first["id"]
    assert [message.content for message in channel.messages] == ["kill", "kill"]


async def test_message_doubles_when_the_nonce_is_not_enforced(
    channel: Channel, client: BareClient, path: str
) -> None:
    """Without `enforce_nonce` a nonce has no effect, and the history does not show it."""
    for _ in range(2):
        await client.call("POST", path, json={"content": "kill", "nonce": "k-1"})
    _, history = await client.call("GET", path)
    assert (len(channel.messages), ["nonce" in message for message in history]) == (2, [False, False])


async def test_history_is_paged_when_marks_are_given(client: BareClient, path: str) -> None:
    """Pages come newest first, before, after or around a message."""
    ids = []
    for number in range(7):
        _, message = await client.call("POST", path, json={"content": str(number)})
        ids.append(message["id"])
    pages = {}
    for query in (
        "limit=2",
        f"limit=2&before={ids[3]}",
        f"limit=2&after={ids[3]}",
        f"limit=3&around={ids[3]}",
    ):
        _, page = await client.call("GET", f"{path}?{query}")
        pages[query.split("&")[-1].split("=")[0]] = "".join(message["content"] for message in page)
    assert pages == {"limit": "65", "before": "21", "after": "54", "around": "432"}
    status, error = await client.call("GET", f"{path}?limit=101")
    assert (status, error["code"]) == (400, 50035)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, "users roles"),
        ({"parse": []}, ""),
        ({"parse": ["users"]}, "users"),
        ({"parse": ["roles", "everyone"]}, "roles"),
        ({"users": ["ALICE"]}, "users"),
        ({"users": ["1"]}, ""),
    ],
)
async def test_pings_follow_allowed_mentions_when_a_message_names_people(
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    alice: Member,
    client: BareClient,
    path: str,
    allowed: dict[str, Any] | None,
    expected: str,
) -> None:
    """Only allowed mentions ping; without the permission a bot pings neither everyone nor closed roles."""
    opened = world.create_role(guild, "open", mentionable=True)
    closed = world.create_role(guild, "closed")
    world.set_overwrite(channel, guild.bot, deny=int(Permission.MENTION_EVERYONE))
    content = f"{alice.mention} {opened.mention} {closed.mention} @everyone"
    body: dict[str, Any] = {"content": content, "embeds": [{"description": alice.mention}]}
    if allowed is not None:
        body["allowed_mentions"] = json.loads(json.dumps(allowed).replace("ALICE", str(alice.id)))
    await client.call("POST", path, json=body)
    [message] = channel.messages
    assert message.pings == Pings(
        users=frozenset({alice.id} if "users" in expected else ()),
        roles=frozenset({opened.id} if "roles" in expected else ()),
    )


async def test_everybody_is_pinged_when_the_bot_may_and_nothing_forbids_it(
    channel: Channel, client: BareClient, path: str
) -> None:
    """A text with @everyone pings all, unless the allowed mentions exclude it."""
    await client.call("POST", path, json={"content": "@everyone"})
    await client.call("POST", path, json={"content": "@everyone", "allowed_mentions": {"parse": []}})
    assert [bool(message.pings) for message in channel.messages] == [True, False]


async def test_nobody_is_pinged_when_mentions_stand_in_an_embed(
    channel: Channel, alice: Member, client: BareClient, path: str
) -> None:
    """Embeds do not notify."""
    await client.call("POST", path, json={"embeds": [{"description": f"{alice.mention} @everyone"}]})
    assert not channel.messages[0].pings


async def test_attachments_stay_when_an_edit_lists_them(
    channel: Channel, client: BareClient, path: str
) -> None:
    """An edit keeps the listed files, adds the uploaded ones, and removes the rest."""
    form = aiohttp.FormData(quote_fields=False)
    listed = [{"id": 0, "filename": "a.txt"}, {"id": 1, "filename": "b.txt"}]
    form.add_field("payload_json", json.dumps({"attachments": listed}))
    for index, name in enumerate(("a.txt", "b.txt")):
        form.add_field(f"files[{index}]", name.encode(), filename=name)
    status, message = await client.call("POST", path, data=form)
    assert status == 200
    keep = [{"id": message["attachments"][1]["id"]}]
    await client.call("PATCH", f"{path}/{message['id']}", json={"content": "x", "attachments": keep})
    assert [file.filename for file in channel.messages[0].attachments] == ["b.txt"]


async def test_edit_keeps_what_it_does_not_name(channel: Channel, client: BareClient, path: str) -> None:
    """An edit changes the named parts, is recorded, and cannot empty a message."""
    _, message = await client.call("POST", path, json={"content": "one", "embeds": [{"title": "t"}]})
    await client.call("PATCH", f"{path}/{message['id']}", json={"content": "two"})
    [shown] = channel.messages
    assert (shown.content, shown.embed["title"], shown.edits) == ("two", "t", [{"content": "two"}])
    assert shown.edited_at is not None
    status, error = await client.call(
        "PATCH", f"{path}/{message['id']}", json={"content": None, "embeds": []}
    )
    assert (status, error["code"]) == (400, 50006)


async def test_others_messages_are_safe_when_the_bot_may_not_manage_them(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, client: BareClient, path: str
) -> None:
    """The bot edits only its own messages, and deletes those of others only with Manage Messages."""
    message = await alice.say(channel, "hello")
    edit, edit_error = await client.call("PATCH", f"{path}/{message.id}", json={"content": "x"})
    delete, delete_error = await client.call("DELETE", f"{path}/{message.id}")
    assert (edit, edit_error["code"], delete, delete_error["code"]) == (403, 50005, 403, 50013)
    world.set_overwrite(channel, guild.bot, allow=int(Permission.MANAGE_MESSAGES))
    status, _ = await client.call("DELETE", f"{path}/{message.id}")
    assert (status, message.is_deleted) == (204, True)


async def test_messages_vanish_together_when_deleted_in_bulk(
    world: SimulatedDiscord, guild: Guild, channel: Channel, client: BareClient, path: str
) -> None:
    """Bulk deletion takes two to a hundred messages; a single one is refused."""
    world.set_overwrite(channel, guild.bot, allow=int(Permission.MANAGE_MESSAGES))
    ids = [(await client.call("POST", path, json={"content": str(n)}))[1]["id"] for n in range(3)]
    one, error = await client.call("POST", f"{path}/bulk-delete", json={"messages": ids[:1]})
    two, _ = await client.call("POST", f"{path}/bulk-delete", json={"messages": ids[:2]})
    assert (one, error["code"], two) == (400, 50016, 204)
    assert [message.content for message in channel.messages] == ["2"]


async def test_direct_message_is_refused_when_no_server_is_shared(
    world: SimulatedDiscord, alice: Member, client: BareClient
) -> None:
    """The bot can write only to members of its servers who accept direct messages."""
    stranger = world.create_user("stranger")
    statuses = []
    for user in (alice.user, stranger):
        _, direct = await client.call("POST", "/users/@me/channels", json={"recipient_id": str(user.id)})
        status, _ = await client.call("POST", f"/channels/{direct['id']}/messages", json={"content": "hi"})
        statuses.append(status)
    assert statuses == [200, 403]
    assert [message.content for message in world.direct_messages(alice.user).messages] == ["hi"]
    assert (world.refusals[0].code, world.violations) == (50007, [])
