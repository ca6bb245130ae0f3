"""Game servers of a guild: adding, testing, listing, removing, and their rejected lines."""

import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSource, Where
from utils.errors import (
    AmbiguousError,
    KillfeedError,
    NotFoundError,
    SameLogsError,
    StorageError,
    UserFacingError,
)
from utils.events import EventDispatcher, ServerAdded, ServerRemoved
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.labels import add_labels, find_labelled
from utils.models.reading import FoundLogs, RejectedLine, ServerPlace
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import (
    SILENT_AT_FIRST,
    CheckStep,
    Credentials,
    EncryptedSecret,
    GameServer,
    WayCheck,
    WayStep,
)
from utils.models.texts import Command, Text, text
from utils.models.typed_text import quote
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.log_source import LogOpener
from utils.services.ports import LoopControl, ServerStore
from utils.services.premium.tiers import PremiumService
from utils.services.servers.log_places import LogPlaces
from utils.services.servers.typed_servers import (
    DEFAULT_PORT,
    ServerForm,
    fold_server_name,
    list_taken,
    read_form,
    verify_free_name,
)

NO_SERVER = text("No game server is set up yet. Admins: start with {setup}.", setup=Command("setup"))
logger = get_logger(__name__)

SERVER_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no look-alikes: people read ids
SERVER_ID_CHARACTERS = 8
NO_SUCH_SERVER = text("That game server is gone.")
UNKNOWN_CHOICE = text("This Discord server has no such game server.")
SHOWN_REJECTED = 50


class RejectedStore(Protocol):  # implemented by RejectedLineRepository
    """Storage of rejected lines."""

    async def list_rejected(self, scope: ServerScope, *, limit: int) -> Sequence[RejectedLine]:
        """Return the newest rejected lines."""

    async def count_rejected(self, scope: ServerScope) -> int:
        """Return how many lines were rejected since the server was added."""


class Encryption(Protocol):  # implemented by SecretBox
    """Encryption of logins at rest."""

    def encrypt(self, scope: ServerScope, credentials: Credentials) -> EncryptedSecret:
        """Encrypt a login for one server; it can be decrypted only for that server."""


