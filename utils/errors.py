"""Every error of the bot, by meaning.

* KillfeedError
  * UserFacingError - an expected refusal; ``said`` is what the person reads, in their language
    * NotFoundError, AmbiguousError, NotAllowedError, InvalidInputError, LimitReachedError, TierRequiredError
    * TooMuchAtOnceError - a member or a guild asks for too much at once
    * NotEnoughMoneyError - a wallet holds less than is needed
    * StillBusyError - a thing cannot be removed because it is still at work
    * SecretError - a stored login cannot be decrypted with this key
  * ConfigurationError - the bot cannot start like this; its text says what to do
    * ShardCountError - another process over the same database divides the bot differently
  * StorageError - MongoDB; ``may_pass`` tells whether the data is not the cause
    * StorageUnavailableError - away, will be tried again
      * CommitUnknownError - away during a commit: the transaction happened, or not
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

from datetime import datetime

from utils.models.texts import Names, Number, Text, Value, join, text


class KillfeedError(Exception):
    """Base of all errors of the bot."""


class UserFacingError(KillfeedError):
    """An expected refusal: what happened and what to do next. As a ``str`` it is English, for logs.

    Attributes:
        said: what the person reads.
    """

    def __init__(self, said: Text) -> None:
        self.said = said
        super().__init__(str(said))


class NotFoundError(UserFacingError):
    """Something does not exist here, under the given name or at all.

    Args:
        said: the sentence that says so.
        suggestions: similar names, if there are any.
        hint: what to do about it.
    """

    def __init__(self, said: Text, *, hint: Text | None = None, suggestions: tuple[str, ...] = ()) -> None:
        self.suggestions = suggestions
        sentences = [said]
        if suggestions:
            sentences.append(text("Did you mean: {names}?", names=Names(suggestions)))
        if hint is not None:
            sentences.append(hint)
        super().__init__(join(sentences))


class AmbiguousError(UserFacingError):
    """A name fits several things; ``said`` names the candidates."""

    def __init__(self, said: Text, *, candidates: tuple[Value, ...]) -> None:
        self.candidates = candidates
        super().__init__(join([said, text("Pick one from the list.")]))


class NotAllowedError(UserFacingError):
    """The member may not do this."""


class InvalidInputError(UserFacingError):
    """An option's value cannot be used."""


class LimitReachedError(UserFacingError):
    """The guild has as many of something as its tier allows."""


class TooMuchAtOnceError(UserFacingError):
    """A member or a guild asks for too much at once; the others want their answers too."""


class TierRequiredError(UserFacingError):
    """A feature needs a higher premium tier of the guild."""

    def __init__(self, feature: Value, *, tier: int, tier_name: str) -> None:
        self.tier = tier
        super().__init__(
            text(
                "{feature} opens with tier {tier} ({name}). "
                "Ask those who host this bot to grant that tier to this Discord server.",
                feature=feature,
                tier=Number(tier),
                name=tier_name,
            )
        )


class NotEnoughMoneyError(UserFacingError):
    """A wallet holds fewer emeralds than are to be taken."""


class StillBusyError(UserFacingError):
    """A game server cannot be removed while its rows are still being stored."""

    def __init__(self) -> None:
        super().__init__(
            text(
                "I am still storing what I have read of this server. Nothing was removed, and I go on "
                "reading it. Try again in a minute."
            )
        )


class ConfigurationError(KillfeedError):
    """The bot cannot start like this; ``problems`` lists every reason."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


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


class TransactionsUnsupportedError(StorageError):
    """The MongoDB is no replica set, so it has no transactions."""

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
        said: what the server's admin reads.
        is_lasting: only a person can repair it.
        is_of_host: the host failed before the login began, so every login there fails too.
        tells_of_host: the error says something about the host; False if the reason was on our own side.
    """

    is_lasting = False
    is_of_host = False
    tells_of_host = True

    def __init__(self, said: Text) -> None:
        self.said = said
        super().__init__(str(said))


class LoginRefusedError(RemoteError):
    """The host refused user name and secret."""

    is_lasting = True


class HostKeyChangedError(RemoteError):
    """The host shows another key than the pinned one."""

    is_lasting = True

    def __init__(self, said: Text, *, offered: str) -> None:
        self.offered = offered
        super().__init__(said)


class HandshakeRefusedError(RemoteError):
    """No common SSH algorithms, usually an old server that needs ``legacy``."""

    is_lasting = True


class InvalidSecretError(RemoteError):
    """The private key cannot be used."""

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


class RemoteAnswerError(RemoteFailureError):
    """One answer of the host breaks the protocol; the connection goes on."""


class RemoteFileMissingError(RemoteError):
    """The file or folder is not there (any more)."""


class RemotePermissionError(RemoteError):
    """The login may not read that file or folder."""


class LogsMissingError(RemoteError):
    """There are no death logs in the expected place."""


class SameLogsError(LogsMissingError):
    """There are logs, and another server of the guild reads them already."""


class SecretError(UserFacingError):
    """A stored login cannot be decrypted with the configured key."""


class DeliveryError(KillfeedError):
    """A message did not reach its channel."""


class ChannelUnusableError(DeliveryError):
    """The channel is gone or the bot may not write there; only an admin can repair it."""


class DeliveryUncertainError(DeliveryError):
    """Nobody knows whether Discord has the message: the answer was lost."""


class DeliveryRefusedError(DeliveryError):
    """Discord refused the payload itself; trying again would not help."""


class DeliveryDelayedError(DeliveryError):
    """Discord is limiting or down; the same message may be tried again at ``retry_at`` (UTC)."""

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        self.retry_at = retry_at
        super().__init__(message)
