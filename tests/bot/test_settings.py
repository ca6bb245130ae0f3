"""Changed settings: servers, channels, the admin role, and the audit of who changed them."""

from itertools import product
from pathlib import Path

from simulation.discord import Interaction
from simulation.game_host.host import GameHost
from simulation.posts import expect_posts, read_posts
from simulation.town import USERNAME
from tests.bot.process import until
from tests.bot.stage import Stage, check_in_time, get_fields
from utils.database.documents.audit_documents import AUDIT
from utils.embeds.audit_wording import describe_facts
from utils.models.deaths import DeathKind, DeathRow

OTHER_PASSWORD = "pw-other-4d2a"


async def begin(stage: Stage, *, history: int = 10) -> None:
    """Set up a killfeed with one server."""
    stage.open_files().append(*stage.take(history))
    await stage.set_channel()
    await stage.add_server("North")


async def edit(stage: Stage, *, password: str | None = None, **options: object) -> Interaction:
    """Edit the server as the admin; the password is for the form that a change of the account opens."""
    asked = await stage.admin.invoke(stage.office, "/admin server edit", server="North", **options)
    check_in_time(await asked.wait())
    if asked.modal is None:
        return asked
    answer = await asked.submit_modal({"Password": password or stage.secrets[0]})
    return check_in_time(await answer.wait())


def list_audit(stage: Stage) -> list[tuple[str, str]]:
    """Return the audit as people read it, oldest first."""
    rows = sorted(stage.read("audit"), key=lambda row: row["at"])
    return [(row["action"], str(describe_facts(AUDIT.read(row)))) for row in rows]


async def test_edit_changes_what_is_named_and_reading_goes_on(stage: Stage) -> None:
    """The answer lists old and new values. Without a change of the login nothing is tested."""
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    reply = await edit(stage, name="Polar", timezone="Europe/Berlin")
    assert (reply.is_ephemeral, reply.embed["title"]) == (True, "✅ Polar changed")
    assert reply.embed["description"].splitlines()[:2] == [
        "**name**: North → Polar",
        "**time zone**: UTC → Europe/Berlin",
    ]
    assert "fields" not in reply.embed or not reply.embed["fields"]
    live = stage.take(3)
    files.append(*live)
    posts = await stage.wait_for_posts(3)
    assert read_posts(posts) == expect_posts(live, history)
    assert list_audit(stage)[-1] == (
        "server edit",
        "North: name: North → Polar, time zone: UTC → Europe/Berlin",
    )


async def test_edited_login_is_tested_first(stage: Stage, tmp_path: Path) -> None:
    """A failing login is not stored. Another host never gets the stored password, and its key is pinned."""
    await begin(stage)
    before = stage.find_server()
    failed = await edit(stage, username="stranger")
    assert failed.embed["title"].startswith("❌ Couldn't")
    assert failed.embed["footer"]["text"].startswith("Nothing changed")
    async with GameHost(tmp_path, {}) as thief:
        stolen = await edit(stage, port=thief.port, password=OTHER_PASSWORD)
        assert stolen.embed["title"].startswith("❌ Couldn't")
        assert thief.offered == [(USERNAME, OTHER_PASSWORD)]
    changes = f"port: {stage.host.port} → {thief.port}, login: old password or key → new password or key"
    told = f"North: {changes}, host key: old one → new one; not changed, “Login” failed"
    assert list_audit(stage)[-1] == ("server edit", told)
    assert stage.find_server() | {"health": None} == before | {"health": None}
    moved = await edit(stage, host="localhost", number=7)
    assert "**host**: 127\\.0\\.0\\.1 → localhost".replace("\\", "") in moved.embed["description"].replace(
        "\\", ""
    )
    assert "old one → new one" in moved.embed["description"]
    assert stage.find_server()["host"] == "localhost"
    assert "✅ Connected and logged in (new host key saved)" in moved.embed["description"]


WRONG_EDITS: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "That changes nothing"),
    ({"name": "SOUTH"}, "Choose another name"),
    ({"host": "ftp://x"}, "is a name or an address"),
    ({"timezone": "Mars/Base"}, "isn't a time zone"),
)


async def test_edit_that_cannot_be_right_is_refused(stage: Stage) -> None:
    """Names that differ only in case are the same name, but a server may keep its own."""
    stage.open_files(8).append(*stage.take(3))
    await begin(stage)
    await stage.add_server("South", number=8)
    before = stage.find_server()
    for options, sentence in WRONG_EDITS:
        reply = await edit(stage, **options)
        said = reply.embed["description"]
        assert (reply.is_ephemeral, sentence in said) == (True, True), said
    assert stage.find_server() | {"health": None} == before | {"health": None}
    reply = await edit(stage, name="north")
    assert (reply.is_ephemeral, reply.embed["title"]) == (True, "✅ north changed")


