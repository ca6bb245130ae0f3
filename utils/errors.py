"""Every error of the bot, by meaning.

* KillfeedError
  * UserFacingError - an expected refusal; ``title`` and ``said`` are what the person reads
    * NotFoundError, AmbiguousError, InvalidInputError, LimitReachedError, TierRequiredError
      * SeveralServersError - a login leads to several game servers, and nothing tells which one is meant
      * AlreadyLinkedError - a player belongs to a member already
    * NotAllowedError - the member may not do this
      * AdminsOnlyError, OwnersOnlyError
    * NotLinkedError - the member needs a linked player for this
    * PermissionMissingError - the bot may not do this in Discord
    * DiscordAwayError - Discord took no answer, or did not take a post
    * TooMuchAtOnceError - a member or a guild asks for too much at once
    * NotEnoughMoneyError - a wallet holds less than is needed
    * StillBusyError - a thing cannot be removed because it is still at work
    * SecretError - a stored login cannot be decrypted with this key
    * BackupError - a backup was not made, or cannot be used
      * BackupBusyError - another backup or restore is under way
      * ArchiveRefusedError - a backup is damaged, of another format, or does not fit
  * ConfigurationError - the bot cannot start like this; its text says what to do
    * DataFolderInUseError - another process uses the data folder
    * ShardCountError - another process over the same database divides the bot differently
  * StorageError - MongoDB; ``may_pass`` tells whether the data is not the cause
    * StorageUnavailableError - away, will be tried again
      * CommitUnknownError - away during a commit: the transaction happened, or not
      * SnapshotGoneError - the moment of a snapshot is too long ago
    * TransactionsUnsupportedError - no replica set
    * StorageConflictError - somebody else changed it first
      * CursorMovedError, LeaseLostError
    * DiskFullError
    * ScopeViolationError - a query beyond its guild or server; always a bug
  * RemoteError - a game host, over SFTP; ``is_lasting`` tells whether only a person can repair it
    * LoginRefusedError, HostKeyChangedError, HandshakeRefusedError, InvalidSecretError (lasting)
    * HostUnreachableError, ConnectionLostError, RemoteTimeoutError, TooManyConnectionsError
    * NoSshServerError - may pass by itself or need a person: tried again, and the admins are told
    * RemoteFailureError - an error of the host's own
      * RemoteAnswerError - one answer breaks the protocol
    * RemoteFileMissingError, RemotePermissionError, LogsMissingError
      * SameLogsError - another server of the guild reads these logs
  * DeliveryError - a message to Discord
    * ChannelUnusableError - deleted, or no permission: the admins are told once
    * DeliveryUncertainError - nobody knows whether a try arrived
    * DeliveryRefusedError - Discord refused the payload
    * DeliveryDelayedError - Discord limits the bot or is down; try later
"""

from collections.abc import Sequence
from datetime import datetime

from utils.models.reading import ServerPlace
from utils.models.texts import Names, Number, Text, Value, join, text


class KillfeedError(Exception):
    """Base of all errors of the bot."""


class UserFacingError(KillfeedError):
    """An expected refusal: what happened and what to do next. As a ``str`` it is English, for logs.

    Attributes:
        title: the kind of refusal; each class has its own.
        said: what the person reads.
    """

    title = text("✋ Check that again")

    def __init__(self, said: Text) -> None:
        self.said = said
        super().__init__(str(said))


class NotFoundError(UserFacingError):
    """Something does not exist here, under the given name or at all.

    Args:
        said: the sentence that says so.
        suggestions: similar names, if there are any.
        hint: what to do about it.
        typed: the text that is no name; with it a command may offer the suggestions (``asks_which``).

    Attributes:
        asked: the whole sentence.
        choices: the suggestions that a command may offer, as id and label.
    """

    title = text("🔎 Not found")

    def __init__(
        self,
        said: Text,
        *,
        hint: Text | None = None,
        suggestions: tuple[str, ...] = (),
        typed: str | None = None,
    ) -> None:
        self.suggestions = suggestions
        self.typed = typed
        self.choices = () if typed is None else tuple((name, name) for name in dict.fromkeys(suggestions))
        sentences = [said]
        if suggestions:
            sentences.append(text("Did you mean **{names}**?", names=Names(suggestions)))
        if hint is not None:
            sentences.append(hint)
        self.asked = join(sentences)
        super().__init__(self.asked)


NAMED_CHOICES = 5
"""A sentence names this number of choices."""


