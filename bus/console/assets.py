"""Files that pages load: the style, and htmx. Their addresses have the digest of the content, so browsers keep them for good.

`htmx.min.js` is that of the npm package, unchanged; `static/manifest.json` has its version, its licence and its digest.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from bus.problem import NotFound

router = APIRouter()

FOLDER: Final = Path(__file__).parent / "static"
_ASSETS: Final = {
    "gaya.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "kunci.js": "text/javascript; charset=utf-8",
    "ikon.svg": "image/svg+xml",
    "langsung.js": "text/javascript; charset=utf-8",
}
_FOR_GOOD: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_DIGITS: Final = 12


class AssetUnknown(NotFound):
    """The console has no such file; load the page again."""

    slug = "asset-unknown"


class _Asset(Response):
    media_type = None


@router.get("/konsol/aset/{digest}/{name}", include_in_schema=False, response_class=_Asset)
def read_asset(digest: Annotated[str, InPath(max_length=64)], name: Annotated[str, InPath(max_length=64)]) -> Response:
    """A file of the console, under the digest of its content."""
    if name not in _ASSETS or digest != _find_digest(name):
        raise AssetUnknown("The console has no such file.")
    return Response(_read(name), headers=_FOR_GOOD, media_type=_ASSETS[name])


def find_address(name: str) -> str:
    """The address of a file."""
    return f"/konsol/aset/{_find_digest(name)}/{name}"


@cache
def _find_digest(name: str) -> str:
    return sha256(_read(name)).hexdigest()[:_DIGITS]


@cache
def _read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
