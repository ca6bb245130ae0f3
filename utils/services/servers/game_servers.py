"""Game servers of a guild: adding, testing, listing, removing, and what could not be read of them."""

import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
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
from utils.models.audit import AuditAction, AuditFacts, FieldChange
from utils.models.labels import find_labelled
from utils.models.reading import ImportJob, RejectedLine
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import CheckStep, Credentials, EncryptedSecret, GameServer, WayCheck, WayStep
from utils.models.texts import Command, Names, Text, text
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

logger = get_logger(__name__)

SERVER_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no look-alikes: people read ids in logs
SERVER_ID_CHARACTERS = 8
NO_SUCH_SERVER = text("There is no such game server here.")
NONE_GIVEN = text("(none given)")
FORMER_CHOICE = text("There is no game server “a server that was removed” here.")
SHOWN_REJECTED = 50


class RejectedStore(Protocol):
    """Storage of lines that could not be read."""

    async def list_rejected(self, scope: ServerScope, *, limit: int) -> Sequence[RejectedLine]:
        """Return the newest rejected lines."""

    async def count_rejected(self, scope: ServerScope) -> int:
        """Return how many lines were rejected since the server was added."""


class Encryption(Protocol):
    """Encryption of logins at rest."""

    def encrypt(self, scope: ServerScope, credentials: Credentials) -> EncryptedSecret:
        """Encrypt a login for one server; it can be read under that scope alone."""