class AmbiguousError(UserFacingError):
    """A name fits several things; ``said`` names them, and a command may offer them (``asks_which``).

    Attributes:
        asked: the sentence without their names.
        typed: the text that fits them; None if none was given.
        choices: the id and the label of each, best first.
    """

    title = text("🔎 Which one?")

    def __init__(self, asked: Text, *, typed: str | None, choices: Sequence[tuple[str, Value]]) -> None:
        self.asked = asked
        self.typed = typed
        self.choices = tuple(choices)
        labels = Names(tuple(label for _, label in self.choices[:NAMED_CHOICES]))
        super().__init__(join([asked, text("Pick one: {labels}.", labels=labels)]))


class NotAllowedError(UserFacingError):
    """The member may not do this."""

    title = text("🔒 Not allowed")


class AdminsOnlyError(NotAllowedError):
    """Only members with Manage Server or the admin role may do this."""

    title = text("🔒 Admins only")


class OwnersOnlyError(NotAllowedError):
    """Only the owners of the bot may do this."""

    title = text("🔒 Bot owners only")


class NotLinkedError(UserFacingError):
    """The member needs a linked player for this; the text says how to link one."""

    title = text("🔗 Link your player first")


class PermissionMissingError(UserFacingError):
    """The bot may not do this in Discord; an admin can allow it."""

    title = text("🔧 I need more permissions")


class DiscordAwayError(UserFacingError):
    """Discord took no answer, or did not take a post."""

    title = text("📡 Discord isn't answering")


class InvalidInputError(UserFacingError):
    """An option's value cannot be used."""


class SeveralServersError(InvalidInputError):
    """A login leads to several game servers; ``places`` has one of them each."""

    title = text("🔎 Which one?")

    def __init__(self, said: Text, *, places: tuple[ServerPlace, ...]) -> None:
        self.places = places
        super().__init__(said)


class AlreadyLinkedError(InvalidInputError):
    """A player is linked already, to this member or to another one."""

    title = text("🔗 Already linked")


class LimitReachedError(UserFacingError):
    """A guild or a member has as many of something as they may have."""

    title = text("✋ Limit reached")


class TooMuchAtOnceError(UserFacingError):
    """A member or a guild asks for too much at once; the others want their answers too."""

    title = text("⏳ One moment")


class TierRequiredError(UserFacingError):
    """A feature needs a higher premium tier of the guild."""

    def __init__(self, feature: Value, *, tier: int, tier_name: str) -> None:
        self.title = text("⭐ Needs tier {tier}", tier=Number(tier))
        super().__init__(
            text(
                "{feature} needs tier {tier} ({name}). The bot's owner can grant it to this Discord server.",
                feature=feature,
                tier=Number(tier),
                name=tier_name,
            )
        )


class NotEnoughMoneyError(UserFacingError):
    """A wallet holds fewer emeralds than are to be taken."""

    title = text("💎 Not enough emeralds")


class StillBusyError(UserFacingError):
    """A game server cannot be removed while its rows are still being stored."""

    title = text("⏳ Still busy")

    def __init__(self) -> None:
        super().__init__(
            text("I'm still storing kills of this server, so nothing was removed. Try again in a minute.")
        )


class ConfigurationError(KillfeedError):
    """The bot cannot start like this; ``problems`` lists every reason."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class DataFolderInUseError(ConfigurationError):
    """Another process uses the data folder."""


class ShardCountError(ConfigurationError):
    """Another process over the same database divides the bot into another number of shards."""

    def __init__(self, *, own: int, other: int) -> None:
        super().__init__(
            f"A process with discord.shard_count {other} is at work on this database; this one has {own}. "
            "Set the same number in every process; to change it, stop all of them first. One that was killed "
            "counts as stopped after 20 seconds."
        )


class StorageError(KillfeedError):
    """A request to MongoDB failed.

    Attributes:
        may_pass: the data is not the cause: storing the same data may succeed another time.
    """

    may_pass = False


class StorageUnavailableError(StorageError):
    """MongoDB is away; the caller may try again."""

    may_pass = True


class CommitUnknownError(StorageUnavailableError):
    """The answer to a commit is lost: the transaction happened wholly or not at all, so look."""


class SnapshotGoneError(StorageUnavailableError):
    """MongoDB has forgotten the moment of a snapshot; a new snapshot may succeed."""


class TransactionsUnsupportedError(StorageError):
    """The MongoDB is not a replica set, so it has no transactions."""

    may_pass = True


class StorageConflictError(StorageError):
    """Somebody else changed the same thing first."""

    may_pass = True


class CursorMovedError(StorageConflictError):
    """The cursor is not where it was read; the batch must be read again."""


class LeaseLostError(StorageConflictError):
    """Another process holds this shard now."""


class DiskFullError(StorageError):
    """There is no space for the data; nothing was written."""

    may_pass = True


class ScopeViolationError(StorageError):
    """A query tried to name, change or leave its scope; always a bug of ours, never a person's doing."""


