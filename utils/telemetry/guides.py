"""Guides: what each kind of error means, who can mend it, and what to do; in one table.

The same words are in ``docs/ERRORS.md`` (``python -m utils.telemetry.guides`` writes it), in ``/admin errors
show``, and in answers to errors where a person can act. The most specific class decides. Errors of MongoDB
and of game hosts differ by their sentence as well, so these have tables of their own.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from utils import errors
from utils.models.error_groups import ErrorCategory, ErrorGroup
from utils.models.error_guides import Guide, Mender
from utils.models.problems import Problem
from utils.models.texts import Command, Text, text
from utils.telemetry.fingerprints import OVERFLOWN, name_type
from utils.telemetry.kept_text import clean

HEAD = "| error | what it means | who can mend it | what to do | runbook |"
DOCUMENT = Path(__file__).parents[2] / "docs" / "ERRORS.md"


READ_ANSWER = text("Follow the answer of the command.")
WAIT = text("Wait; the bot tries again by itself.")
SEND_CODE = text("Send the bot's owner this code; the log has the details.")
REPORT = text("Tell the bot's owner this code. They send the makers its lines in the log.")

REFUSED = Guide(text("The bot declined something, and said why."), Mender.NOBODY, READ_ANSWER)
BUG = Guide(text("Something in the bot went wrong."), Mender.MAKERS, SEND_CODE)

GUIDES: Mapping[str, Guide] = {
    name_type(kind): guide
    for kind, guide in {
        errors.NotFoundError: Guide(text("Nothing has that name."), Mender.NOBODY, READ_ANSWER),
        errors.AmbiguousError: Guide(text("Several things have that name."), Mender.NOBODY, READ_ANSWER),
        errors.InvalidInputError: Guide(text("A value can't be used."), Mender.NOBODY, READ_ANSWER),
        errors.SeveralServersError: Guide(
            text("One login leads to several game servers."), Mender.ADMIN, text("Choose one of them.")
        ),
        errors.LimitReachedError: Guide(text("There's no room for more."), Mender.ADMIN, READ_ANSWER),
        errors.TierRequiredError: Guide(
            text("A feature needs a higher tier."), Mender.HOST, text("Ask the bot's owner for that tier.")
        ),
        errors.NotAllowedError: Guide(text("The member may not do this."), Mender.ADMIN, READ_ANSWER),
        errors.AdminsOnlyError: Guide(text("Only admins may do this."), Mender.ADMIN, READ_ANSWER),
        errors.OwnersOnlyError: Guide(text("Only the bot's owner may do this."), Mender.HOST, READ_ANSWER),
        errors.NotLinkedError: Guide(text("The member has no linked player."), Mender.NOBODY, READ_ANSWER),
        errors.PermissionMissingError: Guide(
            text("The bot lacks a permission in Discord."),
            Mender.ADMIN,
            text("Give it to the bot."),
        ),
        errors.DiscordAwayError: Guide(text("Discord didn't take an answer or a post."), Mender.NOBODY, WAIT),
        errors.TooMuchAtOnceError: Guide(
            text("Too many requests came at once."), Mender.NOBODY, text("Wait a moment.")
        ),
        errors.NotEnoughMoneyError: Guide(text("The wallet holds too little."), Mender.NOBODY, READ_ANSWER),
        errors.StillBusyError: Guide(
            text("A game server is still at work."), Mender.NOBODY, text("Try again in a minute.")
        ),
        errors.SecretError: Guide(
            text("A stored login can't be read with this secret key."),
            Mender.HOST,
            text("Restore the old key, or have the admins enter their logins again."),
            "secret-key",
        ),
        errors.BackupError: Guide(text("A backup wasn't made or can't be used."), Mender.HOST, READ_ANSWER),
        errors.BackupBusyError: Guide(
            text("Another backup or a restore is running."), Mender.NOBODY, text("Wait until it's done.")
        ),
        errors.ArchiveRefusedError: Guide(
            text("A backup is damaged or doesn't fit."), Mender.HOST, text("Choose another backup.")
        ),
        errors.UserFacingError: REFUSED,
        errors.ConfigurationError: Guide(
            text("The configuration can't work."), Mender.HOST, text("Run “python bot.py check”.")
        ),
        errors.AlreadyLinkedError: Guide(text("The player is linked already."), Mender.NOBODY, READ_ANSWER),
        errors.DataFolderInUseError: Guide(
            text("Another bot runs with this data folder."), Mender.HOST, text("Stop one of the two.")
        ),
        errors.ShardCountError: Guide(
            text("Another process runs with another number of shards."),
            Mender.HOST,
            text("Set the same number of shards in every process."),
        ),
        errors.StorageError: Guide(text("The database refused something."), Mender.MAKERS, REPORT),
        errors.StorageUnavailableError: Guide(
            text("The database doesn't answer."),
            Mender.HOST,
            text("Check that MongoDB runs and can be reached."),
            "database-away",
        ),
        errors.SnapshotGoneError: Guide(
            text("A read took longer than the database remembers."), Mender.NOBODY, WAIT, "database-slow"
        ),
        errors.CommitUnknownError: Guide(
            text("The database didn't say whether it stored something."),
            Mender.NOBODY,
            text("Look whether it's done before you try again."),
            "database-away",
        ),
        errors.TransactionsUnsupportedError: Guide(
            text("This MongoDB isn't a replica set."),
            Mender.HOST,
            text("Run it as a replica set; one node is enough."),
        ),
        errors.StorageConflictError: Guide(
            text("Two things changed the same data at once."), Mender.NOBODY, text("Try again.")
        ),
        errors.CursorMovedError: Guide(
            text("Two things read one log at the same time."), Mender.NOBODY, WAIT
        ),
        errors.LeaseLostError: Guide(
            text("Another process serves these Discord servers now."),
            Mender.HOST,
            text("Run one process for each shard."),
            "lease-late",
        ),
        errors.DiskFullError: Guide(
            text("The disk of the database is full."), Mender.HOST, text("Free some space."), "disk-space"
        ),
        errors.ScopeViolationError: Guide(
            text("The bot asked for data beyond one Discord server, and got none."), Mender.MAKERS, REPORT
        ),
        errors.RemoteError: Guide(
            text("A game host failed."), Mender.ADMIN, text("Run {test}.", test=Command("admin server test"))
        ),
        errors.LoginRefusedError: Guide(
            text("The game host refuses the login."),
            Mender.ADMIN,
            text("Enter a new password."),
            "server-login",
        ),
        errors.HostKeyChangedError: Guide(
            text("The game host shows another key."),
            Mender.ADMIN,
            text("Ask the hosting company, then accept the new key."),
            "server-hostkey",
        ),
        errors.HandshakeRefusedError: Guide(
            text("The bot and the game host have no encryption in common."),
            Mender.ADMIN,
            text("Allow old SSH encryption for this game server."),
        ),
        errors.InvalidSecretError: Guide(
            text("The private key can't be used."), Mender.ADMIN, text("Paste another key."), "server-login"
        ),
        errors.HostUnreachableError: Guide(
            text("The bot can't reach the game host."),
            Mender.ADMIN,
            text("Check host and port."),
            "server-unread",
        ),
        errors.ConnectionLostError: Guide(
            text("The connection to a game host broke."), Mender.NOBODY, WAIT, "server-unread"
        ),
        errors.RemoteTimeoutError: Guide(
            text("A game host was too slow."), Mender.NOBODY, WAIT, "server-unread"
        ),
        errors.TooManyConnectionsError: Guide(
            text("All connections of this Discord server were busy."), Mender.NOBODY, WAIT
        ),
        errors.NoSshServerError: Guide(
            text("The service at this address isn't an SSH server."),
            Mender.ADMIN,
            text("Check host and port."),
        ),
        errors.RemoteFailureError: Guide(
            text("Something failed on the game host."), Mender.ADMIN, text("Ask the hosting company.")
        ),
        errors.RemoteAnswerError: Guide(
            text("An answer of the game host makes no sense."), Mender.ADMIN, text("Ask the hosting company.")
        ),
        errors.RemoteFileMissingError: Guide(
            text("A file or folder is gone from the game host."), Mender.ADMIN, text("Check the log folder.")
        ),
        errors.RemotePermissionError: Guide(
            text("The login may not read a file or folder."), Mender.ADMIN, text("Ask the hosting company.")
        ),
        errors.LogsMissingError: Guide(
            text("The death logs are missing."), Mender.ADMIN, text("Check the log folder."), "server-logs"
        ),
        errors.SameLogsError: Guide(
            text("Two game servers read the same logs."), Mender.ADMIN, text("Remove one of them.")
        ),
        errors.DeliveryError: Guide(text("A message didn't reach Discord."), Mender.NOBODY, WAIT),
        errors.ChannelUnusableError: Guide(
            text("A channel is gone, or the bot may not write there."),
            Mender.ADMIN,
            text("Check the channel and the bot's permissions, or choose another channel."),
            "channel-unusable",
        ),
        errors.DeliveryUncertainError: Guide(
            text("Discord didn't say whether it took a message."), Mender.NOBODY, WAIT
        ),
        errors.DeliveryRefusedError: Guide(text("Discord refused a message."), Mender.MAKERS, REPORT),
        errors.DeliveryDelayedError: Guide(
            text("Discord limits the bot, or is down."), Mender.NOBODY, WAIT, "discord-limited"
        ),
        errors.KillfeedError: BUG,
        MemoryError: Guide(
            text("The machine has no memory left."), Mender.HOST, text("Give the bot more memory."), "memory"
        ),
        OSError: Guide(
            text("The system refused something."),
            Mender.HOST,
            text("Look at disk, permissions and network of the machine."),
            "disk-space",
        ),
    }.items()
}
"""By the full name of a class."""

OF_LIBRARIES: Mapping[str, Guide] = {
    "discord.errors.Forbidden": Guide(
        text("Discord doesn't let the bot do this."), Mender.ADMIN, text("Check the bot's permissions.")
    ),
    "discord.errors.HTTPException": Guide(text("Discord refused a request."), Mender.MAKERS, SEND_CODE),
    "pydantic_core._pydantic_core.ValidationError": Guide(
        text("Stored data has another shape than expected."), Mender.HOST, SEND_CODE
    ),
    OVERFLOWN.error_type: Guide(
        text("There were too many different errors to keep them apart."), Mender.HOST, SEND_CODE
    ),
}
"""Classes that belong to other rooms or to no code at all, by their full name."""

OF_MONGODB: Mapping[str, Guide] = {
    "The disk of MongoDB is full; nothing was written.": GUIDES[name_type(errors.DiskFullError)],
    "Somebody else wrote the same document first.": GUIDES[name_type(errors.StorageConflictError)],
    "MongoDB is not reachable.": GUIDES[name_type(errors.StorageUnavailableError)],
    "MongoDB did not answer in time.": Guide(
        text("The database is too slow."),
        Mender.HOST,
        text("Look at the load and the disk of the database's machine."),
        "database-slow",
    ),
    "MongoDB gave the transaction up.": Guide(
        text("The database ended a piece of work."), Mender.NOBODY, text("Try again."), "database-slow"
    ),
    "MongoDB cannot read the data of that moment any more.": Guide(
        text("A read took longer than the database remembers."), Mender.NOBODY, WAIT, "database-slow"
    ),
    "This MongoDB has no transactions: run it as a replica set (one node is enough).": GUIDES[
        name_type(errors.TransactionsUnsupportedError)
    ],
    "MongoDB refused the operation.": GUIDES[name_type(errors.StorageError)],
    "MongoDB cannot be asked like this.": Guide(
        text("The bot asked the database for something impossible."), Mender.MAKERS, REPORT
    ),
}
"""By the sentences of ``utils/database/core/faults.py``."""

_HOST_AWAY = GUIDES[name_type(errors.HostUnreachableError)]
_LOGIN = GUIDES[name_type(errors.LoginRefusedError)]
_HANDSHAKE = GUIDES[name_type(errors.HandshakeRefusedError)]
_LOST = GUIDES[name_type(errors.ConnectionLostError)]
_ASK_COMPANY = text("Ask your hosting company.")

OF_PROBLEMS: Mapping[Problem, Guide] = {
    Problem.NO_SUCH_HOST: _HOST_AWAY,
    Problem.UNREACHABLE: _HOST_AWAY,
    Problem.CLOSED_DOOR: _HOST_AWAY,
    Problem.NAMES_SILENT: Guide(
        text("The name server doesn't answer."), Mender.HOST, text("Check the machine's name server.")
    ),
    Problem.NO_ANSWER: GUIDES[name_type(errors.RemoteTimeoutError)],
    Problem.HELD_UP: Guide(
        text("The hosts of this Discord server send too much."),
        Mender.ADMIN,
        text("Remove the game server whose host sends too much."),
    ),
    Problem.NO_SSH: GUIDES[name_type(errors.NoSshServerError)],
    Problem.OTHER_SERVER: GUIDES[name_type(errors.NoSshServerError)],
    Problem.HUNG_UP_AT_ONCE: _LOST,
    Problem.HUNG_UP: _LOST,
    Problem.HUNG_UP_PERHAPS_OLD: _HANDSHAKE,
    Problem.OLD_ALGORITHMS: _HANDSHAKE,
    Problem.NO_COMMON_ALGORITHM: Guide(
        text("The game host has no encryption that the bot can use."), Mender.ADMIN, _ASK_COMPANY
    ),
    Problem.COMPRESSION: Guide(text("The game host insists on compression."), Mender.ADMIN, _ASK_COMPANY),
    Problem.LOGIN_REFUSED: _LOGIN,
    Problem.NEW_PASSWORD_DEMANDED: _LOGIN,
    Problem.SECOND_FACTOR: Guide(
        text("The game host asks for more than a password."), Mender.ADMIN, _ASK_COMPANY, "server-login"
    ),
    Problem.KEY_UNUSABLE: GUIDES[name_type(errors.InvalidSecretError)],
    Problem.CLOSED_BY_HOST: _LOST,
    Problem.NO_SFTP: Guide(
        text("The login works, but there's no SFTP for it."), Mender.ADMIN, _ASK_COMPANY, "server-login"
    ),
    Problem.ANSWER_GARBLED: GUIDES[name_type(errors.RemoteAnswerError)],
    Problem.MISSING: GUIDES[name_type(errors.RemoteFileMissingError)],
    Problem.NOT_PERMITTED: GUIDES[name_type(errors.RemotePermissionError)],
    Problem.NOT_READ: GUIDES[name_type(errors.RemoteFailureError)],
}
"""By the sentences of ``utils/sftp/failures.py``."""

OF_CATEGORIES: Mapping[ErrorCategory, Guide] = {
    ErrorCategory.RATE_LIMIT: Guide(
        text("Discord asks the bot to slow down."), Mender.NOBODY, WAIT, "discord-limited"
    ),
    ErrorCategory.RESOURCES: GUIDES[name_type(OSError)],
}
"""For classes without a guide of their own; all others are bugs."""


def find_guide(error_type: str, category: ErrorCategory, said: str = "") -> Guide:
    """Return the guide of a group, by its class, its category and its kept text."""
    sentence = next((guide for one, guide in _BY_SENTENCE.items() if said.startswith(one)), None)
    if sentence is not None and error_type.startswith(errors.__name__):
        return sentence
    known = GUIDES.get(error_type) or OF_LIBRARIES.get(error_type)
    return known or OF_CATEGORIES.get(category, BUG)


def find_group_guide(group: ErrorGroup) -> Guide:
    """Return the guide of a stored group."""
    return find_guide(group.error_type, group.category, group.text)


def advise(error: BaseException) -> Text | None:
    """Return what a person can do about an error, for its answer; None if they can only report it."""
    guide = next((GUIDES[name] for name in map(name_type, type(error).__mro__) if name in GUIDES), BUG)
    return guide.steps if guide.mender in (Mender.ADMIN, Mender.HOST) else None


_BY_SENTENCE = {clean(sentence): guide for sentence, guide in OF_MONGODB.items()}


def write_document() -> str:
    """Return the text of ``docs/ERRORS.md``."""
    return "\n".join(_list_lines()) + "\n"


def _list_lines() -> Iterator[str]:
    yield "# Errors"
    yield ""
    yield "Written by `python -m utils.telemetry.guides`; `/admin errors show` says the same about an error."
    for title, rows in (
        ("Errors of the bot", {name.rpartition(".")[2]: guide for name, guide in GUIDES.items()}),
        ("Errors of libraries", OF_LIBRARIES),
        ("What the database says", OF_MONGODB),
        ("What game hosts say", {one.code: guide for one, guide in OF_PROBLEMS.items()}),
    ):
        yield from (
            "",
            f"## {title}",
            "",
            "| error | what it means | who can mend it | what to do | runbook |",
        )
        yield "|---|---|---|---|---|"
        for name, guide in rows.items():
            runbook = guide.runbook or ""
            yield f"| {name} | {guide.meaning} | {guide.mender.value} | {guide.steps} | {runbook} |"
    yield ""
    yield f"Everything else: {BUG.meaning} {BUG.steps}"


if __name__ == "__main__":
    DOCUMENT.write_text(write_document(), "utf-8")
    sys.stdout.write(f"{DOCUMENT} is written.\n")
