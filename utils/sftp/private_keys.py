"""Private keys as people paste them: repairs what can be repaired, and says what is wrong with the rest.

*Theory of operation.* The text comes from a stranger and is read in the event loop, so it must not decide how
long that takes. A key with a passphrase is refused by its header, before any passphrase is tried: a number in
the file sets how long that takes. The library's test for primes of an RSA key blocks the interpreter for
seconds, so it is left out; instead the key signs something once, which a wrong key cannot do. A key of 4,000
characters is read in some milliseconds.
"""

import base64
import binascii
import re

import asyncssh

from utils.errors import InvalidSecretError
from utils.models.problems import Problem
from utils.models.servers import Credentials

LONGEST_KEY_CHARACTERS = 16_384
"""A key of 4,096 bits takes 3,400; a longer text cannot be a key."""

_PASSWORD_CHARACTERS = 128  # a single line of at most this length looks like a password
_LINE_CHARACTERS = 64
_OPENSSH = "OPENSSH PRIVATE KEY"
_MAGIC = b"openssh-key-v1\0"
_MAGIC_IN_BASE64 = "b3BlbnNzaC1rZXktdjEA"
_KINDS = (_OPENSSH, "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY")
_LOCKED_KIND = "ENCRYPTED PRIVATE KEY"
_ESCAPED_LINE_FEED = re.compile(r"\\r\\n|\\[nr]")
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_PUBLIC = re.compile(
    r"(ssh-[a-z0-9]+|ecdsa-sha2-\S+|sk-\S+@openssh\.com)\s+AAAA|BEGIN[A-Z0-9 ]+(PUBLIC KEY|CERTIFICATE)"
)


def read_private_key(credentials: Credentials) -> asyncssh.SSHKey | None:
    """Return the private key of a login, ready to sign; None if the login has only a password.

    Raises:
        InvalidSecretError: with a sentence that fits the pasted text.
    """
    if credentials.private_key is None:
        return None
    try:
        key = asyncssh.import_private_key(
            mend_private_key(credentials.private_key), unsafe_skip_rsa_key_validation=True
        )
        proof = key.sign(_MAGIC, key.sig_algorithms[0])
        is_sound = key.convert_to_public().verify(_MAGIC, proof)
    except ValueError as error:  # the library's own errors are subclasses of it
        raise InvalidSecretError(Problem.KEY_DAMAGED.say()) from error
    if not is_sound:
        raise InvalidSecretError(Problem.KEY_DAMAGED.say())
    return key


def mend_private_key(text: str) -> str:
    """Return a pasted key as in its file, with lost line feeds restored.

    Raises:
        InvalidSecretError: with a sentence that fits the pasted text.
    """
    if len(text) > LONGEST_KEY_CHARACTERS:
        raise InvalidSecretError(Problem.KEY_UNKNOWN.say())
    text = _ESCAPED_LINE_FEED.sub("\n", text).strip()
    block = _BLOCK.search(text)
    if block is not None and not text.startswith("PuTTY-"):
        return _mend_block(block[1], block[2])
    if "".join(text.split()).startswith(_MAGIC_IN_BASE64) and "-" not in text:
        return _mend_block(_OPENSSH, text)
    raise InvalidSecretError(_find_problem(text).say())


def _mend_block(kind: str, content: str) -> str:
    """Rewrite a key in lines of the usual length; refuse a public one, a locked one, and other text."""
    if kind.endswith(("PUBLIC KEY", "CERTIFICATE")):
        raise InvalidSecretError(Problem.KEY_PUBLIC.say())
    if kind not in (*_KINDS, _LOCKED_KIND):
        raise InvalidSecretError(Problem.KEY_UNKNOWN.say())
    if kind == _LOCKED_KIND or "ENCRYPTED" in content:  # an old key has a line for that
        raise InvalidSecretError(Problem.KEY_LOCKED.say())
    letters = "".join(content.split())
    try:
        data = base64.b64decode(letters, validate=True)
    except binascii.Error as error:
        raise InvalidSecretError(Problem.KEY_DAMAGED.say()) from error
    if kind == _OPENSSH and _is_locked(data):
        raise InvalidSecretError(Problem.KEY_LOCKED.say())
    lines = (letters[start : start + _LINE_CHARACTERS] for start in range(0, len(letters), _LINE_CHARACTERS))
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""))


def _is_locked(data: bytes) -> bool:
    """Tell whether a key of OpenSSH has a passphrase, by the name of its cipher, which comes first."""
    cipher = data.removeprefix(_MAGIC)
    return data.startswith(_MAGIC) and not cipher.startswith(b"\0\0\0\4none")


def _find_problem(text: str) -> Problem:
    """Say what is wrong with a text that is not a whole key."""
    if text.startswith("PuTTY-User-Key-File"):
        return Problem.KEY_OF_PUTTY
    if _PUBLIC.search(text):
        return Problem.KEY_PUBLIC
    if "-----BEGIN" in text or "-----END" in text:
        return Problem.KEY_CUT
    return (
        Problem.KEY_IS_NONE if len(text) <= _PASSWORD_CHARACTERS and "\n" not in text else Problem.KEY_UNKNOWN
    )