class RemoteError(KillfeedError):
    """A request to a game host failed. Never holds a password, a key or a full login.

    Attributes:
        title: the kind of failure.
        said: what the server's admin reads.
        is_lasting: only a person can repair it.
        is_of_host: the host failed before the login began, so every login there fails too.
        tells_of_host: the error says something about the host; False if the reason was on our own side.
    """

    title = text("🔌 Couldn't connect")
    is_lasting = False
    is_of_host = False
    tells_of_host = True

    def __init__(self, said: Text) -> None:
        self.said = said
        super().__init__(str(said))


class LoginRefusedError(RemoteError):
    """The host refused user name and secret."""

    title = text("🔌 Login refused")
    is_lasting = True


class HostKeyChangedError(RemoteError):
    """The host shows another key than the pinned one."""

    title = text("🔌 The host key changed")
    is_lasting = True

    def __init__(self, said: Text, *, offered: str) -> None:
        self.offered = offered
        super().__init__(said)


class HandshakeRefusedError(RemoteError):
    """No common SSH algorithms, usually an old server that needs ``legacy``."""

    is_lasting = True


class InvalidSecretError(RemoteError):
    """The private key cannot be used."""

    title = text("🔌 This key doesn't work")
    is_lasting = True
    tells_of_host = False


class HostUnreachableError(RemoteError):
    """Unknown host, closed port, or no route."""

    is_of_host = True


class NoSshServerError(RemoteError):
    """Something else than an SSH server answers: a maintenance page, or a service at another port."""


class ConnectionLostError(RemoteError):
    """The connection broke in the middle."""


class RemoteTimeoutError(RemoteError):
    """The host did not answer in time."""


class TooManyConnectionsError(RemoteError):
    """All connections of the guild are busy; waiting took too long."""


class RemoteFailureError(RemoteError):
    """The host answered with an error of its own."""

    title = text("🔌 Couldn't read the logs")


class RemoteAnswerError(RemoteFailureError):
    """One answer of the host breaks the protocol; the connection goes on."""


class RemoteFileMissingError(RemoteError):
    """The file or folder is not there (any more)."""

    title = text("🔌 Couldn't read the logs")


class RemotePermissionError(RemoteError):
    """The login may not read that file or folder."""

    title = text("🔌 Couldn't read the logs")


class LogsMissingError(RemoteError):
    """There are no death logs in the expected place; ``places`` has other game servers of the login."""

    title = text("🔌 Couldn't read the logs")

    def __init__(self, said: Text, *, places: tuple[ServerPlace, ...] = ()) -> None:
        self.places = places
        super().__init__(said)


class SameLogsError(LogsMissingError):
    """There are logs, and another server of the guild reads them already."""


class SecretError(UserFacingError):
    """A stored login cannot be decrypted with the configured key."""

    title = text("🔌 The stored login is unreadable")


class BackupError(UserFacingError):
    """A backup was not made, or cannot be used; the sentence says why and what to do."""

    title = text("💾 No backup")


class BackupBusyError(BackupError):
    """Another backup or a restore is under way."""

    title = text("💾 Already at it")


class ArchiveRefusedError(BackupError):
    """A backup is damaged, of another format or version, or does not fit this installation."""

    title = text("💾 This backup can't be used")


class DeliveryError(KillfeedError):
    """A message did not reach its channel; ``code`` is Discord's word for why, 0 if it gave none."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        self.code = code
        super().__init__(message)


class ChannelUnusableError(DeliveryError):
    """The channel is gone or the bot may not write there; only an admin can repair it."""


class DeliveryUncertainError(DeliveryError):
    """Nobody knows whether Discord has the message: the answer was lost."""


class DeliveryRefusedError(DeliveryError):
    """Discord refused the payload itself; trying again would not help."""


class DeliveryDelayedError(DeliveryError):
    """Discord is limiting or down; the same message may be tried again at ``retry_at`` (UTC).

    ``is_of_old_message``: a message older than an hour was edited more often than Discord allows.
    ``is_limited``: the bot made too many requests (429).
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        retry_at: datetime | None = None,
        is_of_old_message: bool = False,
        is_limited: bool = False,
    ) -> None:
        self.retry_at = retry_at
        self.is_of_old_message = is_of_old_message
        self.is_limited = is_limited
        super().__init__(message, code=code)
