"""Changes of game servers by hand: edits, silenced events, new imports, accepted host keys."""

from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, Protocol

from utils.errors import (
    InvalidInputError,
    KillfeedError,
    LimitReachedError,
    NotFoundError,
    UserFacingError,
)
from utils.models.audit import AuditAction, AuditFacts, FieldChange
from utils.models.reading import ServerPlace
from utils.models.scope import ChannelId, GuildId, MemberId, ServerScope
from utils.models.servers import (
    Credentials,
    FeedSwitch,
    GameServer,
    HostKey,
    HostKeys,
    WayCheck,
    is_at_host,
)
from utils.models.texts import Command, text
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.history import ImportJobs
from utils.services.ports import LoopControl, ServerStore
from utils.services.premium.tiers import PremiumService
from utils.services.servers.game_servers import (
    NO_SUCH_SERVER,
    Encryption,
    GameServerService,
    ServerChecker,
    ServerTrial,
    place_server,
)
from utils.services.servers.log_places import LogPlaces
from utils.services.servers.refreshing import refreshing_if_failed
from utils.services.servers.time_zones import find_zone
from utils.services.servers.typed_servers import (
    LoginFields,
    read_address,
    read_place,
    trim_text,
    verify_free_name,
    verify_server_name,
    verify_username,
)

_NAMES = ("name", "host", "port", "username", "number", "base_path", "timezone", "legacy")
_PLACE = ("host", "port")  # a change means another machine, whose key is not known yet
_ACCOUNT = (*_PLACE, "username")  # decide who receives the secret
_WAY = (*_PLACE, "username", "secret", "number", "base_path", "legacy")  # checked by a test of the login

WHY_LOGIN_AGAIN = text(
    "A new host, port or user name needs the password or key again: I send the saved one only to the host"
    " whose key I saved. Run {edit} again and fill in the form.",
    edit=Command("admin server edit"),
)


CHANGED_MEANWHILE = text("Someone changed this server in the meantime. Run the command again.")


