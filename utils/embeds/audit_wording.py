"""The sentences of the audit: one for each action, worded from the facts of an entry."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime

from utils.embeds.event_values import describe_event_value
from utils.embeds.rule_wording import describe_rule_changes, describe_rule_facts
from utils.embeds.wording import FEED_SWITCHES
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FactValue, FieldChange
from utils.models.event_settings import POSTED_KIND_NAMES, PostedKind
from utils.models.guilds import CHANNEL_KIND_NAMES
from utils.models.languages import AUTOMATIC, LANGUAGE_CHOICES, name_language
from utils.models.links import LinkState
from utils.models.missions import get_mission
from utils.models.post_styles import POST_STYLE_NAMES, PostStyle
from utils.models.posted_boards import POSTED_NAMES
from utils.models.premium import TIERS
from utils.models.recaps import WEEKDAY_CHOICES, Weekday
from utils.models.scope import ERASED_MEMBER_ID
from utils.models.servers import name_step
from utils.models.texts import (
    Day,
    Mention,
    Metres,
    Moment,
    Names,
    Number,
    Text,
    Value,
    join,
    plural,
    text,
    text_in,
)
from utils.models.visible_text import clean_text

_VALUE_CHARACTERS = 200
_MENTION = re.compile(r"<(#|@&|@)!?([0-9]{1,20})>")
_NONE = text_in("a setting", "none")
_SECRETS: Mapping[str, tuple[Text, Text, Text]] = {
    "secret": (text_in("a setting", "login"), text("old password or key"), text("new password or key")),
    "host_key": (text_in("a setting", "host key"), text("old one"), text("new one")),
}
"""The words for a change without its values."""
_FIELDS: Mapping[str, Text] = {
    "name": text_in("a setting", "name"),
    "host": text_in("a setting", "host"),
    "port": text_in("a setting", "port"),
    "username": text_in("a setting", "user name"),
    "number": text_in("a setting", "server number"),
    "base_path": text_in("a setting", "log folder"),
    "timezone": text_in("a setting", "time zone"),
    "legacy": text_in("a setting", "old SSH encryption"),
    "slots": text_in("a setting", "places"),
    "restart_times": text_in("a setting", "restarts"),
    "restart_warning": text_in("a setting", "minutes of warning"),
    "is_enabled": text_in("a setting", "bounties and paid kills"),
    "is_auto": text_in("a setting", "bounties by the house"),
    "expiry_hours": text_in("a setting", "hours a bounty lasts"),
    "max_amount": text_in("a setting", "largest bounty"),
    "is_daily": text_in("a setting", "daily recap"),
    "is_weekly": text_in("a setting", "weekly recap"),
    "hour": text_in("a setting", "hour of recaps"),
    "weekday": text_in("a setting", "day of the weekly recap"),
    "language": text_in("a setting", "language"),
    "xp_factor": text_in("a setting", "XP of a kill"),
    "xp_ends_at": text_in("a setting", "end of more XP"),
    "counter_format": text_in("a setting", "counter format"),
    "style": text_in("a setting", "style"),
    "delay_minutes": text_in("a setting", "delay"),
    "min_distance": text_in("a setting", "minimum distance"),
    "tag": text_in("a setting", "tag"),
    "is_open": text_in("a setting", "open to everyone"),
    **{kind.value: name for kind, name in FEED_SWITCHES.items()},
    **{kind.value: name for kind, name in CHANNEL_KIND_NAMES.items()},
}
"""The names of settings, classes of death, highlights and kinds of channels for people."""
_EVENT_FIELDS: Mapping[str, Text] = {
    "is_on": text_in("a setting", "posted"),
    "min_level": text_in("a setting", "lowest level"),
    "is_edited": text_in("a setting", "edited"),
    "hold_seconds": text_in("a setting", "time to come back"),
    "role_id": text_in("a setting", "mentioned role"),
    "cooldown_minutes": text_in("a setting", "pause between mentions"),
    "mention_level": text_in("a setting", "lowest level with a mention"),
}


def describe_facts(entry: AuditEntry) -> Text:
    """Return the sentence of an entry."""
    if entry.action == AuditAction.DATA_ERASE:
        return _describe_erased(entry)
    return _SENTENCES.get(entry.action, _describe_changes)(entry.facts)


def describe_member(member_id: FactValue) -> Value:
    """Return a member as a mention, unless they were erased."""
    return text("an erased member") if member_id == ERASED_MEMBER_ID else Mention("@", int(str(member_id)))


def describe_change(change: FieldChange) -> tuple[Value, Value, Value]:
    """Return name, old and new value of a change for people; a secret is never shown."""
    if change.old is None and change.new is None and change.name in _SECRETS:
        return _SECRETS[change.name]
    name = _name_setting(change.name)
    if change.name == "weekday":
        return name, _describe_weekday(change.old), _describe_weekday(change.new)
    if change.name == "language":
        return name, _describe_language(change.old), _describe_language(change.new)
    return name, _describe_value(change.old), _describe_value(change.new)


def describe_style_value(name: str, value: FactValue) -> Value:
    """Return a value of a channel's style by the name of its field."""
    if name == "style":
        return POST_STYLE_NAMES[PostStyle(str(value))]
    if not value:
        return text_in("a setting", "off")
    number = int(str(value))
    return Metres(number) if name == "min_distance" else plural("{count} minute", "{count} minutes", number)


