"""Permissions, computed as Discord documents it: base from roles, then channel overwrites."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntFlag


class Permission(IntFlag):
    """The permission bits of the simulated Discord."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CONNECT = 1 << 20
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EXTERNAL_APPS = 1 << 50


ALL_PERMISSIONS = Permission((1 << 53) - 1)
NO_PERMISSIONS = Permission(0)
# the rights of @everyone in a new server, as far as they matter to a bot
DEFAULT_EVERYONE = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.MENTION_EVERYONE
    | Permission.CONNECT
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.USE_EXTERNAL_APPS
)
# rights without effect for a member who cannot write (Discord: "Implicit Permissions")
_NEEDS_SEND = Permission.MENTION_EVERYONE | Permission.ATTACH_FILES | Permission.EMBED_LINKS
# rights without effect in a voice channel that a member cannot join
_NEEDS_CONNECT = Permission.MANAGE_CHANNELS | Permission.MANAGE_ROLES


@dataclass(frozen=True, slots=True)
class Overwrite:
    """The permissions that a channel allows and denies one role or one member."""

    allow: Permission = NO_PERMISSIONS
    deny: Permission = NO_PERMISSIONS
    is_member: bool = False

    def applied_to(self, permissions: Permission) -> Permission:
        """Return the permissions after this overwrite: first it denies, then it allows."""
        return without(permissions, self.deny) | self.allow


def without(permissions: Permission, denied: Permission) -> Permission:
    """Return the permissions without the denied ones (`~` of an IntFlag forgets bits without a name)."""
    return Permission(int(permissions) & ~int(denied))


def compute_base(roles: Iterable[Permission], *, is_owner: bool) -> Permission:
    """Return the guild-wide permissions of the union of the roles (with @everyone among them)."""
    if is_owner:
        return ALL_PERMISSIONS
    base = NO_PERMISSIONS
    for permissions in roles:
        base |= permissions
    return ALL_PERMISSIONS if Permission.ADMINISTRATOR in base else base


def compute_in_channel(
    base: Permission,
    overwrites: Mapping[int, Overwrite],
    *,
    everyone_id: int,
    role_ids: Iterable[int],
    member_id: int,
    is_voice: bool = False,
) -> Permission:
    """Apply the overwrites in Discord's order: @everyone, all roles together, the member.

    A member who cannot view the channel has no permission in it. A member who cannot write has none of those
    in `_NEEDS_SEND`, and one who cannot join a voice channel none of those in `_NEEDS_CONNECT`.
    """
    if Permission.ADMINISTRATOR in base:
        return ALL_PERMISSIONS
    permissions = overwrites.get(everyone_id, Overwrite()).applied_to(base)
    of_roles = [overwrites[role_id] for role_id in role_ids if role_id in overwrites]
    allow = deny = NO_PERMISSIONS
    for overwrite in of_roles:
        allow |= overwrite.allow
        deny |= overwrite.deny
    permissions = Overwrite(allow, deny).applied_to(permissions)
    permissions = overwrites.get(member_id, Overwrite()).applied_to(permissions)
    if Permission.VIEW_CHANNEL not in permissions:
        return NO_PERMISSIONS
    if Permission.SEND_MESSAGES not in permissions:
        permissions = without(permissions, _NEEDS_SEND)
    if is_voice and Permission.CONNECT not in permissions:
        permissions = without(permissions, _NEEDS_CONNECT)
    return permissions
