"""Secrets at rest, and out of logs."""

import stat
import threading
from enum import Enum
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import ConfigurationError, SecretError
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import Credentials, EncryptedSecret
from utils.redaction import Redactor
from utils.secrets import SecretBox

KEY = "a key that somebody chose"
SCOPE = ServerScope(GuildId(42), ServerId("k3v9x0aa"))
BOX = SecretBox(KEY)


class Kind(Enum):
    """An enumeration whose members serve as keys."""

    PLAIN = 1


PRIVATE_KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA\n-----END OPENSSH PRIVATE KEY-----"
)
BOT_TOKEN = "MTA5ODc2NTQzMjEwOTg3NjU0.GhIjKl.abcdefghijklmnopqrstuvwxyz0123456789AB"


@given(st.none() | st.text(), st.none() | st.text())
def test_login_comes_back_as_it_was(password: str | None, private_key: str | None) -> None:
    """Any password and key come back unchanged from the database."""
    credentials = Credentials(password, private_key)
    assert BOX.decrypt(SCOPE, BOX.encrypt(SCOPE, credentials)) == credentials


def test_same_login_is_never_the_same_ciphertext() -> None:
    """The database does not show that two servers have the same password."""
    credentials = Credentials("s3cret-pass")
    assert BOX.encrypt(SCOPE, credentials) != BOX.encrypt(SCOPE, credentials)


@pytest.mark.parametrize(
    "scope",
    [ServerScope(GuildId(43), SCOPE.server_id), ServerScope(SCOPE.guild_id, ServerId("another0"))],
)
def test_secret_does_not_open_under_another_server(scope: ServerScope) -> None:
    """A ciphertext that is copied to another guild or server is useless there."""
    secret = BOX.encrypt(SCOPE, Credentials("s3cret-pass"))
    with pytest.raises(SecretError):
        BOX.decrypt(scope, secret)


def test_wrong_key_and_damage_are_refused_with_a_sentence() -> None:
    """The sentence says what to do, without the cipher's own error."""
    secret = BOX.encrypt(SCOPE, Credentials("s3cret-pass"))
    with pytest.raises(SecretError, match="Enter it again"):
        SecretBox("another key, long enough").decrypt(SCOPE, secret)
    for damaged in (b"", b"\x01", secret.ciphertext[:-1], secret.ciphertext + b"x", b"\x02" * 40):
        with pytest.raises(SecretError):
            BOX.decrypt(SCOPE, EncryptedSecret(damaged))


def test_values_do_not_show_themselves() -> None:
    """The repr of the box, the login and the secret shows nothing."""
    credentials = Credentials("s3cret-pass", PRIVATE_KEY)
    secret = BOX.encrypt(SCOPE, credentials)
    shown = f"{BOX!r} {BOX} {credentials!r} {credentials} {secret!r} {secret}"
    assert shown == (
        "SecretBox(***) SecretBox(***) Credentials(password=***, private_key=***)"
        " Credentials(password=***, private_key=***) EncryptedSecret(***) EncryptedSecret(***)"
    )


