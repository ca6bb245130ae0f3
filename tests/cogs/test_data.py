"""``/data``: the permissions of its commands, and their answers."""

import io
import json
import zipfile

import pytest

from simulation.discord import Channel, Guild, Interaction, Member
from tests.cogs.conftest import PIKE, SEEN, SPIKER
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.errors import StorageUnavailableError
from utils.models.links import Link
from utils.models.personal import Holdings
from utils.models.scope import GuildId, MemberId
from utils.services.links.proof import PROOF_OBJECTION_TIME

pytestmark = pytest.mark.usefixtures("bot")

NOT_YOURS = "“Spiker” isn't proven to be yours."
FOR_ADMINS = "Only admins can ask for someone else's data"


@pytest.fixture(name="linked")
async def _linked(shelf: Shelf, guild: Guild, alice: Member) -> Member:
    """Alice, with Pike as a proven player."""
    link = Link(GuildId(guild.id), MemberId(alice.id), PIKE, "Pike_", SEEN)
    await shelf.links.put_proven(GuildId(guild.id), link, at=SEEN - PROOF_OBJECTION_TIME)
    return alice


def read_files(reply: Interaction) -> dict[str, bytes]:
    """Return the files in the archive of an answer."""
    assert reply.message is not None
    [attachment] = reply.message.attachments
    with zipfile.ZipFile(io.BytesIO(attachment.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_export_is_a_file_for_the_caller_alone(shelf: Shelf, linked: Member, channel: Channel) -> None:
    """The file has all data of the member and the proven players; the embed has no id."""
    shelf.personal.member_parts = {"wallet": [{"balance": 7}]}
    reply = await linked.ask(channel, "/data export")
    files = read_files(reply)
    data = json.loads(files["data.json"])
    assert reply.is_ephemeral
    assert (data["member_id"], data["wallet"]) == (str(linked.id), [{"balance": 7}])
    assert [player["player_id"] for player in data["players"]] == [PIKE]
    assert files["kills.csv"].startswith(b"server,at,")
    assert (shelf.personal.asked, PIKE in str(reply.embed)) == ([(PIKE,)], False)
    assert shelf.audit.lines == []


@pytest.mark.parametrize("command", ["/data export", "/data erase"])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"player": "Spiker"}, NOT_YOURS),
        ({"player": SPIKER}, "isn't proven to be yours."),
        ({"member": "manager"}, FOR_ADMINS),
        ({"player": "Pike_", "member": "alice"}, "Choose a member or a player, not both."),
    ],
)
async def test_what_is_not_the_callers_is_refused(
    shelf: Shelf,
    linked: Member,
    manager: Member,
    channel: Channel,
    command: str,
    options: dict[str, str],
    sentence: str,
) -> None:
    """Each refusal is private; nothing is read, erased or reported."""
    people = {"manager": manager, "alice": linked}
    given = {name: people.get(value, value) for name, value in options.items()}
    reply = await linked.ask(channel, command, **given)
    assert reply.is_ephemeral
    assert sentence in reply.embed["description"].replace("\\", "")
    assert (shelf.personal.asked, shelf.erasures.done, shelf.reporter.reported) == ([], [], [])


async def test_admin_exports_others_and_that_is_written_down(
    shelf: Shelf, linked: Member, manager: Member, channel: Channel
) -> None:
    """An admin exports data of a member, or of a player without a member."""
    await manager.ask(channel, "/data export", member=linked)
    await manager.ask(channel, "/data export", player="Spiker")
    assert shelf.personal.asked == [(PIKE,), (SPIKER,)]
    assert shelf.audit.lines == [
        (manager.id, "data export", f"<@{linked.id}>"),
        (manager.id, "data export", "player Spiker"),
    ]


async def test_members_are_offered_their_own_players_and_admins_all(
    linked: Member, manager: Member, channel: Channel
) -> None:
    """Autocomplete offers exactly the players whose data may be exported."""
    offered = [
        [choice["name"] for choice in await who.autocomplete(channel, "/data erase", "player", "")]
        for who in (linked, manager)
    ]
    assert offered == [["Pike_"], ["Pike_", "Spiker"]]


async def test_erasure_asks_first_and_can_be_taken_back(
    shelf: Shelf, linked: Member, channel: Channel
) -> None:
    """The question names the data that is deleted or kept; Cancel changes nothing."""
    shelf.erasures.holdings = Holdings(
        links=1, balance=1234, ledger_rows=5, open_bounties=2, closed_bounties=3, changes=4
    )
    asked = await linked.ask(channel, "/data erase")
    text = asked.embed["description"]
    assert asked.is_ephemeral
    for part in (r"**Pike\_**", "1,234 💎", "5 changes", "2 open bounties", "4 changes they made"):
        assert part in text
    await asked.click("Cancel")
    await asked.wait_until(lambda one: one.embed["title"] == "Cancelled")
    assert shelf.erasures.done == []
    again = await linked.ask(channel, "/data erase")
    await again.click("Erase")
    await again.wait_until(lambda one: one.embed["title"] == "✅ Erased")
    assert "you start again from zero" in again.embed["description"]
    assert "member" in shelf.erasures.done
    assert shelf.audit.lines == [(None, "data erase", "a member, on their own request")]


async def test_who_has_nothing_is_told_so(shelf: Shelf, alice: Member, channel: Channel) -> None:
    """Without any data there is no question."""
    reply = await alice.ask(channel, "/data erase")
    assert (reply.is_ephemeral, reply.components) == (True, [])
    assert "Nothing to erase" in reply.embed["description"]
    assert shelf.reporter.reported == []


async def test_cut_off_erasure_is_told_and_can_be_asked_for_again(
    bot: OwnBot, shelf: Shelf, linked: Member, channel: Channel
) -> None:
    """If the database fails in the middle, the answer says to try again."""
    asked = await linked.ask(channel, "/data erase")
    shelf.erasures.failures = [StorageUnavailableError("mongod is away")]
    await asked.click("Erase")
    await asked.wait_until(lambda _: bool(shelf.reporter.reported))
    again = await linked.ask(channel, "/data erase")
    await again.click("Erase")
    await again.wait_until(lambda one: one.embed["title"] == "✅ Erased")
    assert bot.unexpected.reported == []
