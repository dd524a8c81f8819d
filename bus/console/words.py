"""Words of the console: texts in Indonesian and English, moments and numbers as people write them.

Templates and pages have the Indonesian texts. A catalogue for each page, `locale/en/*.po`, has the English ones. The files are
read as they are: a compiled file could not be merged, and would have to be made again with each text.
"""

import gettext
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from bus.clock import WIB

INDONESIAN: Final = "id"
ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {INDONESIAN: "Bahasa Indonesia", ENGLISH: "English"}
LOCALE: Final = Path(__file__).parent / "locale"
_MOMENT: Final = "d MMM y HH.mm"


class Words(gettext.NullTranslations):
    """The texts of one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        super().__init__()
        self.language = language
        self._texts = texts

    def gettext(self, message: str) -> str:
        """The text in this language; a text that nobody translated stays as it is."""
        return self._texts.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The text for a number. Indonesian has one form, so pages use one form too."""
        return self.gettext(msgid1)

    def say(self, message: str, **values: object) -> str:
        """The text in this language, with values in the place of `%(name)s`. A template escapes the result."""
        return self.gettext(message) % values if values else self.gettext(message)

    def tell_moment(self, moment: datetime | None) -> str:
        """A moment such as `28 Nov 2026 09.14 WIB`; a dash for none."""
        if moment is None:
            return "–"
        return f"{format_datetime(moment.astimezone(WIB), _MOMENT, locale=self.language)} WIB"

    def tell_number(self, number: float) -> str:
        """A number such as `2.418` or `0,5`."""
        return format_decimal(number, locale=self.language)


@cache
def find_words(language: str) -> Words:
    """The words of a language; an unknown one is Indonesian."""
    if language != ENGLISH:
        return Words(INDONESIAN, {})
    texts: dict[str, str] = {}
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            texts |= {str(one.id): str(one.string) for one in read_po(file, language) if one.id and one.string}
    return Words(language, texts)
