"""The embeds of premium, of changes and of tasks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from utils.embeds.audit import ListedTask
from utils.embeds.factory import EmbedFactory
from utils.models.audit import AuditEntry, AuditFacts, FieldChange
from utils.models.premium import (
    TIERS,
    GrantChange,
    PremiumAction,
    PremiumEvent,
    PremiumOverview,
    PremiumState,
    TierOffer,
    list_offers,
)
from utils.models.scope import GuildId, MemberId
from utils.models.servers import CheckStep, HostKey, HostKeys, WayStep
from utils.models.texts import Text, text
from utils.tasks import TaskReport, TaskState

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
END = AT + timedelta(days=1)
STAMP, END_STAMP = int(AT.timestamp()), int(END.timestamp())
OFFERS = list_offers(minimum_seconds=5)
OVERVIEW = PremiumOverview(PremiumState(TIERS[2], END, is_granted=True), ("North", "South_1"), (), OFFERS)


@pytest.fixture(name="factory", scope="module")
def _factory() -> EmbedFactory:
    return EmbedFactory()


def test_status_shows_tier_end_and_slots(factory: EmbedFactory) -> None:
    """The table marks the own tier."""
    embed = factory.build_premium(OVERVIEW)
    assert (embed.title, embed.description) == (
        "⭐ Tier 2: Mercenary",
        f"Ends <t:{END_STAMP}:f> (<t:{END_STAMP}:R>).",
    )
    slots, tiers = embed.fields
    assert (slots.name, slots.value) == ("Game servers", "2 of 5 used")
    lines = tiers.value.split("\n")
    assert lines[:-1:2] == [
        "**0 · Scavenger** · 1 game server",
        "**1 · Survivor** · 2 game servers",
        "▶ **2 · Mercenary** · 5 game servers",
        "**3 · Warlord** · 10 game servers",
        "**4 · Overseer** · 25 game servers",
    ]
    assert lines[1] == "-# checked every 30 s · killfeed, history import, stats, links, server status"
    assert lines[-1] == "Each tier includes everything of the lower tiers."


def test_status_names_what_is_paused(factory: EmbedFactory) -> None:
    """Names of servers are foreign text; the default has no end."""
    state = PremiumState(TIERS[0])
    embed = factory.build_premium(replace(OVERVIEW, state=state, paused=("South_1",)))
    assert embed.fields[0].value == ("1 of 1 used\n⏸️ Paused, over the limit: South\\_1. I keep their data.")
    assert "Default tier" in str(embed.description)
    endless = factory.build_premium(replace(OVERVIEW, state=replace(OVERVIEW.state, ends_at=None)))
    assert endless.description == "Granted, doesn't expire."


def test_tiers_show_a_row_each(factory: EmbedFactory) -> None:
    """A tier without new features shows its rate; the highest one has all features."""
    bare = [TierOffer(tier, tier.poll_seconds, ()) for tier in TIERS]
    embed = factory.build_tiers(replace(OVERVIEW, offers=tuple(bare)))
    assert str(embed.description).split("\n")[1:-2:2] == [
        "-# checked every 30 s",
        "-# checked every 15 s",
        "-# checked every 10 s",
        "-# checked every 5 s",
        "-# checked every 5 s · all features of tier 3",
    ]


def test_grant_shows_new_and_old_state_and_the_history(factory: EmbedFactory) -> None:
    """The newest line comes first, with actor and reason; a community without the bot is named as such."""
    history = (
        PremiumEvent(AT, PremiumAction.GRANTED, 1, END, by=MemberId(7)),
        PremiumEvent(AT, PremiumAction.ENDED, 1, END),
        PremiumEvent(AT, PremiumAction.REVOKED, 2, END, by=MemberId(7), reason="**asked**"),
    )
    old, new = PremiumState(TIERS[1], END, is_granted=True), PremiumState(TIERS[0])
    embed = factory.build_grant(
        Text("Premium revoked"), GrantChange(old, new, ("a_b",), history), is_member=False
    )
    assert embed.description == ("I'm not in that Discord server yet. The change counts once I'm invited.")
    assert {field.name: field.value for field in embed.fields} == {
        "Now": "Tier 0 (Scavenger), the default",
        "Before": f"Tier 1 (Survivor), until <t:{END_STAMP}:f>",
        "Paused game servers": "a\\_b",
        "History": (
            f"<t:{STAMP}:f> · tier 2 revoked · by <@7> · \\*\\*asked\\*\\*\n"
            f"<t:{STAMP}:f> · tier 1 ended\n"
            f"<t:{STAMP}:f> · tier 1 granted · until <t:{END_STAMP}:D> · by <@7>"
        ),
    }
    endless = GrantChange(old, PremiumState(TIERS[2], None, is_granted=True), (), ())
    fields = factory.build_grant(Text("Premium granted"), endless, is_member=True).fields
    assert [field.value for field in fields if field.name in ("Now", "History")] == [
        "Tier 2 (Mercenary), doesn't expire",
        "none",
    ]


def test_audit_escapes_text_and_keeps_mentions(factory: EmbedFactory) -> None:
    """Mentions show as names, typed text as its letters, ids of players not at all."""
    channel = AuditFacts(server_name="**x**", changes=(FieldChange("killfeed", None, 5),))
    typed = "@everyone " + "0002" + "ab" * 14
    entries = [
        AuditEntry(AT, MemberId(7), "channel set", channel),
        AuditEntry(AT, None, "an action of tomorrow", AuditFacts(server_name=typed)),
        AuditEntry(AT, MemberId(7), "role", AuditFacts(changes=(FieldChange("admin_role_id", 5, 6),))),
    ]
    embed = factory.build_audit(entries, total=1234)
    assert embed.description == (
        f"<t:{STAMP}:f> · <@7> · **channel set**\n> killfeed of \\*\\*x\\*\\*: none → <#5>\n"
        f"<t:{STAMP}:f> · the bot · **an action of tomorrow**\n> @\u200beveryone (id)\n"
        f"<t:{STAMP}:f> · <@7> · **role**\n> <@&5> → <@&6>"
    )
    assert embed.footer is not None
    assert embed.footer.text == "1,234 in total"
    assert factory.build_audit([], total=0).description == "No matching changes."


def test_tasks_show_state_runs_errors_and_next_run(factory: EmbedFactory) -> None:
    """A failed task is marked and has its error."""
    well = TaskReport("sftp:idle", None, TaskState.WAITING, 1200, 0, None, END)
    ill = TaskReport("read:deaths:1/a", GuildId(1), TaskState.FAILED, 3, 2, "OSError: **no**", None)
    embed = factory.build_tasks([ListedTask("sftp:idle", well), ListedTask("read deaths: a_b", ill)], total=2)
    assert embed.description == (
        f"✅ **sftp\\:idle** · waiting · 1,200 runs · next <t:{END_STAMP}:R>\n"
        "❌ **read deaths\\: a\\_b** · failed · 3 runs, 2 errors\n> OSError\\: \\*\\*no\\*\\*"
    )
    assert factory.build_tasks([], total=0).description == "Nothing is running."


def test_edit_shows_each_change_and_what_was_tested(factory: EmbedFactory) -> None:
    """A changed zone has a note about the effects that it does not have."""
    changes = (FieldChange("name", "a_b", "c"), FieldChange("timezone", "UTC", "Europe/Berlin"))
    embed = factory.build_edited(
        "c", changes, steps=(CheckStep(WayStep.LOGIN, ok=True, detail=text("fine")),)
    )
    assert str(embed.description).splitlines() == [
        "**name**: a\\_b → c",
        "**time zone**: UTC → Europe/Berlin",
        "New deaths use the new time zone. Run `/admin server import` to correct the older ones.",
        "✅ fine",
    ]


def test_host_keys_show_old_and_new_only_when_they_differ(factory: EmbedFactory) -> None:
    """Fingerprints look like those of ssh-keygen; for a host that is away there is the reason."""
    old, new = HostKey("ssh-ed25519 A", "SHA256:old"), HostKey("ssh-rsa B", "SHA256:new")
    shown = {
        name: [(field.name, field.value) for field in factory.build_host_keys("North", keys).fields]
        for name, keys in {
            "same": HostKeys(old, old),
            "changed": HostKeys(old, new),
            "away": HostKeys(old, None, text("no route")),
        }.items()
    }
    assert shown == {
        "same": [("Saved", "`SHA256:old` (ssh-ed25519)")],
        "changed": [
            ("Saved (old)", "`SHA256:old` (ssh-ed25519)"),
            ("Shown now (new)", "`SHA256:new` (ssh-rsa)"),
        ],
        "away": [("Saved", "`SHA256:old` (ssh-ed25519)")],
    }
    away = factory.build_host_keys("North", HostKeys(old, None, text("no route")))
    assert away.description == "I couldn't ask the host: no route"
