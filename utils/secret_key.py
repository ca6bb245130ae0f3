"""The secret key of an installation: finds it, checks it against the stored logins, and changes it."""

from dataclasses import dataclass
from pathlib import Path

from utils.database.core.database import SafeDatabase
from utils.database.migrations.secret_keys import MovedLogins, Rekeying, StoredLogins, verify_secret_key
from utils.models.quantities import write_quantity
from utils.redaction import Redactor
from utils.secrets import SecretBox, promote_next_key


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """The place of the key.

    Attributes:
        configured: the key in the configuration; empty if it is in the data folder.
        data_dir: the folder of the key file.
    """

    configured: str
    data_dir: Path

    def __repr__(self) -> str:
        """Show where the key is, but not the key."""
        return f"KeyPlace({'configured' if self.configured else self.data_dir})"

    def find_box(self, redactor: Redactor | None = None) -> SecretBox | None:
        """Return the box of the key; None if there is no key yet.

        Raises:
            ConfigurationError: the key is too short, or its file cannot be read.
        """
        return SecretBox.find(self.configured, self.data_dir, redactor=redactor)

    def load_box(self, redactor: Redactor | None = None) -> SecretBox:
        """Return the box of the key, which is made if there is none.

        Raises:
            ConfigurationError: the key is too short, or its file cannot be read or written.
        """
        return SecretBox.load(self.configured, self.data_dir, redactor=redactor)


async def open_secret_box(place: KeyPlace, database: SafeDatabase, redactor: Redactor) -> SecretBox:
    """Return the box that opens the stored logins; a key is made if nothing is stored that needs another one.

    Raises:
        ConfigurationError: the key is wrong or gone; the text says what to do.
    """
    logins = StoredLogins(database)
    box = place.find_box(redactor)
    await verify_secret_key(logins, box)
    if box is None:
        box = place.load_box(redactor)
        await verify_secret_key(logins, box)
    return box


async def change_secret_key(
    place: KeyPlace, work: Rekeying, redactor: Redactor, *, given: str, is_lost: bool
) -> str:
    """Encrypt every stored login with a new key, and return what was done and what is left to do.

    The new key is ``given``, or made in the data folder if ``given`` is empty. ``is_lost`` means that the old
    key is lost.

    Raises:
        ConfigurationError: a bot is at work, or a key is not the right one.
    """
    old = place.find_box(redactor)
    if given:
        new = SecretBox(given, redactor=redactor)
    else:
        new = SecretBox.load_next(place.data_dir, redactor=redactor)
    moved = await work.run(old, new, is_lost=is_lost)
    promote_next_key(place.data_dir, is_given=bool(given))
    is_kept = not (is_lost or place.configured)
    return _describe(moved, is_given=bool(given), was_configured=bool(place.configured), is_kept=is_kept)


def _describe(moved: MovedLogins, *, is_given: bool, was_configured: bool, is_kept: bool) -> str:
    sentences = [f"{write_quantity(moved.logins, 'login')} can be read with the new secret key."]
    if moved.unreadable:
        lost = write_quantity(moved.unreadable, "login")
        again = "/admin server edit new_password:True"
        sentences.append(f"{lost} cannot be read with any key: enter each again with {again}.")
    if is_given:
        sentences.append("Set secret_key to the new key in every process before you start the bot.")
    elif was_configured:
        sentences.append("It is in data/secret.key: make secret_key empty before you start the bot.")
    else:
        sentences.append("It is in data/secret.key.")
    if is_kept:
        sentences.append("The old one is kept in data/secret.key.old: backups from before need it.")
    return " ".join(sentences)
