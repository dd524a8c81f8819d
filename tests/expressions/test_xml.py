"""XML as a value of JSON: read without entities, and within bounds."""

from typing import Any

import pytest

from bus.expressions.xml import read_xml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<a>teks</a>", {"a": "teks"}),
        ("<a/>", {"a": ""}),
        ("<a><b>1</b><c> x </c></a>", {"a": {"b": "1", "c": " x "}}),
        ("<a><b>1</b><b>2</b><b>3</b></a>", {"a": {"b": ["1", "2", "3"]}}),
        ("<a><b><c/></b><b>2</b></a>", {"a": {"b": [{"c": ""}, "2"]}}),
        ('<a id="7">teks</a>', {"a": {"@id": "7", "#text": "teks"}}),
        ('<s:a xmlns:s="urn:x" xmlns="urn:y"><s:b s:n="1"/></s:a>', {"a": {"b": {"@n": "1"}}}),
        ("<a>satu<b/>dua</a>", {"a": {"b": "", "#text": "satudua"}}),
        ("<a><![CDATA[<b>]]>&amp;&#233;</a>", {"a": "<b>&é"}),
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>', {"a": "é"}),
    ],
    ids=[
        "text",
        "empty",
        "children",
        "repeated",
        "repeated mixed",
        "attribute",
        "namespaces",
        "mixed",
        "escapes",
        "charset",
    ],
)
def test_an_element_becomes_an_object_of_its_children(text: str, value: Any) -> None:
    assert read_xml(text.encode("latin-1")) == value


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<a>&x;</a>",
        b"<a><b></a>",
        b"",
        b'{"a": 1}',
        b"<html><body><br></body></html>",
        b'<?xml version="1.0" encoding="tiada"?><a/>',
        b"<a>" * 65 + b"</a>" * 65,
        b"<a>" + b"<b/>" * 200_000 + b"</a>",
        b"<a " + b" ".join(b'x%d=""' % number for number in range(200_001)) + b"/>",
    ],
    ids=[
        "entity",
        "external type",
        "external entity",
        "unknown entity",
        "unclosed",
        "nothing",
        "json",
        "html",
        "encoding",
        "deep",
        "many elements",
        "many attributes",
    ],
)
def test_what_is_no_plain_xml_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        read_xml(text)
