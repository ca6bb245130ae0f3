"""Languages: lists the bot's languages, chooses one for an answer, and reads each localizer once."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from structlog import get_logger

from utils.localization.catalogue import ENGLISH_CATALOGUE, FOLDER, read_catalogue
from utils.localization.damage import UNREADABLE, find_damage
from utils.localization.localizer import ENGLISH, Localizer, build_localizer
from utils.localization.pools import ENGLISH_POOLS, read_pools
from utils.localization.pools import FOLDER as POOLS_FOLDER

logger = get_logger(__name__)


class Languages:
    """The languages of the bot; English always exists.

    Args:
        folder: holds a file ``<language>.po`` for each.
        pools_folder: holds ``<language>.toml``, titles and lines of posts, for languages that have their own.
        more: further languages without a file.

    Attributes:
        command_ids: Discord's id of each command by its full name; all languages write mentions with them.
        english: the localizer of English.
    """

    def __init__(
        self,
        folder: Path = FOLDER,
        more: Mapping[str, Localizer] | None = None,
        *,
        pools_folder: Path = POOLS_FOLDER,
    ) -> None:
        self._files = {file.stem: file for file in folder.glob("*.po")}
        self._pool_files = {file.stem: file for file in pools_folder.glob("*.toml")}
        self.command_ids: dict[str, int] = {}
        self.english = build_localizer(ENGLISH, ENGLISH_CATALOGUE, command_ids=self.command_ids)
        self._opened: dict[str, Localizer] = {ENGLISH: self.english, **(more or {})}
        self._opening = asyncio.Lock()

    @property
    def names(self) -> frozenset[str]:
        """The languages with texts."""
        return frozenset({*self._opened, *self._files})

    def choose(self, *wanted: str | None) -> str:
        """Return the first locale whose language the bot has; English if it has none of them.

        ``es-419`` has the texts of ``es``, and numbers of its own. None is an unknown locale.
        """
        chosen = next((locale for locale in wanted if locale and self.has(locale)), ENGLISH)
        return ENGLISH if _find_base(chosen) == ENGLISH else chosen

    async def open(self, language: str) -> Localizer:
        """Return the localizer of a locale from ``choose``; a thread reads its file at the first use."""
        if language not in self._opened:
            async with self._opening:
                if language not in self._opened:
                    self._opened[language] = await asyncio.to_thread(self._read, language)
        return self._opened[language]

    async def open_all(self) -> Sequence[Localizer]:
        """Return the localizer of every language with a file, in order of their codes."""
        return [await self.open(language) for language in sorted(self._files)]

    async def find_damaged(self) -> Mapping[str, str]:
        """Read every file in a thread, and return what is wrong with each damaged one, by its name."""
        files = sorted([*self._files.values(), *self._pool_files.values()])
        found = {file.name: await asyncio.to_thread(find_damage, file) for file in files}
        return {name: problem for name, problem in found.items() if problem}

    async def compute_digest(self) -> str:
        """Return a digest of all catalogues, which is cheap beside reading them."""
        contents = await asyncio.to_thread(
            lambda: [self._files[one].read_bytes() for one in sorted(self._files)]
        )
        return hashlib.sha256(b"".join(contents)).hexdigest()

    def has(self, locale: str) -> bool:
        """Tell whether the bot has the language of a locale."""
        return not self.names.isdisjoint({locale, _find_base(locale)})

    def _read(self, language: str) -> Localizer:
        file = self._files.get(language) or self._files.get(_find_base(language))
        pool_file = self._pool_files.get(language) or self._pool_files.get(_find_base(language))
        try:
            own = read_pools(pool_file) if pool_file else ENGLISH_POOLS
            catalogue = read_catalogue(language, file)
            return build_localizer(language, catalogue, own, command_ids=self.command_ids)
        except UNREADABLE as error:
            logger.warning("a language cannot be read", language=language, problem=str(error))
            return self.english


def _find_base(locale: str) -> str:
    return locale.partition("-")[0]