def show_typed(typed: str) -> Text:
    """Return a typed text, in which mentions stay mentions."""
    shown, end = Text(""), 0
    for found in _MENTION.finditer(typed):
        before = typed[end : found.start()]
        shown, end = _append(_append(shown, before), Mention(found[1], int(found[2]))), found.end()
    return _append(shown, typed[end:])


def _append(shown: Text, value: Value) -> Text:
    """Return a text followed by a value, with the blanks at the value's edges, which writers drop."""
    if value == "":
        return shown
    place = f"part{len(shown.values)}"
    before = after = ""
    if isinstance(value, str):
        before, after = " " * value[:1].isspace(), " " * value[-1:].isspace()
        if value.isspace():
            return Text(f"{shown.source} ", shown.values)
    return Text(f"{shown.source}{before}{{{place}}}{after}", (*shown.values, (place, value)))


def _name_setting(name: str) -> Value:
    return _FIELDS.get(name) or name.replace("_", " ")


def _describe_value(value: FactValue) -> Value:
    match value:
        case bool():
            return text_in("a setting", "on") if value else text_in("a setting", "off")
        case datetime():
            return Moment(value, "f")
        case None:
            return _NONE
        case _:
            return clean_text(str(value), _VALUE_CHARACTERS)


def _describe_weekday(value: FactValue) -> Value:
    return WEEKDAY_CHOICES[Weekday(str(value))]


def _describe_language(code: FactValue) -> Value:
    return LANGUAGE_CHOICES[AUTOMATIC] if code is None else name_language(str(code))


def _describe_changes(facts: AuditFacts) -> Text:
    changes = [_join_change(change) for change in facts.changes]
    if facts.server_name is None:
        return text("{changes}", changes=Names(tuple(changes)))
    if not changes:
        return text("{server}", server=facts.server_name)
    return text("{server}: {changes}", server=facts.server_name, changes=Names(tuple(changes)))


def _join_change(change: FieldChange) -> Text:
    name, old, new = describe_change(change)
    return text("{setting}: {old} → {new}", setting=name, old=old, new=new)


def _describe_erased(entry: AuditEntry) -> Text:
    is_own = entry.actor_id is None
    if entry.facts.member_id is None:
        return text("a player, on their own request") if is_own else text("a player, by an admin")
    return text("a member, on their own request") if is_own else text("a member, by an admin")


def _describe_added(facts: AuditFacts) -> Text:
    server = _describe_server(facts)
    if facts.is_done:
        return server
    if facts.failed_step:
        return text("{server}: not added, “{step}” failed", server=server, step=name_step(facts.failed_step))
    return text("{server}: tested, but not added", server=server)


def _describe_removed(facts: AuditFacts) -> Text:
    server = _describe_server(facts)
    if facts.get_change("statistics").new:
        return text("{server}: stats kept", server=server)
    return text("{server}: stats deleted", server=server)


