"""Rendering: a template with the words of the visitor's language becomes a page.

Promise: each text of others is shown as text. Templates escape markup, and characters that nobody sees become visible escapes.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bus.console.assets import find_address
from bus.console.cookies import LANGUAGE, read_cookie
from bus.console.form import FIELD, make_token
from bus.console.menu import find_entries
from bus.console.visit import bound_of
from bus.console.words import ENGLISH, INDONESIAN, LANGUAGES, Words, find_words
from bus.staff import LINK_PATH, Session
from bus.texts import escape_unseen_in_lines

TEMPLATES: Final = Path(__file__).parent / "templates"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of each page: nothing from elsewhere, nothing inline."""
# The front door adds `nosniff` and the referrer policy to every answer.
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def words_of(request: Request) -> Words:
    """The words of the visitor's language."""
    return find_words(read_cookie(request, LANGUAGE) or INDONESIAN)


def show(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """A page.

    Args:
        template: a file in `templates/`.
        values: what the template shows. `page` is the address that shows the page again, where a form's own does not.
            `bound` is the value that forms are bound to, where the browser's cookie does not have it yet.
    """
    words = words_of(request)
    session: Session | None = getattr(request.state, "session", None)
    bound = values.pop("bound", None) or bound_of(request)
    known = {
        "path": values.pop("page", request.url.path),
        # The address of a one-time link is its secret, which no other address may repeat: logs and histories keep addresses.
        "is_secret": request.url.path.startswith(LINK_PATH),
        "language": words.language,
        "languages": LANGUAGES,
        "session": session,
        "menu": find_entries(session.account.role, words) if session else (),
        "moment": words.tell_moment,
        "number": words.tell_number,
        "asset": find_address,
        "token": lambda: _write_token(bound),
    }
    text = _find_environment(words.language).get_template(template).render(known | values)
    return HTMLResponse(text, status, headers=_HEADERS)


def render_bare(template: str, words: Words, **values: Any) -> HTMLResponse:
    """A page without anything of a visitor: no session, no menu, no form."""
    known = {
        "path": "/konsol",
        "is_secret": False,
        "language": words.language,
        "languages": LANGUAGES,
        "session": None,
        "menu": (),
        "asset": find_address,
    }
    text = _find_environment(words.language).get_template(template).render(known | values)
    return HTMLResponse(text, headers=_HEADERS)


def _write_token(bound: str) -> Markup:
    """The hidden field that each form has."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, make_token(bound))


@cache
def _find_environment(language: str) -> Environment:
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        finalize=_make_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(find_words(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["english"] = ENGLISH
    return environment


def _make_visible(value: Any) -> Any:
    """The value, with escapes for the characters of a text that nobody sees."""
    if isinstance(value, Markup):
        return Markup(escape_unseen_in_lines(value))  # noqa: S704 - it was markup before
    return escape_unseen_in_lines(value) if isinstance(value, str) else value
