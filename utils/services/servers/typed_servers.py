"""Game servers as people type them: addresses with extra parts, names with emoji, blanks anywhere."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from utils.errors import InvalidInputError
from utils.models.texts import Number, Text, join, text
from utils.services.servers.time_zones import find_zone

NAME_CHARACTERS = 50
DEFAULT_PORT = 22
PORTS = range(1, 65536)
NUMBER_DIGITS = 9  # of a hoster's number, as in names of folders

WRONG_HOST = text(
    "A host is a name or an address, like game.example.org, 192.0.2.10 or 2001:db8::1. You can add port,"
    " user name and sftp://, as in sftp://renter@192.0.2.10:8822. Leave out everything else."
)
WRONG_PORT = text("A port is a number from 1 to 65535. Game hosts often use 8822.")

_JOINER = "\u200d"
_ADDRESS = re.compile(
    r"(?P<scheme>(?:sftp|ssh)://)?(?:(?P<username>[^@/]*)@)?"
    r"(?:\[(?P<literal>[^\]]*)\]|(?P<bare>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*(?:%\w+)?)|(?P<name>[^:/@\[\]]*))"
    r"(?::(?P<port>\d{1,9}))?(?P<path>/.*)?",
    re.IGNORECASE,
)
_FLAG_TAGS = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")  # flags of England, Scotland, Wales


@dataclass(frozen=True, slots=True)
class ServerForm:
    """The form of a new server; without a port it has that of the address, else 22."""

    name: str
    host: str
    port: int | None
    username: str
    number: int | None = None
    base_path: str | None = None
    timezone: str = "UTC"
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class LoginFields:
    """A server's login without its secret, as a form shows it and people type it.

    Attributes:
        address: the host and its port.
        place: the number of the game server, or the folder that holds its logs.
        name: of the game server; None where it is known already, and the form does not ask for it.
    """

    address: str
    username: str
    place: str = ""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class TypedAddress:
    """The parts of an address: the host, and the other parts that people add."""

    host: str
    port: int | None = None
    username: str | None = None
    base_path: str | None = None


def trim_text(typed: str) -> str:
    """Return a text without blanks and invisible characters around it, which come with a paste."""
    while typed and (typed[0].isspace() or unicodedata.category(typed[0]) == "Cf"):
        typed = typed[1:]
    while typed and (typed[-1].isspace() or unicodedata.category(typed[-1]) == "Cf"):
        typed = typed[:-1]
    return typed


def read_address(typed: str) -> TypedAddress:
    """Return the parts of ``host``, ``host:port``, ``[::1]:22`` or ``sftp://user@host:port/folder``.

    Raises:
        InvalidInputError: it is not an address, or holds a password.
    """
    match = _ADDRESS.fullmatch(trim_text(typed))
    if match is None or (match["path"] and not match["scheme"]):
        raise InvalidInputError(WRONG_HOST)
    host = match["literal"] or match["bare"] or match["name"] or ""
    username, port = match["username"], match["port"]
    if username is not None and ":" in username:
        raise InvalidInputError(
            text(
                "Leave the password out of the address. A form asks for it, where nobody else sees it. If"
                " someone may have seen it here, change it at your host."
            )
        )
    if not host or any(one.isspace() or not one.isprintable() for one in host):
        raise InvalidInputError(WRONG_HOST)
    if match["literal"] and ":" not in host:
        raise InvalidInputError(WRONG_HOST)
    if port is not None and int(port) not in PORTS:
        raise InvalidInputError(WRONG_PORT)
    folder = trim_text(match["path"] or "").rstrip("/")
    return TypedAddress(
        host, None if port is None else int(port), trim_text(username or "") or None, folder or None
    )


def read_form(form: ServerForm) -> ServerForm:
    """Return a form in stored form: trimmed, the zone by its name, the address split.

    Parts of the address besides the host count if no option gives them.

    Raises:
        InvalidInputError: a value is invalid.
    """
    address = read_address(form.host)
    port = form.port if form.port is not None else address.port or DEFAULT_PORT
    username = trim_text(form.username) or address.username or ""
    read = replace(
        form,
        name=form.name.strip(),
        host=address.host,
        port=port,
        username=username,
        base_path=trim_text(form.base_path or "") or address.base_path,
        timezone=find_zone(form.timezone),
    )
    verify_server_name(read.name)
    if port not in PORTS:
        raise InvalidInputError(WRONG_PORT)
    verify_username(username)
    return read


def write_fields(
    host: str, port: int | None, username: str, *, number: int | None, base_path: str | None
) -> LoginFields:
    """Return the fields of a form about these values."""
    name = f"[{host}]" if ":" in host else host
    address = name if port is None else f"{name}:{port}"
    return LoginFields(address, username, base_path or ("" if number is None else str(number)))


def list_fields(form: ServerForm) -> LoginFields:
    """Return the fields of a form about a new server that was read."""
    return write_fields(form.host, form.port, form.username, number=form.number, base_path=form.base_path)


def fill_in(form: ServerForm, fields: LoginFields) -> ServerForm:
    """Return the form of a new server with the fields that were typed again."""
    number, base_path = read_place(fields.place)
    return replace(
        form,
        host=fields.address,
        port=None,
        username=fields.username,
        number=number,
        base_path=base_path,
        name=form.name if fields.name is None else fields.name,
    )


def read_place(typed: str) -> tuple[int | None, str | None]:
    """Return the number or the folder that a text names; a folder may have a name of many digits."""
    place = trim_text(typed)
    if place.isdecimal() and len(place) <= NUMBER_DIGITS:
        return int(place), None
    return None, place or None


def list_taken(typed: ServerForm, read: ServerForm) -> Text | None:
    """Return how a form was understood; None if it was typed just like that."""
    taken = []
    if read.host != typed.host:
        taken.append(
            text(
                "Host {host}, port {port}, user name {username}",
                host=read.host,
                port=str(read.port),
                username=read.username,
            )
        )
    if read.base_path is not None and read.base_path != typed.base_path:
        taken.append(text("log folder {path}", path=read.base_path))
    if read.timezone != typed.timezone:
        taken.append(text("time zone {zone}", zone=read.timezone))
    return join(taken, ", ") if taken else None


def verify_username(name: str) -> None:
    """Refuse text that cannot be a user name.

    Raises:
        InvalidInputError
    """
    if not name:
        raise InvalidInputError(
            text("The user name is empty. Your hosting company shows it with the SFTP address.")
        )
    if not name.isprintable():
        raise InvalidInputError(text("That user name has invisible characters. Type it by hand."))


def fold_server_name(name: str) -> str:
    """Return a name for comparison: case and the kind of a blank make no difference."""
    return " ".join(name.split()).casefold()


def verify_server_name(name: str) -> None:
    """Refuse a name that cannot be read or typed. Joined emoji and no-break spaces are allowed.

    Raises:
        InvalidInputError
    """
    if not 1 <= len(name) <= NAME_CHARACTERS:
        raise InvalidInputError(
            text("A server's name has 1 to {limit} characters.", limit=Number(NAME_CHARACTERS))
        )
    plain = _FLAG_TAGS.sub("\U0001f3f4", name)
    is_seen = any(unicodedata.category(one)[0] in "LNPS" for one in plain)
    if not is_seen or not all(_may_stand(plain, at) for at in range(len(plain))):
        raise InvalidInputError(text("That name has invisible characters. Type it by hand."))


def verify_free_name(name: str, taken: Iterable[str]) -> None:
    """Refuse a name that another server of the guild has.

    Raises:
        InvalidInputError
    """
    if fold_server_name(name) in map(fold_server_name, taken):
        raise InvalidInputError(
            text("There's already a server called “{name}”. Choose another name.", name=name)
        )


def _may_stand(name: str, at: int) -> bool:
    """Tell whether a character is allowed in a name; a joiner only between emoji."""
    one = name[at]
    if one != _JOINER:
        return one.isprintable() or unicodedata.category(one) == "Zs"
    before, after = name[at - 1 : at], name[at + 1 : at + 2]
    is_joint = bool(before and after) and unicodedata.category(before) in ("So", "Sk", "Mn")
    return is_joint and unicodedata.category(after) in ("So", "Lo")
