import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kemendagri.verdict import Verdict, is_found, make_refusal, read_verdict
from bus.kit import AgencyRefused, AgencyUnavailable, QuotaExhausted


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("01", Verdict.FOUND),
        ("03", Verdict.LOGIN_FAILED),
        ("04", Verdict.IP_REFUSED),
        ("05", Verdict.QUOTA_USED_UP),
        ("06", Verdict.OUTSIDE_HOURS),
        ("07", Verdict.INCOMPLETE),
        ("08", Verdict.UNPROCESSABLE),
        ("09", Verdict.LOGIN_FAILED),
        ("10", Verdict.IP_REFUSED),
        ("11", Verdict.DECEASED),
        ("12", Verdict.DUPLICATE),
        ("13", Verdict.NOT_FOUND),
        ("14", Verdict.INACTIVE),
        ("15", Verdict.NOT_A_NIK),
        ("16", Verdict.INSTITUTION_INACTIVE),
        ("17", Verdict.USER_INACTIVE),
        (" 13 ", Verdict.NOT_FOUND),
        (5, Verdict.QUOTA_USED_UP),
        ("4", Verdict.IP_REFUSED),
    ],
)
def test_the_code_decides(code, meaning):
    assert read_verdict({"RESPONSE_CODE": code, "RESPON": "whatever it says"}) is meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Data Tidak Ditemukan", Verdict.NOT_FOUND),
        ("Login Gagal", Verdict.LOGIN_FAILED),
        ("IP Address Tidak Sesuai", Verdict.IP_REFUSED),
        ("IP Client Tidak terdaftar", Verdict.IP_REFUSED),
        ("Kuota Akses Hari ini telah Habis", Verdict.QUOTA_USED_UP),
        ("User ID Tidak Aktif", Verdict.USER_INACTIVE),
        ("Lembaga Tidak Aktif", Verdict.INSTITUTION_INACTIVE),
        ("Data Ditemukan, Status Meninggal Dunia", Verdict.DECEASED),
        ("Data ditemukan, status non aktif", Verdict.INACTIVE),
        ("Data Ditemukan, Data Ganda", Verdict.DUPLICATE),
        ("Akses di Luar Jam", Verdict.OUTSIDE_HOURS),
        ("Data Ditemukan", Verdict.FOUND),
        ("Sistem sedang sibuk", Verdict.UNKNOWN),
    ],
)
def test_the_text_decides_where_there_is_no_code(text, meaning):
    assert read_verdict({"RESPON": text}) is meaning


def test_an_unknown_code_leaves_the_decision_to_the_text():
    assert read_verdict({"RESPONSE_CODE": "99", "RESPON": "Data Tidak Ditemukan"}) is Verdict.NOT_FOUND


def test_elements_without_code_or_text_are_a_success():
    assert read_verdict({"NIK": 3524010101900001}) is Verdict.FOUND