def _describe_server(facts: AuditFacts) -> Text:
    values = {change.name: change.old if change.new is None else change.new for change in facts.changes}
    place = text(
        "{username} at {host} port {port}",
        username=_describe_value(values["username"]),
        host=_describe_value(values["host"]),
        port=_describe_value(values["port"]),
    )
    server = facts.server_name or ""
    if "number" not in values:
        return text("{server} ({place})", server=server, place=place)
    number = _describe_value(values["number"])
    return text("{server} ({place}, number {number})", server=server, place=place, number=number)


def _describe_edited(facts: AuditFacts) -> Text:
    changes = _describe_changes(facts)
    if facts.is_done:
        return changes
    if facts.failed_step:
        step = name_step(facts.failed_step)
        return text("{changes}; not changed, “{step}” failed", changes=changes, step=step)
    return text("{changes}; not changed", changes=changes)


def _describe_announced(facts: AuditFacts) -> Text:
    changes = _describe_changes(AuditFacts(changes=facts.changes))
    return text("{server}, {changes}", server=facts.server_name or "", changes=changes)


def _describe_host_key(facts: AuditFacts) -> Text:
    key = facts.get_change("host_key")
    return text(
        "{server}: {old} → {new}",
        server=facts.server_name or "",
        old=_describe_value(key.old),
        new=_describe_value(key.new),
    )


def _describe_channel(facts: AuditFacts) -> Text:
    [change] = facts.changes
    kind = _name_setting(change.name)
    old, new = _mention("#", change.old), _mention("#", change.new)
    if facts.server_name is None:
        return text("{kind}: {old} → {new}", kind=kind, old=old, new=new)
    return text("{kind} of {server}: {old} → {new}", kind=kind, server=facts.server_name, old=old, new=new)


def _describe_season(facts: AuditFacts) -> Text:
    change = facts.get_change("season")
    season = clean_text(str(change.old if change.new is None else change.new), _VALUE_CHARACTERS)
    if facts.server_name is None:
        return text("{season}", season=season)
    return text("{season} of {server}", season=season, server=facts.server_name)


def _describe_season_started(facts: AuditFacts) -> Text:
    season, last = _describe_season(facts), facts.get_change("last_day").new
    first = Day(date.fromisoformat(str(facts.get_change("first_day").new)))
    if last is None:
        return text("{season}, from {first} on", season=season, first=first)
    return text(
        "{season}, from {first} to {last}",
        season=season,
        first=first,
        last=Day(date.fromisoformat(str(last))),
    )


def _describe_style(facts: AuditFacts) -> Text:
    return text("{changes}", changes=Names(tuple(map(_describe_style_change, facts.changes))))


def _describe_style_change(change: FieldChange) -> Text:
    channel_id, _, name = change.name.partition(".")
    return text(
        "{setting} of {channel}: {old} → {new}",
        setting=_name_setting(name),
        channel=Mention("#", int(channel_id)),
        old=describe_style_value(name, change.old),
        new=describe_style_value(name, change.new),
    )


def _describe_events(facts: AuditFacts) -> Text:
    changes = Names(tuple(map(_describe_event_change, facts.changes)))
    if facts.server_name is None:
        return text("{changes}", changes=changes)
    return text("{server}: {changes}", server=facts.server_name, changes=changes)


def _describe_event_change(change: FieldChange) -> Text:
    """Return the change of a choice for a kind of posts, named ``mission.min_level``."""
    kind, _, name = change.name.partition(".")
    return text(
        "{setting} of {kind}: {old} → {new}",
        setting=_EVENT_FIELDS.get(name) or name,
        kind=POSTED_KIND_NAMES[PostedKind(kind)],
        old=_describe_event_value(name, change.old),
        new=_describe_event_value(name, change.new),
    )


def _describe_event_value(name: str, value: FactValue) -> Value:
    return _describe_value(value) if value is None else describe_event_value(name, value)


def _describe_muted(facts: AuditFacts) -> Text:
    changes = [
        text("{mission} muted", mission=get_mission(change.name).name)
        if change.new
        else text("{mission} posted again", mission=get_mission(change.name).name)
        for change in facts.changes
    ]
    if facts.server_name is None:
        return text("{changes}", changes=Names(tuple(changes)))
    return text("{server}: {changes}", server=facts.server_name, changes=Names(tuple(changes)))


