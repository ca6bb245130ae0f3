"""Private keys as people paste them: every mistake has its sentence, and none takes long."""

import base64
import re
from contextlib import suppress
from itertools import pairwise

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.examples import choose_examples
from utils.errors import InvalidSecretError
from utils.models.problems import Problem
from utils.models.servers import Credentials
from utils.sftp.private_keys import (
    LONGEST_KEY_CHARACTERS,
    mend_private_key,
    read_private_key,
)

KEY = asyncssh.generate_private_key("ssh-ed25519", comment="renter@home")
OPENSSH = KEY.export_private_key("openssh").decode()
PEM = KEY.export_private_key("pkcs8-pem").decode()
FORMS = {
    "openssh": OPENSSH,
    "pkcs8": PEM,
    "rsa": asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_private_key("pkcs1-pem").decode(),
    "ec": asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key("pkcs1-pem").decode(),
}
PUTTY_FILE = """PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: invented
Public-Lines: 1
AAAAC3NzaC1lZDI1NTE5AAAAIInvented
Private-Lines: 1
AAAAIInvented
Private-MAC: 00
"""
OLD_LOCKED = """-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,00000000000000000000000000000000

SW52ZW50ZWQ=
-----END RSA PRIVATE KEY-----"""


def make_block(kind: str, data: bytes) -> str:
    """Return a block of a kind of key with some bytes."""
    return f"-----BEGIN {kind}-----\n{base64.b64encode(data).decode()}\n-----END {kind}-----\n"


LOCKED_OPENSSH = make_block(
    "OPENSSH PRIVATE KEY", b"openssh-key-v1\0\0\0\0\x0aaes256-ctr\0\0\0\x06bcrypt\0\0\0\x18\0\0\0\x10"
)

