"""Redaction of logins: they are masked, and the log stays readable."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from utils.log_context import bind_log_context
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import Credentials
from utils.redaction import Redactor
from utils.secrets import SecretBox
from utils.telemetry.log_folder import LogLimits
from utils.telemetry.log_setup import LogPipeline, configure_logging

BAD, ALPHA = ServerScope(GuildId(42), ServerId("k3v9x0aa")), ServerScope(GuildId(43), ServerId("k3v9x0bb"))
PASSWORD = "s3cret-Pa55!"
EATING = (
    "2026-",
    "warning",
    "changed by hand",
    "timestamp",
    "level",
    "event",
    "info",
    "guild",
    "audit",
    "1.2.3",
    "T11:",
    "read",
)
"""Passwords that are chosen to make the log unreadable."""
NOW = datetime(2026, 11, 29, 11, 34, 55, tzinfo=UTC)


def redact(redactor: Redactor, **event: Any) -> dict[str, Any]:
    """Return a record as it is written."""
    return redactor(None, "info", event)


@pytest.fixture(name="redactor")
def _redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize(
    "whose", [{"guild_id": 42}, {"guild": 42}, {"scope": "42/k3v9x0aa"}], ids=lambda whose: next(iter(whose))
)
def test_login_is_masked_in_records_of_its_guild(redactor: Redactor, whose: dict[str, Any]) -> None:
    """A record may name its guild in any way; records of other guilds are not masked."""
    redactor.learn(BAD, "hunter2", None)
    texts = {"problem": "refused hunter2", "seen": ["hunter2", b"hunter2", {"a": ValueError("hunter2")}]}
    masked = {"problem": "refused ***", "seen": ["***", "***", {"a": "ValueError('***')"}]}
    assert redact(redactor, event="x", **texts, **whose) == {"event": "x", **masked, **whose}
    assert redact(redactor, guild_id=43, problem="hunter2") == {"guild_id": 43, "problem": "hunter2"}


def test_login_is_masked_in_records_of_nobody_unless_it_may_be_any_word(redactor: Redactor) -> None:
    """A library's record names no guild.

    A password of letters only is not masked there, because it may be a usual word.
    """
    redactor.learn(BAD, PASSWORD, None)
    redactor.learn(ALPHA, "connected", None)
    assert redact(redactor, event=f"failed: {PASSWORD}") == {"event": "failed: ***"}
    assert redactor.redact(f"{PASSWORD} connected") == "*** connected"


@given(st.lists(st.sampled_from(EATING), min_size=1, unique=True))
def test_password_of_common_words_leaves_the_log_readable(words: list[str]) -> None:
    """The bot's own keys, times, levels and events stay readable in its guild; in other guilds all stays."""
    redactor = Redactor()
    for number, word in enumerate(words):
        redactor.learn(ServerScope(GuildId(42), ServerId(str(number))), word, None)
    record = {
        "event": "changed by hand",
        "timestamp": "2026-11-29T11:34:55Z",
        "level": "warning",
        "logger": "utils.services.guilds.audit",
        "guild_id": 42,
        "at": NOW,
        "information": "ready to be spread",
    }
    kept = {**record, "at": repr(NOW)}
    assert redact(redactor, **record) == kept
    assert redact(redactor, **{**record, "guild_id": 43}) == {**kept, "guild_id": 43}
    assert redact(redactor, guild_id=42, told=f"({words[0]})") == {"guild_id": 42, "told": "(***)"}


def test_short_password_is_masked_where_it_stands_alone(redactor: Redactor) -> None:
    """A short password within another word is not masked, and one below four characters never is."""
    redactor.learn(BAD, "main", None)
    redactor.learn(ALPHA, "abc", None)
    told = redact(redactor, guild_id=42, told="main, remains main-land domain (main)")["told"]
    assert told == "***, remains ***-land domain (***)"
    assert redact(redactor, guild_id=43, told="abc")["told"] == "abc"


