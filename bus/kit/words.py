"""What an agency's answer says in words: success, no access, nothing found. Words outside these lists say nothing.

An adapter must not take an unknown word for success: the agency may mean the opposite.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

_MOST_READ = 500
"""Most characters of a text that are read."""
_WORD = re.compile(r"\w+")

_SUCCESS: Final = frozenset({"success", "successful", "successfully", "sukses", "berhasil", "ok", "true", "created"})
_BESIDE_SUCCESS: Final = frozenset(
    {
        "data",
        "telah",
        "sudah",
        "dengan",
        "disimpan",
        "menyimpan",
        "tersimpan",
        "dikirim",
        "terkirim",
        "diterima",
        "saved",
    }
)
_FAILURE: Final = frozenset({"error", "errors", "fail", "failed", "failure", "false", "gagal", "ditolak", "denied"})
_SUCCESS_NUMBERS: Final = frozenset({1, 200, 201})
_SAYING_SUCCESS: Final = ("success", "sukses", "api_status", "status")
_SAYING_FAILURE: Final = ("error", "errors", "fault", "exception")

_NOT: Final = frozenset({"tidak", "tdk", "tak", "belum", "bukan", "gagal", "not", "no", "non"})
_FOUND: Final = frozenset({"ditemukan", "diketemukan", "ketemu", "terdaftar", "ada", "found"})
_BESIDE_ABSENT: Final = (
    _NOT
    | _FOUND
    | frozenset({"data", "record", "nomor", "no", "dapat", "bisa", "di", "dalam", "pada", "database", "basis"})
    | frozenset({"yang", "dicari", "dimaksud", "anda", "kami", "maaf", "untuk", "dengan", "tersebut", "ini"})
)

_ACCESS: Final = frozenset({"akses", "access", "permission", "izin"})
_REFUSED: Final = frozenset({"ditolak", "tolak", "denied", "dilarang", "forbidden"})
_ALONE: Final = frozenset({"unauthorized", "unauthenticated", "forbidden"})
_RIGHTS: Final = frozenset({"berhak", "berwenang", "diizinkan", "diijinkan", "authorized", "allowed"})
_CREDENTIALS: Final = frozenset(
    {
        "token",
        "apikey",
        "key",
        "kunci",
        "kredensial",
        "credential",
        "credentials",
        "login",
        "sandi",
        "password",
        "user_key",
    }
)
_WRONG: Final = (
    _NOT | _REFUSED | frozenset({"salah", "invalid", "wrong", "expired", "kedaluwarsa", "kadaluarsa", "missing"})
)


def split_words(text: Any) -> list[str]:
    """The words of a text in lower case, without punctuation; none for a value that is no text."""
    return _WORD.findall(text[:_MOST_READ].casefold()) if isinstance(text, str) else []


def says_denied(text: Any) -> bool:
    """Whether a text says that the account has no access, such as `Akses ditolak` and `Token tidak valid`."""
    words = frozenset(split_words(text))
    return bool(
        words & _ALONE
        or (words & _ACCESS and words & _REFUSED)
        or (words & _NOT and words & _RIGHTS)
        or (words & _CREDENTIALS and words & _WRONG)
    )


def says_absent(text: Any, things: Collection[str] = ()) -> bool:
    """Whether a text says that the agency has no such thing, such as `Data tidak ditemukan`.

    A text with any other word says nothing: `Method tidak ditemukan` is about the request, and not about the thing.

    Args:
        text: the agency's text.
        things: further words for the thing, in lower case, such as `nik` and `penduduk`.
    """
    words = split_words(text)
    found = next((at for at, word in enumerate(words) if word in _FOUND), None)
    is_denied = found is not None and not _NOT.isdisjoint(words[:found])
    return is_denied and all(word in _BESIDE_ABSENT or word in things for word in words)


def says_success(value: Any) -> bool | None:
    """Whether a value such as `true`, `1`, `"Sukses"` or `"gagal"` says success. None: it says neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 3):
        number = int(value)
        return True if number in _SUCCESS_NUMBERS else False if number == 0 or 400 <= number < 600 else None
    words = frozenset(split_words(value))
    if words & _FAILURE:
        return False
    return True if words & _SUCCESS and words <= _SUCCESS | _BESIDE_SUCCESS else None


def read_success(answer: Mapping[str, Any]) -> bool | None:
    """Whether a folded answer says that the agency did what the bus asked. None: it says neither.

    A member `error` with a content, and any member that says failure, outweigh the others. `message` counts only if
    nothing else says it.
    """
    if any(answer.get(name) not in (None, False, 0, "", "0", "false", [], {}) for name in _SAYING_FAILURE):
        return False
    said = [says_success(answer[name]) for name in _SAYING_SUCCESS if name in answer]
    if False in said:
        return False
    if True in said:
        return True
    return None if said else says_success(answer.get("message", answer.get("pesan")))
