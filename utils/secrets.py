"""Secrets, encrypted at rest.

A login's password and key are one AES-256-GCM message, bound to their server: a ciphertext copied to another
guild or server does not open there. ``Redactor`` is given each decrypted login, to keep it out of logs.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from utils.errors import ConfigurationError, SecretError
from utils.models.problems import Problem
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import Credentials, EncryptedSecret
from utils.models.texts import Command
from utils.redaction import Redactor

KEY_FILE = "secret.key"
NEXT_KEY_FILE = "secret.key.new"  # the new key while the key is changed
FORMER_KEY_FILE = "secret.key.old"  # older backups need it
KEY_LENGTH_MINIMUM = 16  # characters of a key that a person chose
NONCE_BYTES = 12  # the size for which GCM is made
FINGERPRINT_PURPOSE = "fingerprint"
FINGERPRINT_BYTES = 4
PROOF = b"proof of the key"  # the data that a proof is bound to, so that no login can replace it
FORMAT = b"\x01"  # first byte of every ciphertext, so that another cipher can follow one day


class SecretBox:
    """Encrypts and decrypts logins with one key; a redactor is given each decrypted login."""

    def __init__(self, secret_key: str, *, redactor: Redactor | None = None) -> None:
        self._redactor = redactor or Redactor()
        if len(secret_key) < KEY_LENGTH_MINIMUM:
            raise ConfigurationError(
                f"secret_key: at least {KEY_LENGTH_MINIMUM} characters; leave it empty to have one made."
            )
        self._key = _stretch(secret_key)
        self._cipher = AESGCM(self._key)

    @classmethod
    def find(cls, secret_key: str, data_dir: Path, *, redactor: Redactor | None = None) -> "SecretBox | None":
        """Return a box for the configured key, or for the one in ``data_dir``; None if there is no key yet.

        Raises:
            ConfigurationError: the key is too short, or the file cannot be read.
        """
        if not secret_key and not (data_dir / KEY_FILE).exists():
            return None
        return cls.load(secret_key, data_dir, redactor=redactor)

    @classmethod
    def load_next(cls, data_dir: Path, *, redactor: Redactor | None = None) -> "SecretBox":
        """Return a box for the next key, in a file of its own; the key is made if there is none."""
        return cls(_load_key_file(data_dir / NEXT_KEY_FILE), redactor=redactor)

    @classmethod
    def load(cls, secret_key: str, data_dir: Path, *, redactor: Redactor | None = None) -> "SecretBox":
        """Return a box for the configured key, or for the one in ``data_dir``; made if there is none.

        Raises:
            ConfigurationError: the key is too short, or the file cannot be read or made.
        """
        return cls(secret_key or _load_key_file(data_dir / KEY_FILE), redactor=redactor)

    def seal_proof(self) -> bytes:
        """Return a proof: only this key opens it, and it holds no data."""
        nonce = os.urandom(NONCE_BYTES)
        return FORMAT + nonce + self._cipher.encrypt(nonce, b"", PROOF)

    def is_proven_by(self, proof: bytes) -> bool:
        """Tell whether this key sealed a proof."""
        content = proof.removeprefix(FORMAT)
        try:
            self._cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], PROOF)
        except (InvalidTag, ValueError):
            return False
        return True

    def compute_digest(self, purpose: str, message: str) -> bytes:
        """Return the HMAC-SHA256 of a message under a key that is made of this one for a purpose."""
        derived = hmac.digest(self._key, purpose.encode(), "sha256")
        return hmac.digest(derived, message.encode(), "sha256")

    @property
    def fingerprint(self) -> str:
        """Eight characters by which people know the key, and which do not tell it."""
        return self.compute_digest(FINGERPRINT_PURPOSE, "")[:FINGERPRINT_BYTES].hex()

    def encrypt(self, scope: ServerScope, credentials: Credentials) -> EncryptedSecret:
        """Encrypt a login for one server."""
        plain = json.dumps({"password": credentials.password, "private_key": credentials.private_key})
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plain.encode(), str(scope).encode())
        return EncryptedSecret(FORMAT + nonce + sealed)

    def decrypt(self, scope: ServerScope, secret: EncryptedSecret) -> Credentials:
        """Decrypt the login of the server it was encrypted for.

        Raises:
            SecretError: another key, another server, or damaged.
        """
        content = secret.ciphertext.removeprefix(FORMAT)
        try:
            plain = self._cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], str(scope).encode())
        except (InvalidTag, ValueError) as error:
            raise SecretError(
                Problem.LOGIN_UNREADABLE.say(edit=Command("admin server edit", "new_password:True"))
            ) from error
        credentials = Credentials(**json.loads(plain))
        self._redactor.learn(scope, credentials.password, credentials.private_key)
        return credentials

    def forget(self, scope: ServerScope) -> None:
        """Stop masking the login of a server: it is neither stored nor tried, or not used for now."""
        self._redactor.forget(scope)

    def trying(self, guild_id: GuildId, credentials: Credentials) -> AbstractContextManager[None]:
        """Return a context in which a typed login is masked in the records of its guild."""
        return self._redactor.trying(guild_id, credentials.password, credentials.private_key)

    def __repr__(self) -> str:
        """Do not show the key."""
        return "SecretBox(***)"


@lru_cache(maxsize=8)  # it takes a tenth of a second, and a start opens several boxes of one key
def _stretch(secret_key: str) -> bytes:
    """Stretch a key, because a person may have chosen it; the salt makes it differ from other programs'."""
    return hashlib.scrypt(secret_key.encode(), salt=b"killfeed.secrets", n=2**14, r=8, p=1, dklen=32)


def promote_next_key(data_dir: Path, *, is_given: bool) -> None:
    """Replace the key file by the next key; the old file is kept beside it.

    A key from elsewhere has no file yet; it replaces the key file as well.

    Raises:
        ConfigurationError: a file cannot be moved.
    """
    try:
        if is_given or (data_dir / NEXT_KEY_FILE).exists():
            with suppress(FileNotFoundError):
                (data_dir / KEY_FILE).replace(data_dir / FORMER_KEY_FILE)
        if not is_given and (data_dir / NEXT_KEY_FILE).exists():
            (data_dir / NEXT_KEY_FILE).rename(data_dir / KEY_FILE)
    except OSError as error:
        raise ConfigurationError(
            f"The secret key files in {data_dir} cannot be moved: {type(error).__name__}."
        ) from error


def _load_key_file(path: Path) -> str:
    """Read the key file; make it when it is not there."""
    try:
        if not path.exists():
            _make_key_file(path)
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The secret key file {path} cannot be used: {type(error).__name__}."
        ) from error


def _make_key_file(path: Path) -> None:
    """Make the key file whole or not at all, readable by its owner alone; the first process wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # made with mode 600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        Path(draft).unlink()
