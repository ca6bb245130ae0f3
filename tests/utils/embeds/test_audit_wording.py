"""The sentences of the audit, one for each action, built from facts only."""

from datetime import UTC, datetime

import pytest

from utils.embeds.audit_wording import describe_facts, show_typed
from utils.localization.localizer import ENGLISH_LOCALIZER
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.scope import ERASED_MEMBER_ID, ERASED_NAME, ERASED_PLAYER_ID, MemberId, PlayerId

AT = datetime(2025, 4, 30, 12, tzinfo=UTC)
ADMIN, ANN = MemberId(1), MemberId(2)
PLAYER = PlayerId("0002" + "a" * 28)
PLACE = {"username": "renter", "host": "192.0.2.1", "port": 22}
ADDED = AuditFacts(
    server_name="North", changes=tuple(FieldChange(name, new=one) for name, one in PLACE.items())
)
REMOVED = tuple(FieldChange(name, old=one) for name, one in PLACE.items())
LINK = AuditFacts(member_id=ANN, player_id=PLAYER, player_name="Wolf")
NO_PREMIUM = {"tier": 0, "is_granted": False, "ends_at": None}


def change(*changes: FieldChange, server_name: str | None = "North", **more: object) -> AuditFacts:
    """Return the facts of changed values of a server."""
    return AuditFacts(server_name=server_name, changes=changes, **more)  # type: ignore[arg-type]


def grant(tier: int, ends_at: datetime | None, reason: str | None = None) -> AuditFacts:
    """Return the facts of a grant for a community without one."""
    new = {"tier": tier, "is_granted": True, "ends_at": ends_at}
    changes = (FieldChange(name, old, new[name]) for name, old in NO_PREMIUM.items())
    return AuditFacts(changes=tuple(changes), reason=reason)