async def test_same_game_server_is_refused_and_a_neighbour_is_not(stage: Stage) -> None:
    """The same server under another host name and path is refused; another number is another server."""
    stage.open_files(8).append(*stage.take(3))
    await begin(stage)
    folder = f"{stage.host.address}_7/actual1"
    refused = await stage.fill_in_server("Twin", host="localhost", number=None, base_path=folder)
    assert refused.embed["description"].startswith("“North” already uses these logs")
    await stage.add_server("South", number=8)
    moved = await stage.ask("/admin server edit", server="South", number=7)
    assert moved.embed["description"].startswith("“North” already uses these logs")
    assert [(row["name"], row["log_folder"], row["number"]) for row in stage.read("game_servers")] == [
        ("North", f"/{folder}/deathlogs", 7),
        ("South", f"/{stage.host.address}_8/actual1/deathlogs", 8),
    ]


async def test_new_password_is_asked_for_in_a_form_and_told_nowhere(stage: Stage) -> None:
    """The form is the first answer; a wrong password leaves the old one in use."""
    await begin(stage)
    stage.secrets.append(OTHER_PASSWORD)
    answers = []
    for password in (OTHER_PASSWORD, "", stage.secrets[0]):
        asked = await stage.admin.invoke(
            stage.office, "/admin server edit", server="North", new_password=True
        )
        check_in_time(await asked.wait())
        assert asked.modal is not None
        answer = await asked.submit_modal({"Password": password})
        answers.append(check_in_time(await answer.wait()))
    assert [answer.is_ephemeral for answer in answers] == [True] * 3
    assert answers[0].embed["title"].startswith("❌ Couldn't")
    assert "Fill in the password" in answers[1].embed["description"]
    told = "old password or key → new password or key"
    assert answers[2].embed["description"].startswith(f"**login**: {told}\n✅ Connected")
    assert list_audit(stage)[-1] == ("server edit", f"North: login: {told}")


async def test_kinds_of_death_are_switched_for_a_server(stage: Stage) -> None:
    """Deaths of a kind that is off are counted and not posted; the answer lists the posted kinds.

    Menu respawns of a new server are off.
    """
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    off = await stage.ask("/admin server announce", server="North", kind="kill", on=False)
    assert (off.is_ephemeral, off.embed["title"]) == (True, "✅ North no longer shows kills")
    assert off.embed["description"] == (
        "Posted now: vehicle kills, falls, self-kills, deaths without a killer.\n"
        "Highlights: server records, milestones, claimed bounties, multikills, ended streaks, streaks, "
        "revenge, first blood."
    )
    rows = stage.take(60)
    files.append(*_respawn(rows[0]), *rows)
    await stage.wait_for_deaths(71)
    quiet = [row for row in rows if row.kind is not DeathKind.KILL]
    posts = await stage.wait_for_posts(len(quiet))
    assert [post.names for post in read_posts(posts)] == [post.names for post in expect_posts(quiet, history)]
    on = await stage.ask("/admin server announce", server="North", kind="kill", on=True)
    assert on.embed["title"] == "✅ North now shows kills"
    on = await stage.ask("/admin server announce", server="North", kind="menu", on=True)
    assert on.embed["title"] == "✅ North now shows respawns"
    [row] = stage.take(1)
    files.append(row, *_respawn(row))
    await stage.wait_for_posts(len(quiet) + 2)


def _respawn(row: DeathRow) -> list[DeathRow]:
    """Return the menu suicide of a row's victim at its moment."""
    own = {"killer_id": row.victim_id, "killer_name": row.victim_name, "killer_platform": row.victim_platform}
    return [row._replace(kind=DeathKind.MENU, weapon="suicide_by_relocation", distance=0, **own)]


async def test_history_is_imported_again_with_progress(stage: Stage) -> None:
    """No death is counted twice or posted, and lost counters are counted again."""
    files, history = stage.open_files(), stage.take(200)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    counters = stage.read_counters()
    with stage.open_database() as database:
        database["players"].delete_many({})
    reply = await stage.ask("/admin server import", server="North")
    assert (reply.is_ephemeral, reply.embed["title"]) == (True, "✅ Importing the history of North again")
    await until(lambda: stage.find_server()["generation"] >= 2, what=lambda: stage.bot.output)
    await until(lambda: len(stage.office.messages) == 2)
    await until(lambda: all("imported" in one.embed["title"] for one in stage.office.messages))
    assert (stage.read_counters(), stage.count_deaths(), stage.posts) == (counters, 200, [])
    live = stage.take(3)
    files.append(*live)
    assert read_posts(await stage.wait_for_posts(3)) == expect_posts(live, history)


