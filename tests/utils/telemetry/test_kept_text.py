"""The text of an error that may be stored: plain words, without any typed text."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import DeliveryRefusedError, LoginRefusedError, StorageError, StorageUnavailableError
from utils.models.problems import Problem
from utils.models.texts import text
from utils.telemetry.kept_text import LONGEST, choose_text, clean


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (
            StorageUnavailableError("MongoDB is not reachable. (AutoReconnect 6)"),
            "MongoDB is not reachable. #",
        ),
        (StorageError('no place for "Ann" of 42 at sftp.host.example'), "no place for # of # at #"),
        (StorageError("The disk of Ghostdkr67 is full"), "The disk of # is full"),
        (StorageError("Ann is away. Ann's disk is full"), "# is away. # disk is full"),
        (StorageError("key 0002a9f3deadbeef and password=hunter2"), "key # and #"),
        (DeliveryRefusedError("400 Bad Request (error code: 50035)\nIn embeds.0"), "#"),
        (
            LoginRefusedError(Problem.LOGIN_REFUSED.say(host="10.0.0.7:22")),
            "# refused the login. Check user name and password (or key) with your hosting company.",
        ),
        (LoginRefusedError(text("**{player}** is gone", player="Ann")), "# is gone"),
        (OSError(errno.ENOSPC, "No space", "/home/ann/logs"), "No space left on device"),
        (OSError("sftp.host.example is away"), ""),
        (KeyError("Ann"), ""),
        (ValueError("Ann"), ""),
    ],
)
def test_only_plain_words_of_own_sentences_stay(error: Exception, kept: str) -> None:
    """Values of a sentence are marks; other classes may hold data, so nothing of them stays."""
    assert choose_text(error) == kept


def test_known_secrets_are_removed_first() -> None:
    """The secret of a login may be a plain word."""
    assert choose_text(StorageError("It is apple"), lambda said: said.replace("apple", "***")) == "It is #"


@given(st.text())
def test_no_digit_no_capital_inside_and_no_address_stays(message: str) -> None:
    """In any message, ids, addresses and names that are written like names do not stay."""
    kept = clean(message)
    assert len(kept) <= LONGEST
    assert not any(letter.isdigit() or letter in '@/\\_=<>“”"' for letter in kept)