SENTENCES = [
    (
        "recap",
        change(
            FieldChange("is_daily", old=False, new=True),
            FieldChange("hour", 9, 20),
            FieldChange("weekday", "mon", "sun"),
            server_name=None,
        ),
        "daily recap: off → on, hour of recaps: 9 → 20, day of the weekly recap: Monday → Sunday",
    ),
    (
        "language",
        change(
            FieldChange("language", None, "pt-BR"),
            FieldChange("timezone", "UTC", "America/Sao_Paulo"),
            server_name=None,
        ),
        "language: Automatic → Português (Brasil), time zone: UTC → America/Sao_Paulo",
    ),
    (
        "roles add",
        AuditFacts(
            changes=(
                FieldChange("role_id", None, 6),
                FieldChange("kills", None, 100),
                FieldChange("kd", None, "2.5"),
                FieldChange("match", None, "any"),
                FieldChange("period", None, "7d"),
                FieldChange("keep", None, 0),
                FieldChange("ladder", None, "ranks"),
            )
        ),
        (
            "<@&6>: Any condition · 100 kills or more · K/D of 2.50 or more · all game servers · "
            "Last 7 days · margin 0 % · ladder ranks"
        ),
    ),
    (
        "roles edit",
        AuditFacts(
            changes=(
                FieldChange("role_id", 6, 6),
                FieldChange("rank", None, 3),
                FieldChange("board", "kills", "streak"),
                FieldChange("longest", 200, None),
                FieldChange("server_id", None, "aaaaaaaa"),
            ),
            server_name="North",
        ),
        (
            "<@&6>: place: none → 3, board: Kills → Best streak, "
            "longest kill: 200\u00a0m → none, game server: North"
        ),
    ),
    (
        "roles edit",
        AuditFacts(changes=(FieldChange("role_id", 6, 6), FieldChange("faction_id", "", "Night_Wolves"))),
        "<@&6>: faction: a disbanded faction → Night_Wolves",
    ),
    (
        "roles remove",
        change(FieldChange("role_id", 6, None), FieldChange("faction_id", "", None), server_name=None),
        "<@&6>: membership in a disbanded faction · all game servers · All time",
    ),
    (
        "roles remove",
        change(FieldChange("role_id", 6, None), FieldChange("streak", 5, None)),
        "<@&6>: a streak of 5 or more · North · All time",
    ),
    (
        "roles off",
        AuditFacts(changes=(FieldChange("role_id", 6, None),)),
        "<@&6>: every member with a linked player · all game servers · All time",
    ),
    (
        "faction create",
        change(
            FieldChange("name", None, "Wolves"),
            FieldChange("tag", None, "WLF"),
            FieldChange("is_open", None, new=True),
        ),
        "**Wolves** [WLF] founded",
    ),
    (
        "faction edit",
        change(FieldChange("name", "Wolves", "Wolves"), FieldChange("is_open", old=True, new=False)),
        "**Wolves**: open to everyone: on → off",
    ),
    (
        "faction rename",
        change(FieldChange("name", "Wolves", "Bears"), FieldChange("tag", "WLF", "BRS")),
        "**Wolves**: name: Wolves → Bears, tag: WLF → BRS",
    ),
    (
        "faction disband",
        change(FieldChange("name", "Wolves", None), FieldChange("tag", "WLF", None)),
        "**Wolves** disbanded",
    ),
    (
        "faction leader",
        AuditFacts(member_id=MemberId(7), changes=(FieldChange("faction", None, "Wolves"),)),
        "<@7> leads **Wolves** now",
    ),
    (
        "season start",
        change(
            FieldChange("season", None, "Winter"),
            FieldChange("first_day", None, "2026-12-01"),
            FieldChange("last_day", None, "2026-12-31"),
        ),
        "Winter of North, from 01 Dec 2026 to 31 Dec 2026",
    ),
    (
        "season start",
        change(
            FieldChange("season", None, "Winter"),
            FieldChange("first_day", None, "2026-12-01"),
            server_name=None,
        ),
        "Winter, from 01 Dec 2026 on",
    ),
    ("season end", change(FieldChange("season", "Winter", None), server_name=None), "Winter"),
    ("season cancel", change(FieldChange("season", "Winter", None)), "Winter of North"),
    ("errors resolve", change(FieldChange("K7M2QX", "open", "resolved")), "error K7M2QX"),
    (
        "events set",
        change(
            FieldChange("mission.min_level", None, 4),
            FieldChange("leave.hold_seconds", 30, 0),
        ),
        "North: lowest level of missions: none → Epic, time to come back of leaves: 30 s → 0 s",
    ),
    (
        "events mention",
        change(
            FieldChange("airdrop.role_id", None, 77),
            FieldChange("airdrop.cooldown_minutes", 60, None),
            server_name=None,
        ),
        "mentioned role of airdrops: none → <@&77>, pause between mentions of airdrops: 1 h → none",
    ),
    (
        "events mute",
        change(
            FieldChange("bunker_01_mis1", old=False, new=True), FieldChange("x_mis_1", old=True, new=False)
        ),
        "North: Underground Bunker muted, X posted again",
    ),
    (
        "events mute",
        change(FieldChange("bunker_01_mis1", old=False, new=True), server_name=None),
        "Underground Bunker muted",
    ),
    ("server add", ADDED, "North (renter at 192.0.2.1 port 22)"),
    (
        "server add",
        AuditFacts(
            server_name="North",
            changes=(*ADDED.changes, FieldChange("number", None, 4)),
            is_done=False,
            failed_step="Login",
        ),
        "North (renter at 192.0.2.1 port 22, number 4): not added, “Login” failed",
    ),
    (
        "server add",
        AuditFacts(server_name="North", changes=ADDED.changes, is_done=False),
        "North (renter at 192.0.2.1 port 22): tested, but not added",
    ),
    (
        "server edit",
        change(
            FieldChange("base_path", None, "a/b"),
            FieldChange("legacy", old=False, new=True),
            FieldChange("secret"),
        ),
        (
            "North: log folder: none → a/b, old SSH encryption: off → on, "
            "login: old password or key → new password or key"
        ),
    ),
    (
        "server edit",
        change(FieldChange("port", 22, 23), FieldChange("host_key"), is_done=False, failed_step="Login"),
        "North: port: 22 → 23, host key: old one → new one; not changed, “Login” failed",
    ),
    ("server edit", change(FieldChange("name", "a", "b"), is_done=False), "North: name: a → b; not changed"),
    ("server announce", change(FieldChange("kill", old=True, new=False)), "North, kills: on → off"),
    (
        "server remove",
        change(*REMOVED, FieldChange("statistics", old=True, new=False)),
        "North (renter at 192.0.2.1 port 22): stats deleted",
    ),
    (
        "server remove",
        change(*REMOVED, FieldChange("statistics", old=True, new=True)),
        "North (renter at 192.0.2.1 port 22): stats kept",
    ),
    ("server import", AuditFacts(server_name="North"), "North"),
    ("server hostkey", change(FieldChange("host_key", None, "SHA256:b")), "North: none → SHA256:b"),
    ("server slots", change(FieldChange("slots", None, 70)), "North: places: none → 70"),
    (
        "server restarts",
        change(
            FieldChange("restart_times", None, "02:00, 14:00"),
            FieldChange("restart_warning", 0, 10),
        ),
        "North: restarts: none → 02:00, 14:00, minutes of warning: 0 → 10",
    ),
    (
        "channel style",
        AuditFacts(changes=(FieldChange("7.delay_minutes", 0, 5),)),
        "delay of <#7>: off → 5 minutes",
    ),
    ("channel set", change(FieldChange("killfeed", 5, 6)), "killfeed of North: <#5> → <#6>"),
    ("channel clear", change(FieldChange("killfeed", 5), server_name=None), "killfeed: <#5> → none"),
    ("role", change(FieldChange("admin_role_id", None, 5), server_name=None), "none → <@&5>"),
    (
        "bounty",
        change(
            FieldChange("is_auto", old=True, new=False), FieldChange("max_amount", 9, 8), server_name=None
        ),
        "bounties by the house: on → off, largest bounty: 9 → 8",
    ),
    (
        "wallet",
        AuditFacts(member_id=ANN, changes=(FieldChange("balance", 200, 1700),), reason="a prize"),
        "<@2>: +1,500 emeralds (now 1,700): a prize",
    ),
    (
        "wallet",
        AuditFacts(member_id=ERASED_MEMBER_ID, changes=(FieldChange("balance", 2, 1),), reason="a fine"),
        "an erased member: -1 emerald (now 1): a fine",
    ),
    (
        "counter format",
        change(FieldChange("counter_format", None, "{online} of {max}")),
        "North: counter format: none → {online} of {max}",
    ),
    (
        "xp",
        AuditFacts(changes=(FieldChange("xp_factor", None, 2), FieldChange("xp_ends_at", None, AT))),
        "XP of a kill: none → 2, end of more XP: none → 30 Apr 2025, 12:00 UTC",
    ),
    ("board post", change(FieldChange("kd", None, 7)), "K/D, North, in <#7>"),
    ("board remove", change(FieldChange("kd", 7), server_name=None), "K/D, all servers"),
    ("link ask", LINK, "<@2> asked to be linked to Wolf"),
    ("link confirm", LINK, "<@2> linked to Wolf"),
    (
        "link remove",
        AuditFacts(member_id=ANN, player_name=ERASED_NAME, changes=(FieldChange("state", "proven"),)),
        "<@2> unlinked from erased player (was proven)",
    ),
    ("premium grant", grant(1, None), "tier 0 (Scavenger), default → tier 1 (Survivor), doesn't expire"),
    (
        "premium revoke",
        grant(2, AT, "asked for it"),
        "tier 0 (Scavenger), default → tier 2 (Mercenary), until 30 Apr 2025, 12:00 UTC (asked for it)",
    ),
    ("premium end", grant(1, None), "tier 0 (Scavenger), default → tier 1 (Survivor), doesn't expire"),
    (
        "backup restore",
        AuditFacts(changes=(FieldChange("backup", new="killfeed-x"), FieldChange("taken_at", new=AT))),
        "all data is that of 30 Apr 2025, 12:00 UTC again (backup killfeed-x)",
    ),
    ("data repair", AuditFacts(changes=(FieldChange("deaths", new=2),)), "2 deaths are back from a backup"),
    (
        "data repair",
        AuditFacts(member_id=ANN, changes=(FieldChange("wallet", new=True),)),
        "<@2>: the balance is that of the ledger again",
    ),
    (
        "data repair",
        AuditFacts(changes=(FieldChange("figures", new=True),)),
        "all figures of a game server are counted again",
    ),
    (
        "data repair",
        AuditFacts(changes=(FieldChange("marks", new=1),)),
        "1 link names the faction of its member again",
    ),
    ("data export", AuditFacts(player_id=PLAYER, player_name="Wolf"), "player Wolf"),
    ("data export", AuditFacts(member_id=ANN), "<@2>"),
    ("data erase", AuditFacts(member_id=ERASED_MEMBER_ID), "a member, by an admin"),
    ("data erase", AuditFacts(player_id=ERASED_PLAYER_ID, player_name=ERASED_NAME), "a player, by an admin"),
]