class ServerChecker(Protocol):
    """Tries the way to a server's logs."""

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Try the way with what somebody typed just now; without it, with the stored login.

        The stored login goes to the host of the pinned key alone.
        """

    def let_go(self, server: GameServer) -> None:
        """Keep nothing open for a server that passed its test and is not read after all."""


@dataclass(frozen=True, slots=True)
class AddedServer:
    """The outcome of adding: the steps of its test, and the server when all went well."""

    steps: tuple[CheckStep, ...]
    server: GameServer | None


@dataclass(frozen=True, slots=True)
class RejectedLines:
    """The newest rejected lines of a server, and how many there were in all."""

    server: GameServer
    lines: tuple[RejectedLine, ...]
    total: int


class GameServerService:
    """The rules around a guild's game servers."""

    def __init__(
        self,
        store: ServerStore,
        rejected: RejectedStore,
        *,
        settings: SettingsService,
        premium: PremiumService,
        encryption: Encryption,
        checker: ServerChecker,
        places: LogPlaces,
        logs: LogOpener,
        history: HistoryImport,
        loops: LoopControl,
        events: EventDispatcher,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._store = store
        self._rejected = rejected
        self._settings = settings
        self._premium = premium
        self._encryption = encryption
        self._checker = checker
        self._places = places
        self._logs = logs
        self._history = history
        self._loops = loops
        self._events = events
        self._audit = audit
        self._clock = clock
        self._locks = KeyedLocks[GuildId]()

    def lock(self, guild_id: GuildId) -> AbstractAsyncContextManager[None]:
        """Return what a change of a guild's servers holds: names and slots are verified and taken in one."""
        return self._locks.hold(guild_id)

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return the guild's servers, oldest first."""
        return await self._store.list_servers(guild_id)

    async def resolve(self, guild_id: GuildId, typed: str | None) -> GameServer:
        """Return the server meant, by id or name; without text the guild's only one.

        Raises:
            NotFoundError: there is none, or none of that name.
            AmbiguousError: several are called so, or no text and several servers.
        """
        servers = await self._store.list_servers(guild_id)
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
        raise AmbiguousError(_describe_several(typed, names), candidates=names)

    async def verify_form(self, guild_id: GuildId, form: ServerForm) -> None:
        """Refuse what cannot be right, before anybody types a password.

        Raises:
            InvalidInputError, LimitReachedError
        """
        servers = await self._store.list_servers(guild_id)
        await self._premium.verify_free_slot(guild_id, servers=len(servers))
        verify_free_name(read_form(form).name, (server.name for server in servers))

    async def add_server(
        self,
        guild_id: GuildId,
        form: ServerForm,
        *,
        credentials: Credentials,
        channel_id: ChannelId | None,
        actor_id: MemberId,
        message_id: int | None = None,
    ) -> AddedServer:
        """Test the login, pin the host key, find the logs, save, and have the history imported.

        Raises:
            UserFacingError: the form cannot be right.
            RemoteError: the host failed after the test, while its files were listed.
        """
        await self.verify_form(guild_id, form)
        read = read_form(form)
        server, taken = self._build(guild_id, read, credentials), list_taken(form, read)
        understood = (CheckStep(WayStep.UNDERSTOOD, ok=True, detail=taken),) if taken else ()
        tier = await self._premium.get_tier(guild_id)
        check = await self._checker.check(server, guild_limit=tier.servers, credentials=credentials)
        if check.logs is None:
            self._logs.forget(server.scope)
            await self._audit_failed(server, actor_id, check.failure)
            return AddedServer((*understood, *check.steps), None)
        server = replace(server, host_key=check.host_key, log_folder=check.logs.folder)
        try:
            async with self.lock(guild_id):
                await self.verify_form(guild_id, form)  # the test took its time: a tier may have ended
                await self._places.verify_free(server, check.logs)
                # the import first: a server that is there without one would have its past announced as news
                await self.prepare_import(server, channel_id=channel_id, message_id=message_id)
                await self._audit.carry_out(
                    guild_id,
                    actor_id,
                    AuditAction.SERVER_ADD,
                    _list_facts(server),
                    partial(self._store.insert_server, server.scope, server),
                )
        except KillfeedError as error:
            self._logs.forget(server.scope)
            self._checker.let_go(server)
            if isinstance(error, UserFacingError):
                await self._audit_failed(server, actor_id, None)
            raise
        self._settings.forget_guild(guild_id)
        self._loops.start(server.scope)
        self._events.dispatch(ServerAdded(scope=server.scope))
        return AddedServer((*understood, *check.steps), server)

    async def test_server(
        self, guild_id: GuildId, text: str | None
    ) -> tuple[GameServer, tuple[CheckStep, ...]]:
        """Try the way to a server's logs, step by step; when all works it is read at once."""
        server = await self.resolve(guild_id, text)
        tier = await self._premium.get_tier(guild_id)
        check = await self._checker.check(server, guild_limit=tier.servers)
        if check.logs is None:
            return server, check.steps
        try:
            await self._places.note_folder(server, check.logs.folder)
        except SameLogsError as error:
            return server, (*check.steps, CheckStep(WayStep.OTHER_SERVERS, ok=False, detail=error.said))
        self._loops.wake(server.scope)
        return server, check.steps

    async def _audit_failed(self, server: GameServer, actor_id: MemberId, failure: CheckStep | None) -> None:
        """Write down a server that was tried and not added: it says where somebody wanted to go."""
        step = failure.name.code if failure else None
        facts = replace(_list_facts(server), is_done=False, failed_step=step)
        await self._audit.write(server.scope.guild_id, actor_id, AuditAction.SERVER_ADD, facts)

    async def remove_server(self, scope: ServerScope, *, keep_stats: bool, actor_id: MemberId) -> None:
        """End everything a server holds and delete it.

        Raises:
            NotFoundError: somebody else removed it meanwhile.
            StillBusyError, StorageError: it is not removed, and read on as before.
        """
        server = await self._store.find_server(scope)
        if server is None:
            raise NotFoundError(NO_SUCH_SERVER, hint=text("Somebody removed it meanwhile."))
        statistics = FieldChange("statistics", old=True, new=keep_stats)
        facts = _list_facts(server, statistics, is_there=False)
        async with self._loops.removal(scope):
            self._logs.forget(scope)
            remove = partial(self._store.mark_removed, scope, keep_stats=keep_stats, at=self._clock.now())
            await self._audit.carry_out(scope.guild_id, actor_id, AuditAction.SERVER_REMOVE, facts, remove)
        self._settings.forget_guild(scope.guild_id)
        self._events.dispatch(ServerRemoved(scope=scope))
        try:
            await self._store.delete_leftovers(scope, now=self._clock.now())
        except StorageError as failure:  # nobody is shown any of it; the hourly tidying goes on
            logger.warning("leftovers of a removed server wait", scope=str(scope), problem=str(failure))

    async def list_rejected(self, guild_id: GuildId, text: str | None) -> RejectedLines:
        """Return what could not be read of a server's logs."""
        server = await self.resolve(guild_id, text)
        lines = await self._rejected.list_rejected(server.scope, limit=SHOWN_REJECTED)
        return RejectedLines(server, tuple(lines), await self._rejected.count_rejected(server.scope))

    def _build(self, guild_id: GuildId, form: ServerForm, credentials: Credentials) -> GameServer:
        characters = (secrets.choice(SERVER_ID_ALPHABET) for _ in range(SERVER_ID_CHARACTERS))
        scope = ServerScope(guild_id, ServerId("".join(characters)))
        return GameServer(
            scope=scope,
            name=form.name,
            host=form.host,
            port=form.port or DEFAULT_PORT,
            username=form.username,
            secret=self._encryption.encrypt(scope, credentials),
            number=form.number,
            base_path=form.base_path,
            timezone=form.timezone,
            legacy=form.legacy,
            added_at=self._clock.now(),
        )

    async def prepare_import(
        self, server: GameServer, *, channel_id: ChannelId | None, message_id: int | None
    ) -> None:
        """Fix what is history and store the import, for the server's loop to carry out.

        Raises:
            RemoteError: the host failed while its files were listed.
        """
        tier = await self._premium.get_tier(server.scope.guild_id)
        wanted = ImportJob(
            generation=server.generation,
            started_at=self._clock.now(),
            ends={},
            channel_id=channel_id,
            message_id=message_id,
        )
        async with self._logs.open(server, guild_limit=tier.servers) as logs:
            await self._history.prepare(server, logs, wanted)


def _is_called(server: GameServer, text: str) -> bool:
    return text == server.scope.server_id or fold_server_name(text) == fold_server_name(server.name)


def _describe_missing(typed: str | None) -> Text:
    """Return that there is none, without the id that a list gave for a server that is gone by now."""
    if typed is None:
        return text("There is no game server here.")
    is_id = len(typed) == SERVER_ID_CHARACTERS and set(typed) <= set(SERVER_ID_ALPHABET)
    if is_id and any(map(str.isdecimal, typed)):
        return FORMER_CHOICE
    return text("There is no game server “{name}” here.", name=quote(typed))


def _describe_several(typed: str | None, names: tuple[str, ...]) -> Text:
    return text(
        "“{name}” fits more than one game server: {candidates}.",
        name=NONE_GIVEN if typed is None else quote(typed),
        candidates=Names(names),
    )


def _list_facts(server: GameServer, *more: FieldChange, is_there: bool = True) -> AuditFacts:
    """Return a server for the audit as one that came or went, without anything of its secret."""
    place = {name: getattr(server, name) for name in ("username", "host", "port", "number")}
    changes = (
        FieldChange(name, None if is_there else value, value if is_there else None)
        for name, value in place.items()
        if value is not None
    )
    return AuditFacts(server_name=server.name, changes=(*changes, *more))
