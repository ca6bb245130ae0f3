"""Requests and answers, checked against Discord's published API document."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands
from structlog.testing import capture_logs

from simulation.discord import Channel, Guild, Member, ReceivedRequest, SimulatedDiscord
from simulation.discord.clients import BareClient, running_bot
from simulation.discord.openapi import DOCUMENT_PATH, ApiContract, find_obstacle, tell_obstacle
from simulation.discord.requests import RequestJournal
from simulation.starts import PROJECT

with_document = pytest.mark.skipif(not DOCUMENT_PATH.is_file(), reason="the API document is not at hand")


def _violations(method: str, path: str, body: Any = None, **query: str) -> list[tuple[str, str]]:
    journal = RequestJournal()
    ApiContract(journal).check(ReceivedRequest(method, path, path, 0.0, body=body, query=query))
    return [(violation.pointer, violation.message[:60]) for violation in journal.contract_violations]


@with_document
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"content": 5}, "/content"),
        ({"embeds": [{"title": "x" * 257}]}, "/embeds/0/title"),
        ({"embeds": [{"fields": [{"name": "n"}]}]}, "/embeds/0/fields/0"),
        ({"components": [{"type": 99}]}, "/components/0/type"),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "style": 9}]}]},
            "/components/0/components/0/style",
        ),
        ({"allowed_mentions": {"parse": ["all"]}}, "/allowed_mentions"),
        ({"attachments": [{"id": "x"}]}, "/attachments/0/id"),
    ],
)
async def test_mismatch_is_noted_at_its_place_when_a_body_is_wrong(
    body: dict[str, Any], pointer: str
) -> None:
    """Wrong types, lengths, enums and missing parts are found, with their position."""
    pointers = [found for found, _ in _violations("POST", "/channels/1/messages", body)]
    assert [found.startswith(pointer) for found in pointers] == [True]


@with_document
async def test_mismatch_is_noted_when_path_or_query_is_unknown() -> None:
    """Unknown paths, methods, query parameters and missing bodies are found."""
    assert _violations("GET", "/nowhere") == [("", "the document has no such operation")]
    assert _violations("PUT", "/channels/1/messages") == [("", "the document has no such operation")]
    assert _violations("POST", "/users/@me/channels") == [("", "/users/@me/channels needs a body")]
    assert [pointer for pointer, _ in _violations("GET", "/channels/1/messages", limit="101", color="x")] == [
        "?limit",
        "?color",
    ]
    assert _violations("POST", "/webhooks/1/token", {"content": "x"}, wait="1") == []


@with_document
async def test_numbers_serve_as_ids_when_pycord_sends_them() -> None:
    """Ids may be numbers, as py-cord sends them for allowed mentions and attachments."""
    body = {"content": "x", "allowed_mentions": {"users": [5]}, "attachments": [{"id": 0}]}
    assert _violations("POST", "/channels/1/messages", body) == []


async def test_nothing_is_noted_when_the_document_is_absent(tmp_path: Path) -> None:
    """Without the document every request passes."""
    journal = RequestJournal()
    contract = ApiContract(journal, tmp_path / "absent.json")
    contract.check(ReceivedRequest("GET", "/nowhere", "/nowhere", 0.0))
    assert (contract.is_available, journal.contract_violations) == (False, [])


@with_document
async def test_answers_are_as_documented_when_a_bot_works(
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    alice: Member,
    bot: commands.Bot,
    client: BareClient,
) -> None:
    """The answers of the simulated Discord and the requests of py-cord have the documented shape."""

    @bot.slash_command(description="Shows statistics")
    async def stats(ctx: discord.ApplicationContext) -> None:
        await ctx.defer()
        await ctx.respond(embed=discord.Embed(title="t", description="d"), view=discord.ui.View())
        await ctx.followup.send("more", ephemeral=True)

    async with running_bot(bot, world):
        await bot.application_info()
        place = await bot.fetch_channel(channel.id)
        assert isinstance(place, discord.TextChannel)
        message = await place.send("x", nonce=5)
        await message.reply(
            "y",
            allowed_mentions=discord.AllowedMentions(users=[discord.Object(alice.id)], replied_user=False),
        )
        await message.edit(content="z")
        await place.edit(name="renamed")
        await (await bot.fetch_guild(guild.id)).fetch_roles()
        await (await bot.fetch_user(alice.id)).send("hello")
        await alice.ask(channel, "/stats")
        await world.settle()
    for path in (
        f"/guilds/{guild.id}/channels",
        f"/guilds/{guild.id}/members/{alice.id}",
        "/applications/@me",
    ):
        await client.call("GET", path)
    mistakes = {mistake for request in world.requests for mistake in world.contract.answer_mistakes(request)}
    assert (mistakes, world.contract_violations, world.refusals) == (set(), [], [])


def test_missing_document_is_told_once_in_the_log(tmp_path: Path) -> None:
    """The log says once that the requests of this run were not checked."""
    path = tmp_path / "none.json"
    with capture_logs() as entries:
        tell_obstacle(path)
        tell_obstacle(path)
    assert [(entry["log_level"], entry["event"]) for entry in entries] == [("warning", find_obstacle(path))]
    assert f"NOT checked against its API document: there is no {path}" in find_obstacle(path)
    path.write_text("{}", "utf-8")
    assert find_obstacle(path) == ""


async def test_pytest_says_at_the_top_that_nothing_is_checked(tmp_path: Path) -> None:
    """A run without the document says so before its first test."""
    run = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "tests/simulation/discord/test_contract.py",
        ),
        cwd=PROJECT,
        env={**os.environ, "DISCORD_OPENAPI": str(tmp_path / "none.json")},
        stdout=asyncio.subprocess.PIPE,
    )
    output = (await run.communicate())[0].decode()
    assert "Discord's API document, against which every request is checked" in output