def _describe_role(facts: AuditFacts) -> Text:
    change = facts.get_change("admin_role_id")
    return text("{old} → {new}", old=_mention("@&", change.old), new=_mention("@&", change.new))


def _mention(sign: str, number: FactValue) -> Value:
    return _NONE if number is None else Mention(sign, int(str(number)))


def _describe_wallet(facts: AuditFacts) -> Text:
    balance = facts.get_change("balance")
    old, new = int(str(balance.old)), int(str(balance.new))
    member, now = describe_member(facts.member_id), Number(new)
    changed = plural(
        "{member}: {count} emerald (now {now})",
        "{member}: {count} emeralds (now {now})",
        new - old,
        member=member,
        now=now,
    )
    if new > old:
        changed = plural(
            "{member}: +{count} emerald (now {now})",
            "{member}: +{count} emeralds (now {now})",
            new - old,
            member=member,
            now=now,
        )
    return join([changed, show_typed(facts.reason)], ": ") if facts.reason else changed


def _describe_board(facts: AuditFacts) -> Text:
    [change] = facts.changes
    board, channel = POSTED_NAMES.get(change.name) or change.name, _mention("#", change.new)
    if facts.server_name is None:
        if change.new is None:
            return text("{board}, all servers", board=board)
        return text("{board}, all servers, in {channel}", board=board, channel=channel)
    if change.new is None:
        return text("{board}, {server}", board=board, server=facts.server_name)
    return text("{board}, {server}, in {channel}", board=board, server=facts.server_name, channel=channel)


def _describe_link_asked(facts: AuditFacts) -> Text:
    return text(
        "{member} asked to be linked to {player}",
        member=describe_member(facts.member_id),
        player=facts.player_name or "",
    )


def _describe_link_confirmed(facts: AuditFacts) -> Text:
    return text(
        "{member} linked to {player}", member=describe_member(facts.member_id), player=facts.player_name or ""
    )


def _describe_link_removed(facts: AuditFacts) -> Text:
    member, player = describe_member(facts.member_id), facts.player_name or ""
    if facts.get_change("state").old == LinkState.PROVEN:
        return text("{member} unlinked from {player} (was proven)", member=member, player=player)
    return text("{member} unlinked from {player} (was not proven)", member=member, player=player)


def _describe_premium(facts: AuditFacts) -> Text:
    old, new = (
        _describe_tier({one.name: getattr(one, side) for one in facts.changes}) for side in ("old", "new")
    )
    if not facts.reason:
        return text("{old} → {new}", old=old, new=new)
    return text("{old} → {new} ({reason})", old=old, new=new, reason=show_typed(facts.reason))


def _describe_tier(state: Mapping[str, FactValue]) -> Text:
    tier, ends_at = TIERS[int(str(state["tier"]))], state["ends_at"]
    level, name = Number(tier.level), tier.name
    if not state["is_granted"]:
        return text("tier {level} ({name}), default", level=level, name=name)
    if ends_at is None:
        return text("tier {level} ({name}), doesn't expire", level=level, name=name)
    return text("tier {level} ({name}), until {end}", level=level, name=name, end=_describe_value(ends_at))


def _describe_exported(facts: AuditFacts) -> Text:
    if facts.member_id is None:
        return text("player {player}", player=facts.player_name or "")
    return text("{member}", member=describe_member(facts.member_id))


def _describe_resolved(facts: AuditFacts) -> Text:
    [change] = facts.changes
    return text("error {reference}", reference=change.name)


def _describe_restored(facts: AuditFacts) -> Text:
    return text(
        "all data is that of {moment} again (backup {backup})",
        moment=_describe_value(facts.get_change("taken_at").new),
        backup=_describe_value(facts.get_change("backup").new),
    )


def _describe_founded(facts: AuditFacts) -> Text:
    name, tag = facts.get_change("name").new, facts.get_change("tag").new
    return text("**{faction}** [{tag}] founded", faction=_describe_value(name), tag=_describe_value(tag))