async def test_changed_host_key_is_accepted_after_a_confirmation(stage: Stage) -> None:
    """Old and new fingerprint are shown; Cancel keeps the old key, Accept lets reading go on."""
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    same = await stage.ask("/admin server hostkey", server="North")
    assert (same.is_ephemeral, list(get_fields(same.embed)), same.components) == (True, ["Saved"], [])
    await stage.host.change_host_key()
    live = stage.take(4)
    files.append(*live)
    await stage.wait_for_alerts(1)

    kept = await stage.ask("/admin server hostkey", server="North")
    assert list(get_fields(kept.embed)) == ["Saved (old)", "Shown now (new)"]
    await kept.click("Cancel")
    await kept.wait_until(lambda one: one.embed["title"] == "Key not accepted")
    assert stage.posts == []
    taken = await stage.ask("/admin server hostkey", server="North")
    await taken.click("Accept")
    await taken.wait_until(lambda one: one.embed["title"] == "✅ New host key saved")
    assert read_posts(await stage.wait_for_posts(4)) == expect_posts(live, history)
    assert list_audit(stage)[-1][0] == "server hostkey"
    await stage.host.stop()
    away = await stage.ask("/admin server hostkey", server="North")
    assert "couldn't ask the host" in away.embed["description"]


async def test_admin_role_opens_the_commands_and_can_be_cleared(stage: Stage) -> None:
    """The answer says how to show the commands to that role; @everyone is refused."""
    role = stage.world.create_role(stage.guild, "killfeed admins", permissions=1 << 5)
    await stage.ask("/admin role", role=role)
    reply = await stage.ask("/admin role", role=role)
    assert (reply.is_ephemeral, reply.embed["title"]) == (True, "✅ Admin role set")
    assert "Integrations" in reply.embed["description"]
    everybody = await stage.ask("/admin role", role=stage.guild.roles[stage.guild.id])
    assert "Everyone has that role" in everybody.embed["description"]
    [guild] = stage.read("guilds")
    assert guild["admin_role_id"] == role.id
    cleared = await stage.ask("/admin role")
    assert cleared.embed["title"] == "✅ Admin role cleared"
    assert list_audit(stage) == [
        ("role", f"none → <@&{role.id}>"),
        ("role", f"<@&{role.id}> → none"),
    ]


async def test_audit_tells_who_changed_what_in_pages(stage: Stage) -> None:
    """The newest change comes first, filtered by member or kind if asked.

    Other communities see none of it.
    """
    deputy = stage.world.add_member(
        stage.guild, "deputy", roles=[stage.world.create_role(stage.guild, "m", permissions=1 << 5)]
    )
    nothing = await stage.ask("/admin audit")
    assert nothing.embed["description"] == "No matching changes."
    await begin(stage)
    kinds = ("alerts", "bounties", "leaderboard")
    for kind, channel in product(kinds, (stage.feed, stage.office)):
        await stage.ask("/admin channel set", by=deputy, kind=kind, channel=channel)
    for kind in kinds:
        await stage.ask("/admin channel clear", by=deputy, kind=kind)
    removed = await stage.ask("/admin server remove", server="North")
    await removed.click("Remove")
    await removed.wait_until(lambda one: one.embed["title"] == "✅ North removed")

    shown = await stage.ask("/admin audit")
    assert (shown.is_ephemeral, shown.embed["footer"]["text"]) == (True, "Page 1 of 2 · 12 in total")
    newest = shown.embed["description"].splitlines()
    assert f"<@{stage.admin.id}> · **server remove**" in newest[0]
    assert newest[1].startswith("> North (renter at")
    assert stage.secrets[0] not in repr(shown.embed)
    await (await shown.click("Next")).wait_for_acknowledgement()
    await shown.wait_until(lambda one: "server add" in one.embed["description"])
    assert len(shown.embed["description"].splitlines()) == 2 * 2
    of_deputy = await stage.ask("/admin audit", member=deputy, action="channel clear")
    assert of_deputy.embed["footer"]["text"] == "3 in total"
    choices = await stage.admin.autocomplete(stage.office, "/admin audit", "action", "channel")
    assert [choice["value"] for choice in choices] == ["channel set", "channel clear", "channel style"]

    other = stage.world.create_guild("Neighbours")
    room = stage.world.create_channel(other, "room")
    await until(lambda: "joined a guild" in stage.bot.output or "ready" in stage.bot.output)
    foreign = await stage.world.owner_of(other).ask(room, "/admin audit")
    assert foreign.embed["description"] == "No matching changes."