class ServerChecker(Protocol):  # implemented by DeathLogAccess
    """Tests the way to a server's logs."""

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Test the way with the login that was just typed, or else with the stored one.

        The stored login is sent only to the host with the pinned key.
        """

    def let_go(self, server: GameServer) -> None:
        """Close the connection of a server that passed its test but is not read."""


@dataclass(frozen=True, slots=True)
class ServerTrial:
    """A server that was tested and is not stored yet, with its encrypted login.

    Attributes:
        server: with the host key and the log folder that the test found.
        steps: what was tried.
        logs: None if the test failed.
        places: the game servers to choose from, if the login leads to several.
    """

    server: GameServer
    steps: tuple[CheckStep, ...]
    logs: FoundLogs | None = None
    places: tuple[ServerPlace, ...] = ()

    @property
    def may_be_kept(self) -> bool:
        """Tell whether the server can be stored although its logs were not found.

        Its host accepted the login. A login that was refused is not stored: the bot would not try it again.
        """
        return self.logs is None and self.server.host_key is not None


@dataclass(frozen=True, slots=True)
class RejectedLines:
    """The newest rejected lines of a server, and the number of all."""

    server: GameServer
    lines: tuple[RejectedLine, ...]
    total: int


@dataclass(eq=False, repr=False)
class GameServerService:
    """The rules around a guild's game servers."""

    store: ServerStore
    rejected: RejectedStore
    _: KW_ONLY
    settings: SettingsService
    premium: PremiumService
    encryption: Encryption
    checker: ServerChecker
    places: LogPlaces
    logs: LogOpener
    history: HistoryImport
    loops: LoopControl
    events: EventDispatcher
    audit: AuditLog
    clock: Clock

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()

    def lock(self, guild_id: GuildId) -> AbstractAsyncContextManager[None]:
        """Return the lock for changes of a guild's servers: it covers the checks of names and limits."""
        return self._locks.hold(guild_id)

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return the guild's servers, oldest first."""
        return await self.store.list_servers(guild_id)

    async def resolve(self, guild_id: GuildId, typed: str | None) -> GameServer:
        """Return the server with this id or name; without text the guild's only one.

        Raises:
            NotFoundError: there is no server, or none with that name.
            AmbiguousError: several servers fit, or there is no text and several servers.
        """
        servers = await self.store.list_servers(guild_id)
        if not servers:
            how = text("Add one with {add}.", add=Command("admin server add"))
            raise NotFoundError(_describe_missing(typed), hint=how)
        found = [server for server in servers if typed is None or _is_called(server, typed)]
        if typed is not None and not found:
            labelled = find_labelled(typed, [(server.scope.server_id, server.name) for server in servers])
            found = [server for server in servers if server.scope.server_id in labelled]
        if len(found) == 1:
            return found[0]
        names = tuple(server.name for server in servers)
        if not found:
            raise NotFoundError(_describe_missing(typed), suggestions=names[:5])
        choices = add_labels([(server.scope.server_id, server.name) for server in found])
        raise AmbiguousError(_describe_several(typed), typed=typed, choices=choices)

    async def verify_form(self, guild_id: GuildId, form: ServerForm) -> None:
        """Refuse invalid options, before the admin types a password.

        Raises:
            InvalidInputError, LimitReachedError
        """
        await self._verify_space(guild_id, read_form(form).name)

    async def _verify_space(self, guild_id: GuildId, name: str) -> None:
        servers = await self.store.list_servers(guild_id)
        await self.premium.verify_free_slot(guild_id, servers=len(servers))
        verify_free_name(name, (server.name for server in servers))

    async def try_server(
        self, guild_id: GuildId, form: ServerForm, *, credentials: Credentials, actor_id: MemberId
    ) -> ServerTrial:
        """Test the login of a new server and find its logs; nothing is stored.

        Raises:
            UserFacingError: the form is invalid.
        """
        await self.verify_form(guild_id, form)
        read = read_form(form)
        server, taken = self._build(guild_id, read, credentials), list_taken(form, read)
        trial = await self._try(server, actor_id, credentials)
        understood = (CheckStep(WayStep.UNDERSTOOD, ok=True, detail=taken),) if taken else ()
        return replace(trial, steps=(*understood, *trial.steps))

    async def try_place(self, trial: ServerTrial, place: ServerPlace, *, actor_id: MemberId) -> ServerTrial:
        """Test one of the game servers that a login leads to; the login goes to the same host key alone."""
        return await self._try(place_server(trial.server, place), actor_id, None)

    async def _try(
        self, server: GameServer, actor_id: MemberId, credentials: Credentials | None
    ) -> ServerTrial:
        tier = await self.premium.get_tier(server.scope.guild_id)
        check = await self.checker.check(server, guild_limit=tier.servers, credentials=credentials)
        tried = replace(server, host_key=check.host_key or server.host_key)
        if check.logs is None:
            self.logs.forget(server.scope)
            await self._audit_failed(server, actor_id, check.failure)
            return ServerTrial(tried, check.steps, places=check.places)
        return ServerTrial(replace(tried, log_folder=check.logs.folder), check.steps, check.logs)

    async def add_server(
        self,
        trial: ServerTrial,
        *,
        channel_id: ChannelId | None,
        actor_id: MemberId,
        message_id: int | None = None,
    ) -> GameServer:
        """Store a tested server and plan the import of its history; without logs, it waits for them.

        Raises:
            UserFacingError: since the test, its name, its logs or the last place were taken.
            RemoteError: the host failed after the test, while its files were listed.
        """
        server, guild_id = trial.server, trial.server.scope.guild_id
        try:
            async with self.lock(guild_id):
                await self._verify_space(guild_id, server.name)  # since the test, the tier may have ended
                # the import first: a server without one would have its past posted as news
                if trial.logs is None:
                    await self.history.plan(server, channel_id=channel_id, message_id=message_id)
                else:
                    await self.places.verify_free(server, trial.logs)
                    await self.prepare_import(server, channel_id=channel_id, message_id=message_id)
                await self.audit.carry_out(
                    guild_id,
                    actor_id,
                    AuditAction.SERVER_ADD,
                    _list_facts(server),
                    partial(self.store.insert_server, server.scope, server),
                )
        except KillfeedError as error:
            self.logs.forget(server.scope)
            self.checker.let_go(server)
            if isinstance(error, UserFacingError):
                await self._audit_failed(server, actor_id, None)
            raise
        self.settings.forget_guild(guild_id)
        self.loops.start(server.scope)
        self.events.dispatch(ServerAdded(scope=server.scope))
        return server

    async def test_server(
        self, guild_id: GuildId, text: str | None
    ) -> tuple[GameServer, tuple[CheckStep, ...]]:
        """Test the way to a server's logs, step by step; if it works, the server is read at once."""
        server = await self.resolve(guild_id, text)
        tier = await self.premium.get_tier(guild_id)
        check = await self.checker.check(server, guild_limit=tier.servers)
        if check.logs is None:
            return server, check.steps
        try:
            await self.places.note_folder(server, check.logs.folder)
        except SameLogsError as error:
            return server, (*check.steps, CheckStep(WayStep.OTHER_SERVERS, ok=False, detail=error.said))
        self.loops.wake(server.scope)
        return server, check.steps

    async def _audit_failed(self, server: GameServer, actor_id: MemberId, failure: CheckStep | None) -> None:
        """Write a server that was tried and not added to the audit: it names the host."""
        step = failure.name.code if failure else None
        facts = replace(_list_facts(server), is_done=False, failed_step=step)
        await self.audit.write(server.scope.guild_id, actor_id, AuditAction.SERVER_ADD, facts)

    async def remove_server(self, scope: ServerScope, *, keep_stats: bool, actor_id: MemberId) -> None:
        """End the loops and connections of a server and delete it.

        Raises:
            NotFoundError: another admin has removed it.
            StillBusyError, StorageError: it is not removed, and reading goes on.
        """
        server = await self.store.find_server(scope)
        if server is None:
            raise NotFoundError(NO_SUCH_SERVER, hint=text("Another admin removed it."))
        statistics = FieldChange("statistics", old=True, new=keep_stats)
        facts = _list_facts(server, statistics, is_there=False)
        async with self.loops.removal(scope):
            self.logs.forget(scope)
            remove = partial(self.store.mark_removed, scope, keep_stats=keep_stats, at=self.clock.now())
            await self.audit.carry_out(scope.guild_id, actor_id, AuditAction.SERVER_REMOVE, facts, remove)
        self.settings.forget_guild(scope.guild_id)
        self.events.dispatch(ServerRemoved(scope=scope))
        try:
            await self.store.delete_leftovers(scope, now=self.clock.now())
        except StorageError as failure:  # none of it is shown any more, and the hourly tidying goes on
            logger.warning("leftovers of a removed server wait", scope=str(scope), problem=str(failure))
            where = Where(source=ErrorSource.DATABASE, guild_id=scope.guild_id, server_id=scope.server_id)
            self.events.errors.report(failure, where=where)

    async def list_rejected(self, guild_id: GuildId, text: str | None) -> RejectedLines:
        """Return the rejected lines of a server's logs."""
        server = await self.resolve(guild_id, text)
        lines = await self.rejected.list_rejected(server.scope, limit=SHOWN_REJECTED)
        return RejectedLines(server, tuple(lines), await self.rejected.count_rejected(server.scope))

    def _build(self, guild_id: GuildId, form: ServerForm, credentials: Credentials) -> GameServer:
        characters = (secrets.choice(SERVER_ID_ALPHABET) for _ in range(SERVER_ID_CHARACTERS))
        scope = ServerScope(guild_id, ServerId("".join(characters)))
        return GameServer(
            scope=scope,
            name=form.name,
            host=form.host,
            port=form.port or DEFAULT_PORT,
            username=form.username,
            secret=self.encryption.encrypt(scope, credentials),
            number=form.number,
            base_path=form.base_path,
            timezone=form.timezone,
            legacy=form.legacy,
            silenced=SILENT_AT_FIRST,
            added_at=self.clock.now(),
        )

    async def prepare_import(
        self,
        server: GameServer,
        *,
        channel_id: ChannelId | None,
        message_id: int | None,
        entry: AuditEntry | None = None,
    ) -> None:
        """Fix the sizes of the files and store the import; the server's loop runs it.

        Raises:
            RemoteError: the host failed while its files were listed.
        """
        tier = await self.premium.get_tier(server.scope.guild_id)
        async with self.logs.open(server, guild_limit=tier.servers) as logs:
            await self.history.prepare(
                server, logs, channel_id=channel_id, message_id=message_id, entry=entry
            )


