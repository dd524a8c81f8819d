"""Which form and which coding of an answer suit a client (RFC 9110, section 12.5)."""

import time

import pytest

from bus.http.negotiation import CodingNotAcceptable, NotAcceptable, choose_coding, choose_form, require_form

pytestmark = pytest.mark.unit

JSON, NDJSON, CSV = FORMS = ("application/json", "application/x-ndjson", "text/csv")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("Text/CSV", CSV),
        ("text/*", CSV),
        ("text/csv;q=0.1, application/json", JSON),
        ("application/json;q=0.2, text/csv;q=0.9", CSV),
        ("text/csv; q=0.5, */*; q=0.1", CSV),
        ("application/*, text/csv;q=0.9", JSON),
        ("*/*, text/csv", CSV),
        ("text/csv, application/json", CSV),
        ("application/json, text/csv", JSON),
        ("application/json;q=0, */*", NDJSON),
        ("application/*;q=0, */*", CSV),
        ("application/*;q=0, application/json", JSON),
        ("text/csv;q=0", None),
        ("text/html", None),
        ("application/xhtml+xml, text/html;q=0.9", None),
        ("*/*;q=0", None),
        ("application/json;q=0.000", None),
        ("application/json; charset=utf-8", JSON),
        ('application/json; charset="UTF-8"', JSON),
        ("text/csv; charset=utf-16", None),
        ("application/json; profile=other", None),
        ("application/json; profile=other, text/csv;q=0.1", CSV),
        ("nonsense, text/csv", CSV),
        ("text/csv;q=2, application/x-ndjson;q=0.1", NDJSON),
        ("nonsense", JSON),
        (",,;q=1,", JSON),
        ("*/csv", JSON),
    ],
)
def test_the_form_is_the_one_that_the_client_weighs_most(accept: str, form: str | None) -> None:
    assert choose_form(accept, FORMS) == form


def test_a_parameter_of_the_form_itself_is_matched() -> None:
    assert choose_form("text/plain;version=0.0.4", ["text/plain; version=0.0.4; charset=utf-8"]) is not None


def test_forms_that_do_not_fit_are_told() -> None:
    with pytest.raises(NotAcceptable) as refused:
        require_form("text/html", FORMS)
    assert refused.value.to_document()["available"] == list(FORMS)


@pytest.mark.parametrize(
    ("accept_encoding", "coding", "is_must"),
    [
        (None, "identity", False),
        ("", "identity", False),
        ("gzip", "gzip", False),
        ("GZIP", "gzip", False),
        ("x-gzip", "gzip", False),
        ("zstd", "zstd", False),
        ("gzip, deflate, br, zstd", "zstd", False),
        ("zstd;q=0.5, gzip;q=0.9", "gzip", False),
        ("br, deflate", "identity", False),
        ("gzip;q=0", "identity", False),
        ("gzip;q=0, *", "identity", False),
        ("*", "gzip", False),
        ("identity, gzip;q=0.5", "identity", False),
        ("identity;q=0.1, gzip;q=0.5", "gzip", False),
        ("identity;q=0, gzip", "gzip", True),
        ("*;q=0, zstd", "zstd", True),
        ("gzip;q=7", "identity", False),
    ],
)
def test_the_coding_is_the_one_that_the_client_weighs_most(
    accept_encoding: str | None, coding: str, is_must: bool
) -> None:
    assert choose_coding(accept_encoding) == (coding, is_must)


@pytest.mark.parametrize("accept_encoding", ["identity;q=0", "*;q=0", "br, *;q=0", "identity;q=0, br"])
def test_a_client_that_takes_no_coding_of_the_bus_is_told(accept_encoding: str) -> None:
    with pytest.raises(CodingNotAcceptable):
        choose_coding(accept_encoding)


def test_a_long_header_of_quotes_is_read_as_fast_as_another() -> None:
    begun = time.process_time()
    choose_form('a/b;c="' + '\\"' * 8000, FORMS)
    choose_form("a/b;" * 4000, FORMS)
    choose_form("a/b," * 4000, FORMS)
    assert time.process_time() - begun < 1