def test_login_is_known_as_long_as_it_is_stored_or_tried(redactor: Redactor) -> None:
    """A new login replaces the old one; a failed try and a removal leave nothing behind."""

    def told() -> str:
        return str(redact(redactor, guild_id=42, told="old-secret1 new-secret1")["told"])

    redactor.learn(BAD, "old-secret1", None)
    with redactor.trying(BAD.guild_id, "new-secret1", None):
        assert told() == "*** ***"
        with redactor.trying(BAD.guild_id, "new-secret1", "old-secret1"):
            assert told() == "*** ***"
        assert told() == "*** ***"
    assert told() == "*** new-secret1"
    redactor.learn(BAD, "new-secret1", None)
    assert told() == "old-secret1 ***"
    redactor.forget(BAD)
    assert (told(), redactor.redact("new-secret1")) == ("old-secret1 new-secret1", "new-secret1")


def test_box_teaches_what_it_decrypts_and_nothing_else(redactor: Redactor) -> None:
    """A typed login is masked while it is tried, a decrypted one until it is forgotten."""
    box, login = (
        SecretBox("a key for these tests alone", redactor=redactor),
        Credentials(PASSWORD, "my-k3y-text"),
    )
    secret = box.encrypt(BAD, login)
    text = f"{PASSWORD} my-k3y-text"
    assert redactor.redact(text) == text
    with box.trying(BAD.guild_id, login):
        assert redactor.redact(text) == "*** ***"
    box.decrypt(BAD, secret)
    assert redactor.redact(text) == "*** ***"
    box.forget(BAD)
    assert redactor.redact(text) == text


@given(st.text(min_size=8).filter(lambda text: "*" not in text), st.text(), st.text())
def test_long_login_is_found_between_any_texts(secret: str, before: str, after: str) -> None:
    """A long login is masked in its guild's records, and in the text of an object."""
    redactor = Redactor()
    redactor.learn(BAD, secret, None)
    record = redact(redactor, guild_id=42, told=f"{before}{secret}{after}", error=ValueError(secret))
    assert secret not in record["told"]
    assert repr(secret)[1:-1] not in record["error"]


@pytest.fixture(name="logs")
def _logs(tmp_path: Path, redactor: Redactor) -> Iterator[LogPipeline]:
    logs = configure_logging(
        tmp_path,
        level="INFO",
        limits=LogLimits(1, 100),
        version="1.2.3",
        redact=redactor,
        clock=FakeClock(),
        console=io.StringIO(),
    )
    yield logs
    logs.close()


def test_whole_pipeline_keeps_what_a_log_is_read_for(
    tmp_path: Path, redactor: Redactor, logs: LogPipeline
) -> None:
    """Records in the file: of the guild whose passwords are words, of another guild, and with a traceback."""
    for number, word in enumerate(EATING):
        redactor.learn(ServerScope(GuildId(42), ServerId(str(number))), word, None)
    redactor.learn(BAD, PASSWORD, None)
    logger = structlog.get_logger("utils.services.guilds.audit")
    for guild_id in (42, 43):
        with bind_log_context(GuildId(guild_id), command="admin server edit"):
            logger.warning("changed by hand", detail=f"read {PASSWORD}")
    logger.error("failed", guild_id=42, exc_info=ValueError(PASSWORD))
    logs.close()
    own, other, failed = [
        json.loads(line) for line in (tmp_path / "audit.log").read_text("utf-8").splitlines()
    ]
    assert own == {
        "timestamp": "2025-05-01T12:00:00.000000Z",
        "system": "audit",
        "version": "1.2.3",
        "event": "changed by hand",
        "level": "warning",
        "logger": "utils.services.guilds.audit",
        "guild": 42,
        "command": "admin server edit",
        "detail": "*** ***",
    }
    assert other["detail"] == f"read {PASSWORD}"
    assert PASSWORD not in json.dumps(failed)
