"""The use of every command for its snapshots: the success, and the different kinds of refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fakes.full_shelf import KAMENSK, MIRNY, NAMES
from utils.errors import KillfeedError, StorageUnavailableError


@dataclass(frozen=True)
class Case:
    """One use of a command.

    Attributes:
        command: its full name; without a slash if it is in the menu on the ``member`` of the options.
        by: the user: alice (linked, has money), bob (neither), manager, owner.
        options: the given options; the values of member, channel, role and guild_id are names.
        name: the name of the snapshot.
        press: the button that is pressed afterwards.
        form: the values for the form, if the answer is one.
        tier: the tier of the community.
        is_granted: True: the tier is a grant for a year.
        failure: the error that the storage of figures raises.
    """

    command: str
    by: str = "alice"
    options: Mapping[str, object] = field(default_factory=dict)
    name: str = "success"
    press: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    tier: int = 4
    is_granted: bool = False
    failure: KillfeedError | None = None


def _admin(command: str, name: str = "success", /, **options: object) -> Case:
    return Case(command, "manager", options, name)


def _refused(command: str, name: str, /, *, by: str = "alice", tier: int = 4, **options: object) -> Case:
    return Case(command, by, options, name, tier=tier)


_NEW_SERVER = {
    "name": "North_*",
    "host": "192.0.2.20",
    "username": "renter",
    "number": 7,
    "timezone": "Europe/Berlin",
}
_STYLE = {"style": "card", "delay_minutes": 5, "min_distance": 50}
_REVOKED = {"guild_id": "here", "reason": "moved to **another** @everyone bot"}

CASES = (
    Case("/help"),
    Case("/help", "owner", name="everything"),
    Case("/help", options={"command": "bounty place"}, name="one command", tier=0),
    _refused("/help", "unknown command", command="**nothing**"),
    _admin("/setup"),
    Case("/killfeed recent", options={"count": 25}),
    Case("/killfeed recent", options={"server": MIRNY, "player": NAMES[0]}, name="of one player"),
    Case("/killfeed status"),
    Case("/playtime"),
    Case("/playtime", options={"player": NAMES[1], "server": KAMENSK, "period": "7d"}, name="of one player"),
    _refused("/playtime", "nobody linked", by="bob"),
    Case("/server online", options={"server": MIRNY}),
    Case("/server online", name="all servers"),
    _refused("/server online", "tier too low", tier=0),
    Case("/server status", options={"server": MIRNY}, tier=0),
    Case("/server status", name="all servers"),
    Case("/server events", options={"server": MIRNY}),
    Case("/server events", options={"kind": "airdrop"}, name="airdrops of all servers"),
    _refused("/server events", "tier too low", tier=0),
    Case("/server population", options={"server": MIRNY}),
    Case("/server population", options={"server": KAMENSK, "period": "7d"}, name="nothing counted"),
    _refused("/server population", "tier too low", tier=0),
    Case("/stats", options={"player": NAMES[0]}),
    Case("/stats", name="own players summed"),
    Case("/stats", options={"player": NAMES[1], "server": MIRNY, "period": "7d"}, name="nothing yet"),
    _refused("/stats", "not linked", by="bob"),
    _refused("/stats", "unknown player", player="@everyone **x**"),
    Case("/stats", name="database away", failure=StorageUnavailableError("10.0.0.7 is away")),
    Case("Stats", "bob", {"member": "alice"}),
    _refused("Stats", "not linked", member="bob"),
    Case("/compare", options={"first": NAMES[0], "second": NAMES[1]}),
    _refused("/compare", "closed tier", tier=0, first=NAMES[0], second=NAMES[1]),
    Case("/servers"),
    _refused("/servers", "closed tier", tier=0),
    Case("/weapons"),
    Case("/weapons", options={"player": NAMES[0]}, name="of one player"),
    Case("/rivals", options={"player": NAMES[0]}),
    Case("/activity"),
    Case("/activity", options={"player": NAMES[0]}, name="nothing yet"),
    Case("/leaderboard"),
    Case("/leaderboard", options={"board": "bounties"}, name="bounties"),
    Case("/leaderboard", options={"board": "playtime"}, name="time played"),
    Case("/leaderboard", options={"board": "weapons", "server": KAMENSK, "period": "30d"}, name="weapons"),
    Case("/leaderboard", options={"period": "season"}, name="of the season"),
    _refused("/leaderboard", "weapons of the season", board="weapons", period="season"),
    Case("/notify"),
    Case("/notify", options={"event": "bounty"}, name="one on"),
    Case("/notify", "bob", {"on": True}, "all on", tier=0),
    Case("/notify", options={"event": "claimed", "on": False}, name="already off"),
    Case("/season info"),
    Case("/season info", options={"season": "s1"}, name="over"),
    Case("/season info", options={"season": "s3"}, name="without results yet"),
    _refused("/season info", "tier too low", tier=1),
    _refused("/season info", "unknown season", season="**nothing**"),
    Case("/season results"),
    Case("/season results", options={"season": "s1", "board": "kd"}, name="of another board"),
    _refused("/season results", "still running", season="s2"),
    _refused("/season results", "not yet", season="s3"),
    Case("/season list"),
    _admin("/season start", name="Summer_* @here", first_day="2025-12-01", last_day="2025-12-31"),
    _admin("/season start", "without a last day", name="Summer", first_day="2025-05-05"),
    _refused("/season start", "days of another one", by="manager", name="Summer", last_day="2025-05-31"),
    _refused("/season start", "no day", by="manager", name="Summer", first_day="**soon**"),
    Case("/season end", "manager", press="End it"),
    Case("/season end", "manager", press="Cancel", name="cancelled"),
    Case("/season cancel", "manager", {"season": "s2"}, press="Cancel the season"),
    Case("/season cancel", "manager", press="Cancel", name="kept"),
    Case("/bounty place", options={"player": NAMES[8], "amount": 1_500, "server": MIRNY}),
    _refused("/bounty place", "not linked", by="manager", player=NAMES[0], amount=100),
    _refused("/bounty place", "not enough", by="bob", player=NAMES[0], amount=5_000, server=MIRNY),
    Case("Put a price on", "alice", {"member": "bob"}, form={"Amount in 💎": "1,000"}),
    Case("Put a price on", "alice", {"member": "bob"}, "no number", form={"Amount in 💎": "@everyone"}),
    _refused("Put a price on", "oneself", member="alice"),
    _refused("Put a price on", "not linked", member="manager"),
    Case("/bounty list"),
    Case("/bounty list", options={"server": MIRNY}, name="of one server"),
    Case("/bounty mine"),
    Case("/bounty cancel", options={"bounty": "b0"}),
    _refused("/bounty cancel", "none of theirs", by="manager", bounty="b0"),
    Case("/wallet"),
    Case("/wallet", options={"member": "manager"}, name="empty"),
    Case("/link", options={"player": NAMES[9]}),
    _refused("/link", "belongs to another", by="bob", player=NAMES[0]),
    Case("/unlink", options={"player": NAMES[2]}),
    Case("/unlink", press="Unlink", name="all"),
    Case("/data export"),
    _refused("/data export", "data of others", member="bob"),
    Case("/data erase", press="Erase"),
    Case("/data erase", press="Cancel", name="cancelled"),
    _refused("/unlink", "no link", by="bob"),
    Case("/links"),
    Case("/links", options={"member": "bob"}, name="none"),
    Case("/premium status"),
    Case("/premium status", name="granted", is_granted=True),
    Case("/premium tiers", tier=2),
    Case("/owner grant", "owner", {"guild_id": "here", "tier": 2, "days": 30}),
    Case("/owner revoke", "owner", _REVOKED, is_granted=True),
    Case("/owner revoke", "owner", _REVOKED, "no grant"),
    Case("/owner tasks", "manager", name="not an owner"),
    Case("/admin server add", "manager", _NEW_SERVER, form={"Password": "p4ss"}),
    Case("/admin server add", "manager", _NEW_SERVER, "no secret", form={}),
    Case(
        "/admin server edit",
        "manager",
        {"server": MIRNY, "name": "Mirny _2_", "port": 8822, "legacy": True},
        form={"Password": "p4ss"},
    ),
    _admin("/admin server edit", "without a form", server=MIRNY, name="Mirny _2_", legacy=True),
    Case(
        "/admin server edit",
        "manager",
        {"server": MIRNY, "new_password": True},
        "form",
        form={"Password": "p4ss"},
    ),
    Case("/admin server edit", "manager", {"server": MIRNY, "name": MIRNY}, "nothing changed"),
    _admin("/admin server announce", server=KAMENSK, kind="fall", on=True),
    Case("/admin server remove", "manager", {"server": KAMENSK, "keep_stats": True}, press="Remove"),
    Case("/admin server remove", "manager", {"server": KAMENSK}, "cancelled", press="Cancel"),
    _admin("/admin server list"),
    _admin("/admin server test", server=MIRNY),
    _admin("/admin server import", server=KAMENSK),
    Case("/admin server hostkey", "manager", {"server": MIRNY}, press="Accept"),
    _admin("/admin server rejected", server=MIRNY),
    _admin("/admin server log", server=MIRNY),
    _admin("/admin server log", "nothing read", server=KAMENSK),
    _admin("/admin server slots", server=MIRNY, max=70),
    _admin("/admin server slots", "from the log", server=MIRNY),
    _admin("/admin server restarts", server=MIRNY, times="14:00, 2:00", warn_minutes=10),
    _admin("/admin server restarts", "forgotten", server=MIRNY),
    _admin("/admin server restarts", "no times", server=MIRNY, warn_minutes=5),
    _admin("/admin channel set", kind="bounties", channel="general", server=KAMENSK),
    Case(
        "/admin channel set", "manager", {"kind": "leaderboard", "channel": "general"}, "closed tier", tier=0
    ),
    _refused("/admin channel set", "no permission", by="manager", kind="alerts", channel="silent"),
    _admin("/admin channel set", "counter", kind="counter", channel="general", server=MIRNY),
    _admin("/admin channel set", "no right to rename", kind="counter", channel="silent", server=MIRNY),
    _admin("/admin channel set", "counter of which", kind="counter", channel="general"),
    _admin("/admin channel set", "voice channel", kind="killfeed", channel="voice"),
    _admin("/admin counter format", server=MIRNY, format="{online} of {max} | {queue} | {peak} | {state}"),
    _admin("/admin counter format", "default", server=KAMENSK),
    _admin("/admin counter format", "unknown place", server=MIRNY, format="{players}"),
    _refused("/admin counter format", "tier too low", by="manager", tier=1, server=MIRNY),
    _admin("/admin channel clear", kind="killfeed", server=KAMENSK),
    Case("/admin channel clear", "manager", {"kind": "alerts"}, "nothing to clear"),
    _admin(
        "/admin channel style",
        kind="killfeed",
        channel="general",
        style="card",
        delay_minutes=5,
        min_distance=50,
    ),
    _admin("/admin channel style", "unused channel", kind="killfeed", channel="general"),
    _admin("/events set", kind="mission", on=True, min_level=4, edit=False),
    _admin("/events set", "of one server", kind="leave", server=KAMENSK, hold_seconds=0),
    _admin("/events set", "only asked", kind="convoy"),
    _refused("/events set", "does not fit", by="manager", kind="join", hold_seconds=5),
    _refused("/events set", "tier too low", by="manager", kind="join", tier=0, on=False),
    _admin("/events mention", kind="mission", role="hunters", cooldown_minutes=60, mention_level=3),
    Case("/events mention", "manager", {"kind": "airdrop", "server": MIRNY}, "cleared"),
    _admin("/events mute", mission="Underground Bunker"),
    _admin("/events mute", "of one server, again", mission="farm_01_sfpsacmission", server=MIRNY, on=False),
    _refused("/events mute", "unknown", by="manager", mission="**nowhere** @everyone"),
    _admin("/events list", server=MIRNY),
    _admin("/events test", kind="trader", server=MIRNY),
    _admin("/roles add", role="champions", kills=100, rank=3, board="kd", match="any", period="7d"),
    Case("/roles add", "manager", {"role": "champions"}, "saved", press="Save"),
    _refused("/roles add", "dangerous role", by="manager", role="moderators", kills=100),
    _refused("/roles add", "tier too low", by="manager", tier=2, role="champions", kills=100),
    Case("/roles edit", "manager", {"rule": "rule", "kills": 200, "clear": "kd"}, press="Save"),
    _refused("/roles edit", "unknown", by="manager", rule="**nothing**"),
    _admin("/roles list"),
    _admin("/roles preview", rule="rule"),
    Case("/roles remove", "manager", {"rule": "rule"}, press="Remove"),
    Case("/roles remove", "manager", {"rule": "rule", "keep_roles": True}, "cancelled", press="Cancel"),
    _admin("/roles sync", member="bob"),
    _admin("/admin channel list"),
    _admin("/admin channel test", kind="killfeed", server=MIRNY),
    _admin("/admin role", role="scouts"),
    Case("/admin role", "manager", name="cleared"),
    _admin("/admin board post", board="kills", server=KAMENSK),
    _admin("/admin board post", "of game servers now", board="online"),
    _admin("/admin board remove", board="kills"),
    _admin("/admin bounty", auto=False, max_amount=12_345),
    _admin("/admin wallet", member="bob", amount=1_500, reason="prize for **the** @everyone event"),
    _refused("/admin wallet", "not enough", by="manager", member="bob", amount=-51, reason="mistake"),
    _admin("/admin link confirm", member="bob", player=NAMES[9]),
    _admin("/admin link remove", member="alice", player=NAMES[2]),
    _admin("/admin audit"),
    _admin("/admin errors list"),
    Case("/admin errors list", "owner", {"everywhere": True}, "whole bot"),
    _refused("/admin errors list", "for owners", by="manager", everywhere=True),
    _admin("/admin errors show", reference="k7m2q2"),
    Case("/admin errors show", "owner", {"reference": "K7M2Q2", "everywhere": True}, "whole bot"),
    _refused("/admin errors show", "unknown", by="manager", reference="K7M2QX"),
    _admin("/admin errors resolve", reference="K7M2Q2"),
    _admin("/admin health"),
    Case("/admin health", "owner", name="owner"),
    Case("/owner tasks", "owner"),
    Case("/admin backup now", "owner"),
    Case("/admin backup now", "manager", name="not an owner"),
    Case("/admin backup list", "owner"),
    Case("/admin backup verify", "owner", {"backup": "killfeed-20250501T040000Z-daily-3f9c"}),
    Case("/admin backup verify", "owner", {"backup": "killfeed-**x**"}, "unknown"),
    Case("/admin backup restore", "owner", {"backup": "killfeed-20250501T040000Z-daily-3f9c"}),
    Case("/admin backup restore", "owner", {"backup": "killfeed-**x**"}, "unknown"),
)
