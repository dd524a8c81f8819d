"""Reads XML for expressions, as a value of JSON. Only worker processes read so.

Promise: no document type is read, so no entity is expanded and nothing is fetched. Depth and size are bounded.
"""

from typing import Any, Final
from xml.parsers import expat

_DEEPEST: Final = 64
_MOST_ELEMENTS: Final = 200_000
"""Elements and attributes of one answer."""
_TEXT: Final = "#text"


def read_xml(text: bytes) -> dict[str, Any]:
    """The value of an XML document: an object whose only member is the root element.

    An element is an object of its children, by their names without prefix; a name that comes again has a list. An element
    without children and attributes is its text. An attribute is the member `@name`; text beside children is `#text`.

    Raises:
        ValueError: the text is no XML, has a document type, or is too deep or too large.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.add_text
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError):
        # LookupError: the document names an encoding that Python does not know.
        raise ValueError("is no XML") from None
    return reader.root


class _Reader:
    """Builds the value while the parser reads."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[dict[str, Any], list[str]]] = [(self.root, [])]
        self._left = _MOST_ELEMENTS

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._left -= 1 + len(attributes)
        if self._left < 0 or len(self._open) > _DEEPEST:
            raise ValueError("is too deep or too large")
        # Where the names of a namespace stand says nothing of the data.
        own = {f"@{_cut(key)}": value for key, value in attributes.items() if key.partition(":")[0] != "xmlns"}
        self._open.append((own, []))

    def end(self, name: str) -> None:
        members, texts = self._open.pop()
        text = "".join(texts)
        value: Any = text
        if members:
            value = {**members, _TEXT: text} if text.strip() else members
        parent, key = self._open[-1][0], _cut(name)
        if key not in parent:
            parent[key] = value
        elif isinstance(parent[key], list):
            parent[key].append(value)
        else:
            parent[key] = [parent[key], value]

    def add_text(self, text: str) -> None:
        self._open[-1][1].append(text)


def _cut(name: str) -> str:
    """The name without its prefix."""
    return name.rpartition(":")[2]


def _refuse_document_type(*_: Any) -> None:
    raise ValueError("has a document type")