def _describe_faction(facts: AuditFacts) -> Text:
    name = _describe_value(facts.get_change("name").old)
    changed = [_join_change(change) for change in facts.changes if change.old != change.new]
    return text("**{faction}**: {changes}", faction=name, changes=Names(tuple(changed)))


def _describe_disbanded(facts: AuditFacts) -> Text:
    return text("**{faction}** disbanded", faction=_describe_value(facts.get_change("name").old))


def _describe_leader(facts: AuditFacts) -> Text:
    return text(
        "{member} leads **{faction}** now",
        member=describe_member(facts.member_id),
        faction=_describe_value(facts.get_change("faction").new),
    )


def _describe_repaired(facts: AuditFacts) -> Text:
    """Return what a repair did: to deaths, to links, to a wallet, or to all figures of a game server."""
    if (deaths := facts.get_change("deaths").new) is not None:
        number = int(str(deaths))
        return plural(
            "{count} death is back from a backup",
            "{count} deaths are back from a backup",
            number,
        )
    if (marks := facts.get_change("marks").new) is not None:
        return plural(
            "{count} link names the faction of its member again",
            "{count} links name the factions of their members again",
            int(str(marks)),
        )
    if facts.member_id is not None:
        return text(
            "{member}: the balance is that of the ledger again", member=describe_member(facts.member_id)
        )
    return text("all figures of a game server are counted again")


_SENTENCES: Mapping[str, Callable[[AuditFacts], Text]] = {
    AuditAction.SERVER_ADD: _describe_added,
    AuditAction.SERVER_EDIT: _describe_edited,
    AuditAction.SERVER_ANNOUNCE: _describe_announced,
    AuditAction.SERVER_REMOVE: _describe_removed,
    AuditAction.SERVER_IMPORT: _describe_changes,
    AuditAction.SERVER_HOSTKEY: _describe_host_key,
    AuditAction.SERVER_SLOTS: _describe_changes,
    AuditAction.SERVER_RESTARTS: _describe_changes,
    AuditAction.CHANNEL_SET: _describe_channel,
    AuditAction.CHANNEL_CLEAR: _describe_channel,
    AuditAction.CHANNEL_STYLE: _describe_style,
    AuditAction.ROLE: _describe_role,
    AuditAction.BOUNTIES: _describe_changes,
    AuditAction.WALLET: _describe_wallet,
    AuditAction.BOARD_POST: _describe_board,
    AuditAction.BOARD_REMOVE: _describe_board,
    AuditAction.LINK_ASK: _describe_link_asked,
    AuditAction.LINK_CONFIRM: _describe_link_confirmed,
    AuditAction.LINK_REMOVE: _describe_link_removed,
    AuditAction.PREMIUM_GRANT: _describe_premium,
    AuditAction.PREMIUM_REVOKE: _describe_premium,
    AuditAction.PREMIUM_END: _describe_premium,
    AuditAction.DATA_EXPORT: _describe_exported,
    AuditAction.ERRORS_RESOLVE: _describe_resolved,
    AuditAction.BACKUP_RESTORE: _describe_restored,
    AuditAction.DATA_REPAIR: _describe_repaired,
    AuditAction.EVENTS_SET: _describe_events,
    AuditAction.EVENTS_MENTION: _describe_events,
    AuditAction.EVENTS_MUTE: _describe_muted,
    AuditAction.ROLES_ADD: describe_rule_facts,
    AuditAction.ROLES_EDIT: describe_rule_changes,
    AuditAction.ROLES_REMOVE: describe_rule_facts,
    AuditAction.ROLES_OFF: describe_rule_facts,
    AuditAction.SEASON_START: _describe_season_started,
    AuditAction.SEASON_END: _describe_season,
    AuditAction.SEASON_CANCEL: _describe_season,
    AuditAction.FACTION_CREATE: _describe_founded,
    AuditAction.FACTION_EDIT: _describe_faction,
    AuditAction.FACTION_RENAME: _describe_faction,
    AuditAction.FACTION_DISBAND: _describe_disbanded,
    AuditAction.FACTION_LEADER: _describe_leader,
}
