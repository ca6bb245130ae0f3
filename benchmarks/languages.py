"""``languages``: the cost of a message in another language than English, and of reading all catalogues."""

import gc
from collections.abc import Sequence
from datetime import UTC, datetime
from time import process_time

from babel import Locale

from benchmarks.figures import Figure, compute_median
from utils.embeds.factory import EmbedFactory
from utils.embeds.notices.registry import NOTICE_LOOKS
from utils.localization.catalogue import FOLDER, Catalogue, read_catalogue
from utils.localization.languages import Languages
from utils.localization.localizer import build_localizer
from utils.localization.messages import collect_texts
from utils.models.notices.notice import Notice

ROUNDS, MESSAGES = 15, 40
AT = datetime(2025, 5, 1, 18, 5, tzinfo=UTC)
INVENTED = "qpb"


async def measure(_: int) -> list[Figure]:
    """Render the killfeed in turns in English and in an invented language, and read all catalogues."""
    languages = Languages(more={INVENTED: build_localizer(INVENTED, build_catalogue())})
    english = EmbedFactory(languages=languages)
    other = await english.speak(INVENTED)
    look = NOTICE_LOOKS["death"]
    notices = look.samples(english.style, event_id=b"1", server_name="North", at=AT)[:10]
    ratios, seconds = [], []
    for _round in range(ROUNDS):
        gc.collect()
        own, translated = time_feed(english, notices), time_feed(other, notices)
        ratios.append(translated / own)
        seconds.append(own)
    began = process_time()
    await Languages().open_all()
    read = process_time() - began
    return [
        Figure("a message of the killfeed in English", 1e3 * compute_median(seconds), "ms", digits=2),
        Figure("the same with a catalogue, times that", compute_median(ratios), "", aim=1.3, digits=2),
        Figure(f"reading {len(list(FOLDER.glob('*.po')))} catalogues", read, "s", digits=2),
    ]


def build_catalogue() -> Catalogue:
    """Return a catalogue with a sentence for every text of the code, as long as the English."""
    forms = {}
    for message in collect_texts():
        if message.id:
            english = (message.id,) * 2 if isinstance(message.id, str) else tuple(message.id)
            forms[message.context or "", english[0]] = english
    return Catalogue(Locale("en"), forms=forms, numerals=read_catalogue("de", None).numerals)


def time_feed(embeds: EmbedFactory, notices: Sequence[Notice]) -> float:
    """Return the seconds of CPU that one message takes."""
    began = process_time()
    for _ in range(MESSAGES):
        embeds.build_feed(notices)
    return (process_time() - began) / MESSAGES
