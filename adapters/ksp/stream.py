"""LAPOR!'s older interface: takes complaints in XML, at `api/stream/addstream`.

Source: public client code of regencies. The answer of success is XML with a `trackingid`; any other answer is none.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import httpx
from pydantic import SecretStr

from bus.kit import AgencyFault, Failure, read_beginning, require_success, says_denied, send_request

AGENCY: Final = "LAPOR!"
PATH: Final = "api/stream/addstream"
_MOST_BYTES: Final = 32 * 1024
_TRACKING: Final = re.compile(r"<trackingid\b[^>]*>\s*(?:<!\[CDATA\[)?\s*#?([A-Za-z0-9-]{1,64})\s*(?:\]\]>)?\s*<", re.I)
"""The tracking number. A parser of XML would also expand entities that LAPOR!, or somebody in its place, declares."""
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (section 2.2)."""
_TAG: Final = re.compile(r"<[^>]*>")

REPORTER: Final[Mapping[str, str]] = {"nama": "nama", "telepon": "telepon", "surel": "email", "nik": "nik"}
"""The contract's property of a reporter to LAPOR!'s element."""
COMPLAINT_FIELDS: Final = ("/nomor_aduan", "/isi", "/anonim", "/rahasia", "/pelapor")
"""The fields that `write_complaint` reads, and the number by which the office knows the complaint."""


class Stream:
    """Sends complaints.

    Args:
        http: a client with the older interface's address as its base URL.
        token: the regency's token, which the XML holds.
    """

    def __init__(self, http: httpx.AsyncClient, token: SecretStr) -> None:
        self._http = http
        self._token = token

    async def add(self, complaint: Mapping[str, Any], reference: str) -> str:
        """Send a complaint of the contract `pengaduan.aduan`; return LAPOR!'s tracking number.

        Raises:
            AgencyFault: LAPOR! does not say that it has the complaint.
        """
        content = write_complaint(complaint, self._token.get_secret_value(), reference)
        request = self._http.build_request("POST", PATH, content=content, headers={"content-type": "text/xml"})
        response = await send_request(self._http, AGENCY, request, most_bytes=_MOST_BYTES)
        require_success(AGENCY, response)
        return read_tracking_number(read_beginning(response))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def write_complaint(data: Mapping[str, Any], token: str, reference: str) -> bytes:
    """A complaint in LAPOR!'s XML, with the event's reference below its text. An anonymous reporter is not in it.

    Args:
        data: the event's data under `pengaduan.aduan`.
        token: the regency's token.
        reference: the event's reference.
    """
    root = Element("lapor", token=token)
    reporter = SubElement(root, "pelapor")
    if not data["anonim"]:
        told = data.get("pelapor") or {}
        for ours, theirs in REPORTER.items():
            if told.get(ours):
                SubElement(reporter, theirs).text = _make_writable(told[ours])
    flags = {"rahasia": _write_flag(data["rahasia"]), "anonim": _write_flag(data["anonim"])}
    SubElement(SubElement(root, "laporan", flags), "isi").text = _make_writable(f"{data['isi']}\n\n(Ref. {reference})")
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def read_tracking_number(text: str) -> str:
    """The tracking number in LAPOR!'s answer.

    Raises:
        AgencyFault: the answer has none. It holds none of the answer's words, which can repeat the complaint.
    """
    found = _TRACKING.search(text)
    if found and found.group(1).strip("0-"):
        return found.group(1)
    if says_denied(_TAG.sub(" ", text)):
        raise AgencyFault(Failure.SINK_DOWN, f"{AGENCY} refuses the regency's token", status=200)
    raise AgencyFault(Failure.TRANSIENT, f"{AGENCY} answered without a tracking number", status=200)


def _make_writable(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _write_flag(value: bool) -> str:
    return "1" if value else "0"