def test_key_file_is_made_once_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """The second start reads the key of the first."""
    folder = tmp_path / "data"
    secret = SecretBox.load("", folder).encrypt(SCOPE, Credentials("s3cret-pass"))
    assert SecretBox.load("", folder).decrypt(SCOPE, secret) == Credentials("s3cret-pass")
    assert [path.name for path in folder.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600


def test_configured_key_goes_before_the_file(tmp_path: Path) -> None:
    """A key in the settings needs no file and makes none."""
    secret = SecretBox.load(KEY, tmp_path).encrypt(SCOPE, Credentials("s3cret-pass"))
    assert BOX.decrypt(SCOPE, secret) == Credentials("s3cret-pass")
    assert list(tmp_path.iterdir()) == []


def test_two_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """The first start makes the key, the others read it."""
    boxes: list[SecretBox] = []
    threads = [threading.Thread(target=lambda: boxes.append(SecretBox.load("", tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    secret = boxes[0].encrypt(SCOPE, Credentials("s3cret-pass"))
    assert [box.decrypt(SCOPE, secret) for box in boxes] == [Credentials("s3cret-pass")] * 8
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_unusable_keys_stop_the_start_with_a_reason(tmp_path: Path) -> None:
    """A short key, an empty file and a folder in its place are named."""
    with pytest.raises(ConfigurationError, match="at least 16 characters"):
        SecretBox("short")
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(ConfigurationError, match="at least 16 characters"):
        SecretBox.load("", tmp_path)
    (tmp_path / "secret.key").unlink()
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(ConfigurationError, match=r"secret\.key cannot be used"):
        SecretBox.load("", tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("login password=hunter2 failed", "login password=*** failed"),
        ('{"password": "hunter2", "host": "a"}', '{"password": "***", "host": "a"}'),
        ("SECRET_KEY='abc def'", "SECRET_KEY='*** def'"),
        (
            "PA\u017f\u017fWORD=x, pr\u0131vate_\u212aey=y",
            "PA\u017f\u017fWORD=***, pr\u0131vate_\u212aey=***",
        ),
        ("mysqlpassword: hunter2 my_token=a", "mysqlpassword: *** my_token=***"),
        ("mongodb://me:pa%2Fss@db.example:27017/x", "mongodb://***@db.example:27017/x"),
        ("mongodb+srv://me:pass@db.example/x", "mongodb+srv://***@db.example/x"),
        ("mongodb://127.0.0.1:27017/x", "mongodb://127.0.0.1:27017/x"),
        (f"Authorization: Bot {BOT_TOKEN}", "Authorization: Bot ***"),
        (f"token {BOT_TOKEN} refused", "token *** refused"),
        ("Authorization: Bearer 0123456789abcdef0123", "Authorization: Bearer ***"),
        (f"key:\n{PRIVATE_KEY}\nend", "key:\n***\nend"),
        (PRIVATE_KEY[:60], "***"),
        (
            "[UNetConnection] RemoteAddr: 203.0.113.9:60819, Name: Ip",
            "[UNetConnection] RemoteAddr: ***, Name: Ip",
        ),
        (
            "Join request: /Game/Maps?password=x?eosid=|0002ab?nativeplatform=PS5?platformid=PS5:35?Name=N",
            "Join request: /Game/Maps?password=***?eosid=***?nativeplatform=PS5?platformid=***?Name=N",
        ),
        ("the bot is running, bearer of news", "the bot is running, bearer of news"),
        ("10.0.0.1:8822 refused the login.", "10.0.0.1:8822 refused the login."),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    """Secrets are masked, and the rest of the line stays readable."""
    assert Redactor().redact(text) == expected


def test_registered_secrets_are_masked_wherever_they_turn_up() -> None:
    """A secret goes before a shorter one that it contains; empty and very short secrets are ignored."""
    redactor = Redactor()
    redactor.register("hunter2", "hunter2-longer", None, "", "abc")
    assert redactor.redact("a hunter2-longer b hunter2 c abc") == "a *** b *** c abc"


def test_log_events_are_redacted_however_deep() -> None:
    """Texts, bytes, lists, mappings and objects of an event are all searched."""
    redactor = Redactor()
    redactor.register("hunter2")
    event = {
        "event": "login hunter2",
        "password": "anything",
        "smtp_password": "anything",
        "token": None,
        "login": {"user": "me", "private_key": "anything", "tried": ["hunter2", 3, True, None]},
        "raw": b"hunter2",
        "error": ValueError("hunter2"),
        "scope": SCOPE,
    }
    assert redactor(None, "info", event) == {
        "event": "login ***",
        "password": "***",
        "smtp_password": "***",
        "token": None,
        "login": {"user": "me", "private_key": "***", "tried": ["***", 3, True, None]},
        "raw": "***",
        "error": "ValueError('***')",
        "scope": "ServerScope(guild_id=42, server_id='k3v9x0aa')",
    }


def test_keys_of_any_kind_are_redacted_as_their_values_are() -> None:
    """Keys that are numbers, None, names, pairs or bytes become texts without a secret."""
    redactor = Redactor()
    redactor.register("hunter2", "0xhunter-b")
    event = {
        "by": {
            7: "hunter2",
            None: b"hunter2",
            True: ("a", ("hunter2", {"hunter2"})),
            Kind.PLAIN: [frozenset({b"hunter2"})],
            ("hunter2", (1, "0xhunter-b")): 3,
            b"for hunter2": "x",
            b"password": "anything",
            "of hunter2": {SCOPE: "hunter2"},
        }
    }
    assert redactor(None, "info", event) == {
        "by": {
            "7": "***",
            "None": "***",
            "True": ["a", ["***", ["***"]]],
            "<Kind.PLAIN: 1>": [["***"]],
            "['***', [1, '***']]": 3,
            "for ***": "x",
            "password": "***",
            "of ***": {"ServerScope(guild_id=42, server_id='k3v9x0aa')": "***"},
        }
    }


@given(st.text(min_size=4).filter(lambda text: "*" not in text), st.text(), st.text())
def test_registered_secret_is_found_between_any_texts_and_in_the_text_of_an_object(
    secret: str, before: str, after: str
) -> None:
    """A secret is found at any position, also with escaped characters."""
    redactor = Redactor()
    redactor.register(secret)
    assert secret not in redactor.redact(f"{before}{secret}{after}")
    assert repr(secret)[1:-1] not in redactor.redact(repr(ValueError(secret)))


def test_redactor_works_as_a_processor() -> None:
    """The logging library takes it as it is."""
    redactor = Redactor()
    redactor.register("hunter2")
    capturing = structlog.testing.CapturingLogger()
    logger = structlog.wrap_logger(capturing, processors=[redactor, structlog.processors.JSONRenderer()])
    logger.info("login", host="hunter2")
    assert [call.args for call in capturing.calls] == [('{"host": "***", "event": "login"}',)]


def test_key_is_known_by_digests_that_do_not_tell_it() -> None:
    """A fingerprint and the checks of backups depend on the key, and each purpose has its own."""
    other = SecretBox(f"{KEY} twice")
    digests = {
        BOX.compute_digest("backup", "a"),
        BOX.compute_digest("backup", "b"),
        BOX.compute_digest("fingerprint", "a"),
        other.compute_digest("backup", "a"),
    }
    assert len(digests) == 4
    assert BOX.compute_digest("backup", "a") == SecretBox(KEY).compute_digest("backup", "a")
    assert BOX.fingerprint == SecretBox(KEY).fingerprint != other.fingerprint