REFUSED = {
    "a PuTTY key": (PUTTY_FILE, Problem.KEY_OF_PUTTY),
    "an older PuTTY key, locked": (
        PUTTY_FILE.replace("3", "2").replace("none", "aes256-cbc"),
        Problem.KEY_OF_PUTTY,
    ),
    "a public key": (KEY.export_public_key("openssh").decode(), Problem.KEY_PUBLIC),
    "a public RSA key": ("ssh-rsa AAAAB3NzaC1yc2E renter@home", Problem.KEY_PUBLIC),
    "a public key of a device": ("sk-ssh-ed25519@openssh.com AAAAGnNr renter@home", Problem.KEY_PUBLIC),
    "a public key of another form": (KEY.export_public_key("rfc4716").decode(), Problem.KEY_PUBLIC),
    "a public key in PEM": (KEY.export_public_key("pkcs8-pem").decode(), Problem.KEY_PUBLIC),
    "a certificate": (make_block("CERTIFICATE", b"invented"), Problem.KEY_PUBLIC),
    "a locked key of OpenSSH": (LOCKED_OPENSSH, Problem.KEY_LOCKED),
    "the same in one line": (LOCKED_OPENSSH.replace("\n", " "), Problem.KEY_LOCKED),
    "a locked PEM key": (make_block("ENCRYPTED PRIVATE KEY", b"invented"), Problem.KEY_LOCKED),
    "a locked old PEM key": (OLD_LOCKED, Problem.KEY_LOCKED),
    "the same, its line feeds lost": (OLD_LOCKED.replace("\n", " "), Problem.KEY_LOCKED),
    "a key without its end": (OPENSSH.rsplit("-----END", 1)[0], Problem.KEY_CUT),
    "a key without its beginning": (OPENSSH.split("\n", 3)[3], Problem.KEY_CUT),
    "a password": ("correct horse battery staple", Problem.KEY_IS_NONE),
    "nothing": (" ", Problem.KEY_IS_NONE),
    "a password that looks like a number": ("0123456789", Problem.KEY_IS_NONE),
    "a text": ("Dear hoster,\nplease send me a key.\n", Problem.KEY_UNKNOWN),
    "a kind that nobody reads": (make_block("PGP PRIVATE KEY BLOCK", b"invented"), Problem.KEY_UNKNOWN),
    "far too much": ("x" * (LONGEST_KEY_CHARACTERS + 1), Problem.KEY_UNKNOWN),
    "a key with a hole": (PEM.replace(PEM[40:50], ""), Problem.KEY_DAMAGED),
    "letters that are none of a key": (PEM[:40] + "?" + PEM[41:], Problem.KEY_DAMAGED),
    "a body of something else": (make_block("OPENSSH PRIVATE KEY", b"invented"), Problem.KEY_DAMAGED),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_key_is_read_as_its_file_holds_it(text: str) -> None:
    """Every common format is accepted, with or without blanks around it."""
    assert mend_private_key(f"\n  {text.strip()} \n") == mend_private_key(text)
    assert "".join(mend_private_key(text).split()) == "".join(text.split())
    key = read_private_key(Credentials(private_key=text))
    assert key is not None
    assert key.public_data == asyncssh.import_private_key(text).public_data


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("line_feed", [" ", "", "\\n", "\\r\\n", "\r\n", "\n\n", "\t", " \n  "], ids=repr)
def test_line_feeds_that_were_lost_are_put_back(text: str, line_feed: str) -> None:
    """A key that lost its line feeds in a form or a chat is the same key."""
    assert mend_private_key(text.replace("\n", line_feed)) == mend_private_key(text)


def test_body_that_says_what_it_is_needs_no_first_and_last_line() -> None:
    """A person may copy only the lines between them."""
    assert mend_private_key("".join(OPENSSH.split("\n")[1:-2])) == mend_private_key(OPENSSH)


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_told_what_it_is(text: str, problem: Problem) -> None:
    """Each mistake has its own sentence, which does not show the pasted text."""
    with pytest.raises(InvalidSecretError) as caught:
        read_private_key(Credentials(private_key=text))
    assert caught.value.said == problem.say()


def test_password_of_a_locked_key_makes_no_difference() -> None:
    """No passphrase is tried, because a stranger's file decides how long that takes."""
    endless = KEY.export_private_key("pkcs8-pem", "open sesame").decode()
    with pytest.raises(InvalidSecretError, match="has a passphrase"):
        read_private_key(Credentials("open sesame", endless))


def test_rsa_key_of_no_primes_is_refused() -> None:
    """Consistent numbers that do not make a key are found by a signature, not by a slow test of primes."""
    p, q = (1 << 1023) + 1, (1 << 1022) + 9
    n, e = p * q, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    text = make_block("RSA PRIVATE KEY", asyncssh.asn1.der_encode(numbers))
    with pytest.raises(InvalidSecretError, match="Something in that private key is broken"):
        read_private_key(Credentials(private_key=text))


def test_login_without_a_key_has_none() -> None:
    """The login has only a password."""
    assert read_private_key(Credentials("secret")) is None


def test_sentences_are_whole_and_differ() -> None:
    """Each sentence is complete, different, and says what to do."""
    sentences = sorted({str(problem.say()) for _, problem in REFUSED.values()})
    assert len(sentences) == 7
    assert all(re.fullmatch(r"[A-Z].*[.]", sentence) for sentence in sentences)
    assert all(first != second for first, second in pairwise(sentences))


@settings(max_examples=choose_examples(quick=100, deep=600), deadline=None)
@given(
    st.text(max_size=300) | st.sampled_from(list(FORMS.values())), st.integers(0, 400), st.text(max_size=8)
)
def test_any_text_is_a_key_or_is_refused(text: str, at: int, put: str) -> None:
    """No pasted text raises an unexpected error."""
    damaged = text[:at] + put + text[at + 1 :]
    with suppress(InvalidSecretError):
        assert read_private_key(Credentials(private_key=damaged)) is not None
