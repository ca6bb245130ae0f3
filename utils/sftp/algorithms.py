"""The SSH algorithms that are offered to a host.

asyncssh's own defaults still hold SHA-1 (``diffie-hellman-group14-sha1``, ``ssh-rsa``, ``hmac-sha1``). They
are left out here. With ``legacy`` on, a server gets them back, followed by older ones. AES-GCM comes first:
it needs one call of OpenSSL for each packet, and asyncssh's ChaCha20-Poly1305 needs four. A poll is a few
packets. There is no compression: a few bytes of a host could become gigabytes in memory, and the library sets
no limit. Every known server works without it. The strings are asyncssh's pattern language: ``-`` removes from
its defaults, ``+`` appends, ``^`` prefers.
"""

from typing import TypedDict


class AlgorithmOptions(TypedDict):
    """The keyword arguments of ``asyncssh.connect`` that choose algorithms."""

    kex_algs: str
    encryption_algs: str
    mac_algs: str
    signature_algs: str
    server_host_key_algs: list[str]
    compression_algs: None


MODERN_HOST_KEYS = (
    "ssh-ed25519",
    "ssh-ed448",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Strongest first: of several keys of a host, the first of these is the one that gets pinned."""

LEGACY_HOST_KEYS = ("ssh-rsa", "ssh-dss")

SIGNATURES_OF_KEY = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
"""An RSA key signs in several ways; every other key's type is the name of its algorithm."""

_MODERN_EXCHANGE = "-*-sha1,*gss*,rsa2048-sha256"
_LEGACY_EXCHANGE = "+diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1"
_MODERN_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
_LEGACY_CIPHERS = "+aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc"


def choose_algorithms(*, legacy: bool, pinned_type: str | None) -> AlgorithmOptions:
    """Choose the algorithms to offer; those of the pinned key come first.

    A host with several keys shows the key whose type the client names first. So the pinned type comes first,
    and the key does not seem changed. The other types stay on offer, so that a real change is noticed and
    named.
    """
    host_keys = MODERN_HOST_KEYS + (LEGACY_HOST_KEYS if legacy else ())
    pinned = SIGNATURES_OF_KEY.get(pinned_type, (pinned_type,)) if pinned_type else ()
    preferred = [name for name in pinned if name in host_keys]
    return AlgorithmOptions(
        kex_algs=_LEGACY_EXCHANGE if legacy else _MODERN_EXCHANGE,
        encryption_algs=_LEGACY_CIPHERS if legacy else _MODERN_CIPHERS,
        mac_algs="default" if legacy else "-hmac-sha1*",
        signature_algs="default" if legacy else "-ssh-rsa",
        server_host_key_algs=preferred + [name for name in host_keys if name not in preferred],
        compression_algs=None,
    )
