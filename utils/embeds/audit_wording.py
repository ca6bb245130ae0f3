"""The sentences of the audit: one for each action, worded from the facts of an entry."""

from collections.abc import Callable, Mapping
from datetime import datetime

from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FactValue, FieldChange
from utils.models.mentions import ERASED_MEMBER
from utils.models.premium import TIERS
from utils.models.quantities import write_quantity
from utils.models.scope import ERASED_MEMBER_ID
from utils.models.servers import name_step

_NONE = "none"
_SECRETS = {
    "secret": ("login", "old secret", "new secret"),
    "host_key": ("host key", "pinned", "pinned anew"),
}
"""What is told of a change without its values."""


def write_facts(entry: AuditEntry) -> str:
    """Return what an entry tells, with mentions of Discord, not escaped."""
    if entry.action == AuditAction.DATA_ERASE:
        who = "by themself" if entry.actor_id is None else "by an admin"
        return f"{'a player' if entry.facts.member_id is None else 'a member'}, {who}"
    return _SENTENCES.get(entry.action, _write_changes)(entry.facts)


def write_member(member_id: FactValue) -> str:
    """Return a member as a mention, unless they were erased."""
    return ERASED_MEMBER if member_id == ERASED_MEMBER_ID else f"<@{member_id}>"


def write_change(change: FieldChange) -> tuple[str, str, str]:
    """Return name, old and new value of a change as people read them; a secret is never told."""
    if change.old is None and change.new is None and change.name in _SECRETS:
        return _SECRETS[change.name]
    return change.name.replace("_", " "), _write_value(change.old), _write_value(change.new)


def _write_value(value: FactValue) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return _NONE if value is None else str(value)


def _write_changes(facts: AuditFacts) -> str:
    changes = ", ".join(_join_change(*write_change(change)) for change in facts.changes)
    return ": ".join(part for part in (facts.server_name, changes) if part)


def _join_change(name: str, old: str, new: str) -> str:
    return f"{name}: {old} → {new}"


def _write_added(facts: AuditFacts) -> str:
    if facts.is_done:
        return _write_server(facts)
    why = f"“{name_step(facts.failed_step)}” failed" if facts.failed_step else "refused after its test"
    return f"{_write_server(facts)}: not added, {why}"


def _write_removed(facts: AuditFacts) -> str:
    fate = "kept" if facts.get_change("statistics").new else "deleted"
    return f"{_write_server(facts)}: statistics {fate}"


def _write_server(facts: AuditFacts) -> str:
    place = {
        change.name: change.old if change.new is None else change.new
        for change in facts.changes
        if change.name != "statistics"
    }
    number = f", number {place['number']}" if "number" in place else ""
    return f"{facts.server_name} ({place['username']} at {place['host']} port {place['port']}{number})"


def _write_edited(facts: AuditFacts) -> str:
    failed = f", “{name_step(facts.failed_step)}” failed" if facts.failed_step else ""
    return _write_changes(facts) + ("" if facts.is_done else f"; not changed{failed}")


def _write_announced(facts: AuditFacts) -> str:
    return f"{facts.server_name}, {_write_changes(AuditFacts(changes=facts.changes))}"


def _write_host_key(facts: AuditFacts) -> str:
    key = facts.get_change("host_key")
    return f"{facts.server_name}: {_write_value(key.old)} → {_write_value(key.new)}"


def _write_channel(facts: AuditFacts) -> str:
    where = f" of {facts.server_name}" if facts.server_name else ""
    [change] = facts.changes
    return f"{change.name}{where}: {_mention('#', change.old)} → {_mention('#', change.new)}"


def _write_role(facts: AuditFacts) -> str:
    change = facts.get_change("admin_role_id")
    return f"{_mention('@&', change.old)} → {_mention('@&', change.new)}"


def _mention(sign: str, number: FactValue) -> str:
    return _NONE if number is None else f"<{sign}{number}>"


def _write_bounty_settings(facts: AuditFacts) -> str:
    return "; ".join(_join_change(one.name, str(one.old), str(one.new)) for one in facts.changes)


def _write_wallet(facts: AuditFacts) -> str:
    balance = facts.get_change("balance")
    old, new = int(str(balance.old)), int(str(balance.new))
    changed = f"{'+' if new > old else ''}{write_quantity(new - old, 'emerald')}"
    return f"{write_member(facts.member_id)}: {changed}, now {new:,}. {facts.reason}"


def _write_board(facts: AuditFacts) -> str:
    [change] = facts.changes
    where = "" if change.new is None else f" in {_mention('#', change.new)}"
    return f"{change.name} of {facts.server_name or 'all servers'}{where}"


def _write_link_asked(facts: AuditFacts) -> str:
    return f"{write_member(facts.member_id)} says that the player is {facts.player_name}"


def _write_link_confirmed(facts: AuditFacts) -> str:
    return f"{write_member(facts.member_id)} is {facts.player_name}"


def _write_link_removed(facts: AuditFacts) -> str:
    was = facts.get_change("state").old
    return f"{write_member(facts.member_id)} is no longer {facts.player_name} (was {was})"


def _write_premium(facts: AuditFacts) -> str:
    reason = f" ({facts.reason})" if facts.reason else ""
    old, new = ({one.name: getattr(one, side) for one in facts.changes} for side in ("old", "new"))
    return f"{_write_tier(old)} → {_write_tier(new)}{reason}"


def _write_tier(state: Mapping[str, FactValue]) -> str:
    tier, ends_at = TIERS[int(str(state["tier"]))], state["ends_at"]
    name = f"tier {tier.level} ({tier.name})"
    if not state["is_granted"]:
        return f"{name}, default"
    return (
        f"{name}, until {ends_at:%Y-%m-%d %H:%M} UTC" if isinstance(ends_at, datetime) else f"{name}, no end"
    )


def _write_exported(facts: AuditFacts) -> str:
    return f"player {facts.player_name}" if facts.member_id is None else write_member(facts.member_id)


_SENTENCES: Mapping[str, Callable[[AuditFacts], str]] = {
    AuditAction.SERVER_ADD: _write_added,
    AuditAction.SERVER_EDIT: _write_edited,
    AuditAction.SERVER_ANNOUNCE: _write_announced,
    AuditAction.SERVER_REMOVE: _write_removed,
    AuditAction.SERVER_IMPORT: _write_changes,
    AuditAction.SERVER_HOSTKEY: _write_host_key,
    AuditAction.CHANNEL_SET: _write_channel,
    AuditAction.CHANNEL_CLEAR: _write_channel,
    AuditAction.ROLE: _write_role,
    AuditAction.BOUNTIES: _write_bounty_settings,
    AuditAction.WALLET: _write_wallet,
    AuditAction.BOARD_POST: _write_board,
    AuditAction.BOARD_REMOVE: _write_board,
    AuditAction.LINK_ASK: _write_link_asked,
    AuditAction.LINK_CONFIRM: _write_link_confirmed,
    AuditAction.LINK_REMOVE: _write_link_removed,
    AuditAction.PREMIUM_GRANT: _write_premium,
    AuditAction.PREMIUM_REVOKE: _write_premium,
    AuditAction.PREMIUM_END: _write_premium,
    AuditAction.DATA_EXPORT: _write_exported,
}