def test_an_empty_content_says_nothing():
    assert read_verdict({}) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        ({"RESPONSE_CODE": "02", "RESPONSE": "Akses Ditolak"}, Verdict.ACCESS_DENIED),
        ({"RESPONSE_CODE": "02", "RESPONSE_DESC": "Anda tidak berhak mengakses"}, Verdict.ACCESS_DENIED),
        ({"RESPONSE_CODE": "18"}, Verdict.UNKNOWN),
        ({"RESPONSE_CODE": "99", "NIK": 3524010101909001}, Verdict.UNKNOWN),
        ({"RESPONSE_CODE": "ERR", "NIK": 3524010101909001}, Verdict.UNKNOWN),
        ({"RESPONSE_CODE": ["01"]}, Verdict.UNKNOWN),
        ({"RESPONSE_CODE": "00"}, Verdict.UNKNOWN),
        ({"RESPON": "Sukses"}, Verdict.UNKNOWN),
        ({"RESPON": "Permintaan tidak dapat diproses"}, Verdict.UNKNOWN),
        ({"RESPON": "Method tidak ditemukan"}, Verdict.UNKNOWN),
        ({"RESPON": "User tidak ditemukan"}, Verdict.UNKNOWN),
        ({"RESPON": "Data ditemukan tetapi belum disetujui"}, Verdict.UNKNOWN),
        ({"RESPON": "Permohonan ganda ditolak"}, Verdict.UNKNOWN),
        ({"RESPON": "Arsip tidak sesuai"}, Verdict.UNKNOWN),
        ({"RESPON": {"pesan": "?"}, "NIK": 3524010101909001}, Verdict.UNKNOWN),
        ({"RESPONSE": "Gagal", "RESPONSE_DESC": "Data Ditemukan"}, Verdict.UNKNOWN),
        ({"RESPONSE_CODE": "01", "RESPON": "Data Tidak Ditemukan"}, Verdict.UNKNOWN),
    ],
)
def test_access_denied_and_what_no_list_has_is_not_found_to_be_a_person(content, verdict):
    assert read_verdict(content) is verdict
    refusal = make_refusal(verdict, "02")
    assert isinstance(refusal, AgencyUnavailable)
    assert "operator" in refusal.detail
    assert "02" in refusal.detail


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        ({"RESPONSE_CODE": "00", "NIK": 3524010101909001}, Verdict.FOUND),
        ({"RESPONSE_CODE": 0, "RESPON": "Sukses", "NIK": 3524010101909001}, Verdict.FOUND),
        ({"RESPONSE_DESC": "Data Ditemukan, status aktif"}, Verdict.FOUND),
        ({"RESPONSE": "NIK sudah meninggal dunia"}, Verdict.DECEASED),
        ({"RESPONSE": "Sukses", "RESPONSE_DESC": "Data Tidak Ditemukan"}, Verdict.NOT_FOUND),
        ({"RESPONSE_CODE": "18", "RESPONSE": "Data tidak dapat ditemukan"}, Verdict.NOT_FOUND),
        ({"RESPON": "NIK tdk terdaftar"}, Verdict.NOT_FOUND),
        ({"RESPONSE": "Kuota harian telah habis"}, Verdict.QUOTA_USED_UP),
    ],
)
def test_a_text_in_any_member_and_other_words_for_the_same_are_known(content, verdict):
    assert read_verdict(content) is verdict


@given(blanks=st.text(" \t\n", max_size=4), upper=st.booleans())
def test_case_and_padding_of_a_text_do_not_matter(blanks, upper):
    text = f"{blanks}Kuota Akses Hari ini{blanks or ' '}telah Habis{blanks}"
    assert read_verdict({"RESPON": text.upper() if upper else text.lower()}) is Verdict.QUOTA_USED_UP


@pytest.mark.parametrize(
    ("judged", "refused"),
    [
        (Verdict.QUOTA_USED_UP, QuotaExhausted),
        (Verdict.OUTSIDE_HOURS, AgencyUnavailable),
        (Verdict.UNKNOWN, AgencyUnavailable),
        (Verdict.ACCESS_DENIED, AgencyUnavailable),
        (Verdict.OTHER_PERSON, AgencyUnavailable),
        (Verdict.LOGIN_FAILED, AgencyRefused),
        (Verdict.IP_REFUSED, AgencyRefused),
        (Verdict.USER_INACTIVE, AgencyRefused),
        (Verdict.INSTITUTION_INACTIVE, AgencyRefused),
        (Verdict.INCOMPLETE, AgencyRefused),
    ],
)
def test_what_no_asker_can_mend_is_refused(judged, refused):
    assert type(make_refusal(judged)) is refused


@pytest.mark.parametrize("judged", [v for v in Verdict if is_found(v)] + [Verdict.NOT_FOUND, Verdict.NOT_A_NIK])
def test_what_is_said_about_the_nik_is_an_answer(judged):
    assert make_refusal(judged) is None
