"""What an agency's words say, and what they do not say."""

from typing import Any

import pytest

from bus.kit import fold, read_success, says_absent, says_denied, says_success


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("Data Tidak Ditemukan", True),
        ("DATA TDK DITEMUKAN.", True),
        ("Maaf, NIK tidak dapat ditemukan", True),
        ("not found", True),
        ("data tidak ada", True),
        ("Data ditemukan", False),
        ("Method tidak ditemukan", False),
        ("User tidak ditemukan", False),
        ("Data tidak ditemukan, akses ditolak", False),
        ("ditemukan, tidak", False),
        ("tidak", False),
        ("", False),
        (None, False),
        (404, False),
    ],
)
def test_only_words_about_the_thing_say_that_it_is_absent(text: Any, absent: bool) -> None:
    assert says_absent(text, {"nik"}) is absent


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("Akses Ditolak", True),
        ("ACCESS DENIED", True),
        ("Forbidden", True),
        ("Unauthorized", True),
        ("Token tidak valid", True),
        ("Apikey abc salah", True),
        ("Anda tidak berwenang", True),
        ("Permohonan ditolak", False),
        ("Data tidak ditemukan", False),
        ("Token diterima", False),
        ("", False),
        ({"akses": "ditolak"}, False),
    ],
)
def test_words_about_the_account_say_that_it_is_refused(text: Any, denied: bool) -> None:
    assert says_denied(text) is denied


@pytest.mark.parametrize("value", [True, 1, 200, 201, "1", "200", "Success", "SUKSES", "Berhasil menyimpan data", "ok"])
def test_what_says_success_is_success(value: Any) -> None:
    assert says_success(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", 404, "500", "error", "Gagal menyimpan data", "false"])
def test_what_says_failure_is_failure(value: Any) -> None:
    assert says_success(value) is False


@pytest.mark.parametrize(
    "value", [None, 2, 202, -1, 1.0, "2", "antre", "belum berhasil", "tidak ok", "", [], {}, ["ok"]]
)
def test_what_no_list_has_says_neither(value: Any) -> None:
    assert says_success(value) is None


@pytest.mark.parametrize(
    ("answer", "success"),
    [
        ({"message": "Success"}, True),
        ({"success": True, "message": "entah"}, True),
        ({"status": "success", "error": None}, True),
        ({"status": "success", "errors": []}, True),
        ({"success": True, "status": "error"}, False),
        ({"success": True, "error": {"code": 1}}, False),
        ({"api_status": 0, "message": "success"}, False),
        ({"status": "antre", "message": "success"}, None),
        ({"message": "Data diterima"}, None),
        ({"data": [1]}, None),
        ({}, None),
    ],
)
def test_one_failure_outweighs_every_success(answer: dict[str, Any], success: bool | None) -> None:
    assert read_success(fold(answer)) is success