def place_server(server: GameServer, place: ServerPlace) -> GameServer:
    """Return a server with the settings of the place that was chosen."""
    return replace(server, number=place.number, base_path=place.base_path or server.base_path)


def _is_called(server: GameServer, text: str) -> bool:
    return text == server.scope.server_id or fold_server_name(text) == fold_server_name(server.name)


def _describe_missing(typed: str | None) -> Text:
    """Return the error for a missing server, without its id: it was removed, or is of another guild."""
    if typed is None:
        return text("No game server is set up yet.")
    is_id = len(typed) == SERVER_ID_CHARACTERS and set(typed) <= set(SERVER_ID_ALPHABET)
    if is_id and any(map(str.isdecimal, typed)):
        return UNKNOWN_CHOICE
    return text("No game server is called “{name}”.", name=quote(typed))


def _describe_several(typed: str | None) -> Text:
    if typed is None:
        return text("This Discord server has several game servers.")
    return text("“{name}” fits several game servers.", name=quote(typed))


def _list_facts(server: GameServer, *more: FieldChange, is_there: bool = True) -> AuditFacts:
    """Return the facts of an added or removed server for the audit, without its secret."""
    place = {name: getattr(server, name) for name in ("username", "host", "port", "number")}
    changes = (
        FieldChange(name, None if is_there else value, value if is_there else None)
        for name, value in place.items()
        if value is not None
    )
    return AuditFacts(server_name=server.name, changes=(*changes, *more))


async def list_chosen(
    service: GameServerService, guild_id: GuildId, typed: str | None
) -> Sequence[GameServer]:
    """Return the server with this id or name; without text all servers of the guild.

    Raises:
        NotFoundError, AmbiguousError: there is no server, or none with this name.
    """
    if typed is not None:
        return (await service.resolve(guild_id, typed),)
    servers = await service.list_servers(guild_id)
    if not servers:
        raise NotFoundError(NO_SERVER)
    return servers