@pytest.mark.parametrize(("action", "facts", "expected"), SENTENCES)
def test_entry_is_worded_from_its_facts(action: str, facts: AuditFacts, expected: str) -> None:
    """Mentions keep Discord's form."""
    assert str(describe_facts(AuditEntry(AT, ADMIN, action, facts))) == expected


def test_every_action_has_its_sentence() -> None:
    """Every action has a sentence here and in the code; an unknown action is shown by its values."""
    assert {action for action, _, _ in SENTENCES} == {action.value for action in AuditAction}
    told = describe_facts(AuditEntry(AT, ADMIN, "of tomorrow", change(FieldChange("max_size", 1, None))))
    assert str(told) == "North: max size: 1 → none"
    own = AuditEntry(AT, None, AuditAction.DATA_ERASE, AuditFacts(member_id=ERASED_MEMBER_ID))
    assert str(describe_facts(own)) == "a member, on their own request"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a prize", "a prize"),
        ("for <@2>, in <#5> **now** <@&6>", "for <@2>, in <#5> \\*\\*now\\*\\* <@&6>"),
        ("<@!2> <@3>", "<@2> <@3>"),
        ("", ""),
    ],
)
def test_mentions_that_somebody_typed_show_as_names(typed: str, shown: str) -> None:
    """The rest of the text is shown as its letters."""
    assert ENGLISH_LOCALIZER.write(show_typed(typed)) == shown