class HostKeyReader(Protocol):  # implemented by DeathLogAccess
    """Reads the keys of hosts."""

    async def read_host_keys(self, server: GameServer, *, guild_limit: int) -> HostKeys:
        """Return the pinned key, and the key that the host shows now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEdit:
    """The changes that an admin asks for; None leaves a value unchanged."""

    name: str | None = None
    host: str | None = None
    username: str | None = None
    number: int | None = None
    port: int | None = None
    base_path: str | None = None
    timezone: str | None = None
    legacy: bool | None = None
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class EditedServer:
    """The outcome of an edit.

    Attributes:
        server: the server as it is stored now.
        trial: the test of the login if one was needed; the server in it is the wanted one.
        changes: the changes; empty if the test failed, and nothing is stored then.
    """

    server: GameServer
    trial: ServerTrial
    changes: tuple[FieldChange, ...]


@dataclass(eq=False, repr=False)
class ServerChangeService:
    """Changes existing game servers."""

    servers: GameServerService
    store: ServerStore
    imports: ImportJobs
    _: KW_ONLY
    settings: SettingsService
    premium: PremiumService
    encryption: Encryption
    checker: ServerChecker
    places: LogPlaces
    host_keys: HostKeyReader
    loops: LoopControl
    audit: AuditLog

    async def verify_edit(self, guild_id: GuildId, typed: str, edit: ServerEdit) -> GameServer:
        """Refuse an invalid edit, before the admin types a password; return the server as it would be.

        Raises:
            UserFacingError: there is no such server, or a value is invalid.
        """
        wanted = self._apply(await self.servers.resolve(guild_id, typed), read_edit(edit))
        await self._verify_place(guild_id, wanted)
        return wanted

    async def edit(
        self, guild_id: GuildId, typed: str, edit: ServerEdit, *, actor_id: MemberId
    ) -> EditedServer:
        """Change settings of a server; if they concern its login, that is tested first.

        A failed test is in the audit as well, because it names the host.

        Raises:
            UserFacingError: nothing changes, a value is invalid, or another account has no secret.
        """
        async with self.servers.lock(guild_id):
            server = await self.servers.resolve(guild_id, typed)
            wanted = self._apply(server, read_edit(edit))
            if not list_changes(server, wanted):
                raise InvalidInputError(text("That changes nothing. Give at least one option a new value."))
            if edit.credentials is None and _differs(server, wanted, _ACCOUNT):
                raise InvalidInputError(WHY_LOGIN_AGAIN)
            await self._verify_place(guild_id, wanted)
            if not _differs(server, wanted, _WAY):
                return await self._store(server, ServerTrial(wanted, ()), actor_id)
            return await self._try(server, wanted, edit.credentials, actor_id)

    async def edit_place(
        self, failed: EditedServer, place: ServerPlace, *, actor_id: MemberId
    ) -> EditedServer:
        """Go on with an edit with one of the game servers that its login leads to.

        Raises:
            UserFacingError: since the test, the server was removed or changed.
        """
        async with self.servers.lock(failed.server.scope.guild_id):
            await self._verify_unchanged(failed)
            return await self._try(failed.server, place_server(failed.trial.server, place), None, actor_id)

    async def keep_edit(self, failed: EditedServer, *, actor_id: MemberId) -> EditedServer:
        """Store an edit although its logs were not found; the bot goes on looking for them.

        Raises:
            UserFacingError: since the test, the server was removed or changed, or the name was taken.
        """
        async with self.servers.lock(failed.server.scope.guild_id):
            await self._verify_unchanged(failed)
            return await self._store(failed.server, failed.trial, actor_id)

    async def _verify_unchanged(self, failed: EditedServer) -> None:
        now = await self._find(failed.server.scope)
        if _differs(failed.server, now, (*_NAMES, "secret", "host_key")):
            raise InvalidInputError(CHANGED_MEANWHILE)
        await self._verify_place(now.scope.guild_id, failed.trial.server)

    async def _try(
        self,
        server: GameServer,
        wanted: GameServer,
        credentials: Credentials | None,
        actor_id: MemberId,
    ) -> EditedServer:
        """Test the wanted server, and store it if that succeeds."""
        check = await self._check(wanted, credentials)
        tried = replace(wanted, host_key=check.host_key or wanted.host_key)
        if check.logs is None:
            step = check.failure.name.code if check.failure else None
            facts = AuditFacts(
                server_name=server.name,
                changes=list_changes(server, wanted),
                is_done=False,
                failed_step=step,
            )
            await self._audit_edit(server.scope.guild_id, actor_id, facts)
            return EditedServer(server, ServerTrial(tried, check.steps, places=check.places), ())
        found = replace(tried, log_folder=check.logs.folder)
        return await self._store(server, ServerTrial(found, check.steps, check.logs), actor_id)

    async def _store(self, server: GameServer, trial: ServerTrial, actor_id: MemberId) -> EditedServer:
        changes = list_changes(server, trial.server)
        facts = AuditFacts(server_name=server.name, changes=changes)
        try:
            await self._write(trial, actor_id, facts)
        except UserFacingError:
            await self._audit_edit(server.scope.guild_id, actor_id, replace(facts, is_done=False))
            raise
        return EditedServer(trial.server, trial, changes)

    async def set_announced(
        self, guild_id: GuildId, typed: str, switch: FeedSwitch, *, is_announced: bool, actor_id: MemberId
    ) -> GameServer:
        """Post one class of death or kind of highlight, or silence it; return the changed server."""
        server = await self.servers.resolve(guild_id, typed)
        write = partial(self.store.set_silenced, server.scope, switch, is_silenced=not is_announced)
        if is_announced == (switch in server.silenced):
            switched = FieldChange(switch.value, not is_announced, is_announced)
            facts = AuditFacts(server_name=server.name, changes=(switched,))
            write = partial(
                self.audit.carry_out, guild_id, actor_id, AuditAction.SERVER_ANNOUNCE, facts, write
            )
        with refreshing_if_failed(self.loops, server.scope):
            await write()
        self.loops.refresh(server.scope)
        silenced = server.silenced - {switch} if is_announced else server.silenced | {switch}
        return replace(server, silenced=silenced)

    async def verify_import(self, guild_id: GuildId, typed: str) -> GameServer:
        """Return the server whose history can be imported now.

        Raises:
            LimitReachedError: the server is paused.
            InvalidInputError: an import is running.
        """
        server = await self.servers.resolve(guild_id, typed)
        if server.is_paused:
            raise LimitReachedError(
                text(
                    "{server} is paused, over the premium limit, so I don't read it. See {status}.",
                    server=server.name,
                    status=Command("premium status"),
                )
            )
        if await self.imports.find_import(server.scope) is not None:
            raise InvalidInputError(
                text("I'm already importing the history of {server}.", server=server.name)
            )
        return server

    async def import_again(
        self,
        guild_id: GuildId,
        typed: str,
        *,
        channel_id: ChannelId | None,
        message_id: int | None,
        actor_id: MemberId,
    ) -> GameServer:
        """Plan a new import of the whole history of a server.

        Raises:
            UserFacingError: an import is not possible now.
            RemoteError: the host failed while its files were listed.
        """
        async with self.servers.lock(guild_id):
            server = await self.verify_import(guild_id, typed)
            server = await self._find(server.scope)  # no import is running, so the generation is final
            facts = AuditFacts(server_name=server.name)
            begin = partial(self.servers.prepare_import, server, channel_id=channel_id, message_id=message_id)
            with refreshing_if_failed(self.loops, server.scope):
                await self.audit.carry_out(guild_id, actor_id, AuditAction.SERVER_IMPORT, facts, begin)
            await self.loops.restart(server.scope)
            return server

    async def read_host_keys(self, guild_id: GuildId, typed: str) -> tuple[GameServer, HostKeys]:
        """Return a server, its pinned key, and the key that its host shows now."""
        server = await self.servers.resolve(guild_id, typed)
        tier = await self.premium.get_tier(guild_id)
        return server, await self.host_keys.read_host_keys(server, guild_limit=tier.servers)

    async def accept_host_key(
        self, server: GameServer, keys: HostKeys, *, actor_id: MemberId
    ) -> tuple[GameServer, ...]:
        """Pin the key that was shown, and go on reading; return the servers for which it is pinned.

        Other servers at the same host and port that had the same old key have the new one as well.

        Raises:
            NotFoundError: the server was removed.
            InvalidInputError: another admin has changed host or key.
        """
        if keys.shown is None:
            raise InvalidInputError(text("The host shows no key right now. Try again later."))
        guild_id = server.scope.guild_id
        async with self.servers.lock(guild_id):
            now = await self._find(server.scope)
            if _differs(server, now, (*_PLACE, "host_key")):
                raise InvalidInputError(CHANGED_MEANWHILE)
            known = await self.store.list_servers(guild_id)
            twins = [one for one in known if is_at_host(one, now) and one.host_key == now.host_key]
            for twin in twins:
                await self._pin(twin, keys.pinned, keys.shown, actor_id)
            return tuple(twins)

    async def _pin(
        self, server: GameServer, pinned: HostKey | None, shown: HostKey, actor_id: MemberId
    ) -> None:
        changed = FieldChange("host_key", pinned.fingerprint if pinned else None, shown.fingerprint)
        facts = AuditFacts(server_name=server.name, changes=(changed,))
        pin = partial(self.store.set_host_key, server.scope, shown.text)
        with refreshing_if_failed(self.loops, server.scope):
            await self.audit.carry_out(
                server.scope.guild_id, actor_id, AuditAction.SERVER_HOSTKEY, facts, pin
            )
        await self.loops.restart(server.scope)

    def _apply(self, server: GameServer, edit: ServerEdit) -> GameServer:
        given: dict[str, Any] = {name: value for name in _NAMES if (value := getattr(edit, name)) is not None}
        wanted = replace(server, **given)
        if edit.credentials is not None:
            secret = self.encryption.encrypt(server.scope, edit.credentials)
            wanted = replace(wanted, secret=secret)
        return replace(wanted, host_key=None) if _differs(server, wanted, _PLACE) else wanted

    async def _verify_place(self, guild_id: GuildId, wanted: GameServer) -> None:
        others = await self.store.list_servers(guild_id)
        verify_free_name(wanted.name, [other.name for other in others if other.scope != wanted.scope])

    async def _audit_edit(self, guild_id: GuildId, actor_id: MemberId, facts: AuditFacts) -> None:
        await self.audit.write(guild_id, actor_id, AuditAction.SERVER_EDIT, facts)

    async def _check(self, wanted: GameServer, credentials: Credentials | None) -> WayCheck:
        tier = await self.premium.get_tier(wanted.scope.guild_id)
        return await self.checker.check(wanted, guild_limit=tier.servers, credentials=credentials)

    async def _write(self, trial: ServerTrial, actor_id: MemberId, facts: AuditFacts) -> None:
        wanted = trial.server
        try:
            if trial.logs is not None:
                await self.places.verify_free(wanted, trial.logs)
            await self._find(wanted.scope)
            put = partial(self.store.replace_server, wanted.scope, wanted)
            with refreshing_if_failed(self.loops, wanted.scope):
                await self.audit.carry_out(
                    wanted.scope.guild_id, actor_id, AuditAction.SERVER_EDIT, facts, put
                )
        except KillfeedError:
            if trial.steps:
                self.checker.let_go(wanted)
            raise
        finally:
            self.settings.forget_guild(wanted.scope.guild_id)
        await self.loops.restart(wanted.scope)

    async def _find(self, scope: ServerScope) -> GameServer:
        server = await self.store.find_server(scope)
        if server is None:
            raise NotFoundError(NO_SUCH_SERVER, hint=text("Another admin removed it."))
        return server


def read_edit(edit: ServerEdit) -> ServerEdit:
    """Return an edit in stored form: trimmed, the zone by its name, the address split.

    Parts of the address besides the host count if no option gives them.

    Raises:
        InvalidInputError: a value is invalid.
    """
    read = replace(
        edit,
        name=None if edit.name is None else edit.name.strip(),
        username=trim_text(edit.username or "") or None,
        base_path=trim_text(edit.base_path or "") or None,
        timezone=None if edit.timezone is None else find_zone(edit.timezone),
    )
    if edit.host is not None:
        address = read_address(edit.host)
        read = replace(
            read,
            host=address.host,
            port=address.port if read.port is None else read.port,
            username=read.username or address.username,
            base_path=read.base_path or address.base_path,
        )
    if read.name is not None:
        verify_server_name(read.name)
    if read.username is not None:
        verify_username(read.username)
    return read


def fill_in_edit(edit: ServerEdit, fields: LoginFields) -> ServerEdit:
    """Return an edit with the fields that were typed again."""
    number, base_path = read_place(fields.place)
    return replace(
        edit,
        host=fields.address,
        port=None,
        username=fields.username,
        number=number if number is not None else edit.number,
        base_path=base_path or edit.base_path,
    )


def list_changes(old: GameServer, new: GameServer) -> tuple[FieldChange, ...]:
    """Return the changes in the order of the command's options; of a secret only that it changed."""
    changes = [
        FieldChange(name, getattr(old, name), getattr(new, name))
        for name in _NAMES
        if getattr(old, name) != getattr(new, name)
    ]
    if old.secret != new.secret:
        changes.append(FieldChange("secret"))
    if _differs(old, new, _PLACE) and old.host_key is not None:
        changes.append(FieldChange("host_key"))
    return tuple(changes)


def _differs(one: GameServer, other: GameServer, names: tuple[str, ...]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)
