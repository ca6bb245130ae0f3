"""The tree of errors, and their sentences for people."""

import re

import pytest

from utils import errors
from utils.errors import (
    AmbiguousError,
    KillfeedError,
    NotFoundError,
    RemoteError,
    TierRequiredError,
    UserFacingError,
)
from utils.models.texts import text
from utils.services.players.wording import describe_missing_player, describe_several_players


def list_errors(base: type[KillfeedError]) -> set[type[KillfeedError]]:
    """Return an error of ``utils.errors`` and all its subclasses."""
    below = (child for child in base.__subclasses__() if child.__module__ == errors.__name__)
    return {base}.union(*map(list_errors, below))


def test_tree_in_the_docstring_names_every_error() -> None:
    """The module's docstring names every error."""
    drawn = set(re.findall(r"\w+Error", errors.__doc__ or ""))
    assert drawn == {error.__name__ for error in list_errors(KillfeedError)}


def test_only_what_a_person_must_mend_is_lasting() -> None:
    """A lasting error is not tried again until a person has changed something."""
    lasting = {error.__name__ for error in list_errors(RemoteError) if error.is_lasting}
    assert lasting == {
        "HandshakeRefusedError",
        "HostKeyChangedError",
        "InvalidSecretError",
        "LoginRefusedError",
    }


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NotFoundError(describe_missing_player("Ann")), "No player called “Ann” yet."),
        (
            NotFoundError(text("There is no server here."), hint=text("Add one.")),
            "There is no server here. Add one.",
        ),
        (
            NotFoundError(describe_missing_player("x" * 61), hint=text("Type less.")),
            f"No player called “{'x' * 59}…” yet. Type less.",
        ),
        (
            AmbiguousError(
                describe_several_players("x" * 6000), typed="x", choices=[("1", "Pike"), ("2", "Mira")]
            ),
            f"“{'x' * 59}…” fits several players. Pick one: Pike, Mira.",
        ),
        (
            NotFoundError(
                describe_missing_player("Ann"), hint=text("Type more."), suggestions=("Anna", "Anne")
            ),
            "No player called “Ann” yet. Did you mean **Anna, Anne**? Type more.",
        ),
        (
            TierRequiredError("Rivals", tier=2, tier_name="Mercenary"),
            "Rivals needs tier 2 (Mercenary). The bot's owner can grant it to this Discord server.",
        ),
    ],
)
def test_refusal_says_what_happened_and_what_to_do(error: KillfeedError, sentence: str) -> None:
    """Errors take facts and build their own sentence."""
    assert str(error) == sentence


def test_title_tells_the_kind_of_a_refusal() -> None:
    """A person sees from the title what kind of refusal it is; a tier is named."""
    told = {error.__name__: str(error.title) for error in list_errors(UserFacingError)}
    del told["TierRequiredError"]
    assert told == {
        "AdminsOnlyError": "🔒 Admins only",
        "AlreadyLinkedError": "🔗 Already linked",
        "AmbiguousError": "🔎 Which one?",
        "ArchiveRefusedError": "💾 This backup can't be used",
        "BackupBusyError": "💾 Already at it",
        "BackupError": "💾 No backup",
        "DiscordAwayError": "📡 Discord isn't answering",
        "InvalidInputError": "✋ Check that again",
        "LimitReachedError": "✋ Limit reached",
        "NotAllowedError": "🔒 Not allowed",
        "NotEnoughMoneyError": "💎 Not enough emeralds",
        "NotFoundError": "🔎 Not found",
        "OwnersOnlyError": "🔒 Bot owners only",
        "NotLinkedError": "🔗 Link your player first",
        "PermissionMissingError": "🔧 I need more permissions",
        "SeveralServersError": "🔎 Which one?",
        "SecretError": "🔌 The stored login is unreadable",
        "StillBusyError": "⏳ Still busy",
        "TooMuchAtOnceError": "⏳ One moment",
        "UserFacingError": "✋ Check that again",
    }
    assert str(TierRequiredError("Rivals", tier=2, tier_name="Mercenary").title) == "⭐ Needs tier 2"


def test_title_tells_why_a_game_host_failed() -> None:
    """The title of a failure of a game host tells a lost connection from a refusal and from missing logs."""
    assert {str(error.title) for error in list_errors(RemoteError)} == {
        "🔌 Couldn't connect",
        "🔌 Couldn't read the logs",
        "🔌 Login refused",
        "🔌 The host key changed",
        "🔌 This key doesn't work",
    }
