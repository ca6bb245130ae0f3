"""Computes whom a message pings, by Discord's rules of allowed mentions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_USER = re.compile(r"<@!?(\d{1,20})>")
_ROLE = re.compile(r"<@&(\d{1,20})>")
_EVERYONE = re.compile(r"@(?:everyone|here)")


@dataclass(frozen=True, slots=True)
class Pings:
    """The ids that get a notification, and whether all members do."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


NO_PINGS = Pings()


def _allowed(kind: str, found: set[int], allowed: Mapping[str, Any] | None) -> frozenset[int]:
    """Return the found ids that may ping.

    Without rules these are all of them, else those of a parsed kind or those in the list.
    """
    if allowed is None or kind in (allowed.get("parse") or ()):
        return frozenset(found)
    return frozenset(found & {int(listed) for listed in allowed.get(kind) or ()})


def compute_pings(
    content: str,
    allowed: Mapping[str, Any] | None,
    *,
    mentionable_roles: frozenset[int],
    may_mention_everyone: bool,
    replied_user_id: int | None = None,
) -> Pings:
    """Return whom the content pings. Embeds never ping, so they do not count.

    Args:
        content: the message's text.
        allowed: the request's `allowed_mentions`, None if it has none.
        mentionable_roles: roles that all members may mention.
        may_mention_everyone: whether the author may mention everyone and all roles here.
        replied_user_id: the author of the message that this message answers.
    """
    users = _allowed("users", {int(found) for found in _USER.findall(content)}, allowed)
    if replied_user_id is not None and (allowed is None or allowed.get("replied_user")):
        users |= {replied_user_id}
    roles = _allowed("roles", {int(found) for found in _ROLE.findall(content)}, allowed)
    if not may_mention_everyone:
        roles &= mentionable_roles
    everyone = bool(_EVERYONE.search(content)) and may_mention_everyone
    if allowed is not None and "everyone" not in (allowed.get("parse") or ()):
        everyone = False
    return Pings(users, roles, everyone)
