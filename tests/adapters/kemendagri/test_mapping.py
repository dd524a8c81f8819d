from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kemendagri import mapping
from adapters.kemendagri.verdict import Verdict
from bus.kit import AgencyFault, AgencyUnavailable, Failure, Refused

NIK = "3524010101909001"


def a_content(**changes):
    content = {
        "NIK": 3524010101909001,
        "NO_KK": 3524010101209001,
        "NAMA_LGKP": "SUTARJO REKAAN",
        "TMPT_LHR": "LAMONGAN",
        "TGL_LHR": "1990-01-01",
        "JENIS_KLMIN": "LAKI-LAKI",
        "AGAMA": "ISLAM",
        "STATUS_KAWIN": "KAWIN",
        "STAT_HBKEL": "ANAK",
        "PDDK_AKH": "SLTA/SEDERAJAT",
        "JENIS_PKRJN": "PETANI/PEKEBUN",
        "GOL_DARAH": "TIDAK TAHU",
        "ALAMAT": "DUSUN REKAAN 1",
        "NO_RT": 6,
        "NO_RW": 6,
        "NO_PROP": 35,
        "NO_KAB": 24,
        "NO_KEC": 1,
        "NO_KEL": 2001,
        "PROP_NAME": "JAWA TIMUR",
        "KAB_NAME": "LAMONGAN",
        "KEC_NAME": "SUKORAME",
        "KEL_NAME": "SUKORAME",
        "NAMA_LGKP_AYAH": "KASMIN REKAAN",
        "NAMA_LGKP_IBU": "AMINAH REKAAN",
        "EKTP_STATUS": "SUDAH REKAM",
        "KODE_POS": None,
    }
    return content | changes


def a_reply(*, quota=None, **content):
    return mapping.read_reply(
        {"content": [content], "lastPage": True} | ({} if quota is None else {"quotaLimiter": quota})
    )


def test_a_found_resident_satisfies_the_contract(violations):
    answer = mapping.answer_lookup(a_reply(**a_content()), NIK)
    assert not violations("kependudukan/cari-nik.answer", answer)
    assert answer["penduduk"]["alamat"] == {
        "jalan": "DUSUN REKAAN 1",
        "rt": "006",
        "rw": "006",
        "kode_wilayah": "35.24.01.2001",
        "desa": "SUKORAME",
        "kecamatan": "SUKORAME",
        "kabupaten": "LAMONGAN",
        "provinsi": "JAWA TIMUR",
    }


@pytest.mark.parametrize(
    ("element", "sent", "field", "read"),
    [
        ("NIK", 124010101909001, "nik", "0124010101909001"),
        ("NIK", " 3524010101909001 ", "nik", "3524010101909001"),
        ("NO_KK", "3524010101209001  ", "nomor_kk", "3524010101209001"),
        ("TGL_LHR", "31-12-1990", "tanggal_lahir", "1990-12-31"),
        ("TGL_LHR", "31/12/1990", "tanggal_lahir", "1990-12-31"),
        ("TGL_LHR", "1990-12-31 00:00:00", "tanggal_lahir", "1990-12-31"),
        ("AGAMA", "KATHOLIK", "agama", "katolik"),
        ("AGAMA", "BUDHA", "agama", "buddha"),
        ("AGAMA", "KEPERCAYAAN TERHADAP TUHAN YME", "agama", "kepercayaan"),
        ("STATUS_KAWIN", "KAWIN TERCATAT", "status_perkawinan", "kawin"),
        ("STATUS_KAWIN", "Belum Kawin", "status_perkawinan", "belum kawin"),
        ("STATUS_KAWIN", "CERAI HIDUP BELUM TERCATAT", "status_perkawinan", "cerai hidup"),
        ("STAT_HBKEL", "ORANG TUA ", "hubungan_keluarga", "orang tua"),
        ("GOL_DARAH", "ab +", "golongan_darah", "AB+"),
        pytest.param(
            "NAMA_LGKP", "NUR'AINI REKAAN, S.Pd.", "nama", "NUR'AINI REKAAN, S.Pd.", id="apostrophe and title"
        ),
        pytest.param("NAMA_LGKP", "SITI REKAAN \u00a0", "nama", "SITI REKAAN", id="non-breaking blanks behind"),
    ],
)
def test_a_quirk_is_read(element, sent, field, read):
    assert mapping.read_penduduk(a_content(**{element: sent}), NIK)[field] == read


@pytest.mark.parametrize("sent", [0, "0", "000"])
def test_an_rt_of_zeros_is_an_address_without_an_rt(sent):
    address = mapping.read_penduduk(a_content(NO_RT=sent, NO_RW=sent), NIK)["alamat"]
    assert "rt" not in address or address["rt"] == "000"
    assert address["kode_wilayah"] == "35.24.01.2001"


@pytest.mark.parametrize(
    ("element", "sent", "field"),
    [
        ("GOL_DARAH", "TIDAK TAHU", "golongan_darah"),
        ("PDDK_AKH", None, "pendidikan"),
        ("NAMA_LGKP_AYAH", "-", "nama_ayah"),
        ("NAMA_LGKP_IBU", "   ", "nama_ibu"),
        ("AGAMA", "LAINNYA SEKALI", "agama"),
        ("TGL_LHR", "0000", "tanggal_lahir"),
        ("TGL_LHR", "31-02-1990", "tanggal_lahir"),
        ("NO_KEL", None, "alamat"),
    ],
)
def test_what_the_registry_does_not_say_is_absent(element, sent, field):
    assert field not in mapping.read_penduduk(a_content(**{element: sent}), NIK)


@pytest.mark.parametrize(
    ("element", "sent", "named"),
    [
        ("NO_KK", 0, "penduduk/nomor_kk"),
        ("NO_KK", "0000000000000000", "penduduk/nomor_kk"),
        ("NO_KK", "3524/2020/1", "penduduk/nomor_kk"),
        ("NO_KEL", 0, "penduduk/alamat/kode_wilayah"),
        ("NO_KEC", "??", "penduduk/alamat/kode_wilayah"),
        ("NO_RT", "0012", "penduduk/alamat/rt"),
        ("TGL_LHR", "0000-00-00", "penduduk/tanggal_lahir"),
        ("AGAMA", "LAINNYA SEKALI", "penduduk/agama"),
        ("GOL_DARAH", "C", "penduduk/golongan_darah"),
        ("NAMA_LGKP_IBU", {"nama": "?"}, "penduduk/nama_ibu"),
    ],
)
def test_an_odd_element_does_not_void_the_others_and_is_named_without_its_value(element, sent, named, violations):
    answer = mapping.answer_lookup(a_reply(**a_content(**{element: sent})), NIK)
    assert answer["penduduk"]["nama"] == "SUTARJO REKAAN"
    assert answer["keterangan"] == f"tidak layak: {named}"
    assert not violations("kependudukan/cari-nik.answer", answer)


def test_odd_elements_are_named_after_the_status(violations):
    odd = dict.fromkeys(("NO_KK", "TGL_LHR", "AGAMA", "STATUS_KAWIN", "STAT_HBKEL", "JENIS_KLMIN", "EKTP_STATUS"), "?")
    answer = mapping.answer_lookup(a_reply(**a_content(RESPONSE_CODE="11", **odd)), NIK)
    assert answer["keterangan"].startswith("data ditemukan, status meninggal dunia; tidak layak: penduduk/agama, ")
    assert answer["keterangan"].endswith(", dan lainnya")
    assert not violations("kependudukan/cari-nik.answer", answer)


@pytest.mark.parametrize(
    ("element", "sent"),
    [("GOL_DARAH", "TIDAK TAHU"), ("NAMA_LGKP_AYAH", "-"), ("NO_KEL", None), ("PDDK_AKH", "\u00a0")],
)
def test_what_the_registry_does_not_say_is_not_called_unfit(element, sent):
    assert "keterangan" not in mapping.answer_lookup(a_reply(**a_content(**{element: sent})), NIK)


def test_a_village_of_customary_law_is_a_village(violations):
    parts = {"NO_PROP": 91, "NO_KAB": 3, "NO_KEC": 1, "NO_KEL": 3007}
    answer = mapping.answer_lookup(a_reply(**a_content(**parts)), NIK)
    assert answer["penduduk"]["alamat"]["kode_wilayah"] == "91.03.01.3007"
    assert not violations("kependudukan/cari-nik.answer", answer)


@pytest.mark.parametrize("other", [3524010101909002, "3524010101909002"])
def test_elements_of_another_person_are_not_handed_out(other):
    with pytest.raises(AgencyUnavailable) as caught:
        mapping.answer_lookup(a_reply(**a_content(NIK=other)), NIK)
    assert "909002" not in caught.value.detail


def test_a_nik_that_a_registry_rounds_is_the_one_that_was_asked():
    # Such a registry writes its numbers as floats, and 2^53 is 9007199254740992.
    asked = "9103010101900001"
    answer = mapping.answer_lookup(a_reply(**a_content(NIK=int(float(asked)))), asked)
    assert answer["ditemukan"] is True


@pytest.mark.parametrize(
    "content", [{"NIK": "AKSES DITOLAK"}, {"NIK": 0}, {"NIK": None, "HASIL": "ya"}, {"NAMA_LGKP": {}}]
)
def test_a_content_that_tells_nothing_about_a_person_is_not_found_to_be_one(content):
    assert a_reply(**content).verdict is Verdict.UNKNOWN


def test_a_judgement_beside_the_content_counts():
    assert mapping.read_reply({"content": [], "RESPONSE_CODE": "13"}).verdict is Verdict.NOT_FOUND
    assert mapping.read_reply({"content": [a_content()], "RESPONSE_CODE": "02"}).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("sent", "read"), [("62254 ", "62254"), (0, None), (None, None), ("-", None)])
def test_a_postcode_of_zeros_is_none(sent, read):
    assert mapping.read_penduduk(a_content(KODE_POS=sent), NIK)["alamat"].get("kode_pos") == read


def test_elements_outside_the_agreement_are_absent(violations):
    answer = mapping.answer_lookup(a_reply(NIK=3524010101909001, NAMA_LGKP="SUTARJO REKAAN"), NIK)
    assert answer == {"ditemukan": True, "penduduk": {"nik": NIK, "nama": "SUTARJO REKAAN"}}
    assert not violations("kependudukan/cari-nik.answer", answer)


def test_a_nik_outside_the_agreement_is_the_one_that_was_asked():
    assert mapping.read_penduduk({"NAMA_LGKP": "SUTARJO REKAAN"}, NIK)["nik"] == NIK


@pytest.mark.parametrize("code", ["13", "15", "08"])
def test_a_nik_that_is_not_known_is_not_found_with_the_reason(code, violations):
    answer = mapping.answer_lookup(a_reply(RESPONSE_CODE=code, RESPON="…"), NIK)
    assert answer["ditemukan"] is False
    assert answer["keterangan"]
    assert not violations("kependudukan/cari-nik.answer", answer)


@pytest.mark.parametrize(("code", "word"), [("11", "meninggal"), ("12", "ganda"), ("14", "nonaktif")])
def test_a_special_status_is_found_with_a_remark(code, word, violations):
    answer = mapping.answer_lookup(a_reply(**a_content(RESPONSE_CODE=code)), NIK)
    assert answer["ditemukan"] is True
    assert word in answer["keterangan"]
    assert answer["penduduk"]["nama"] == "SUTARJO REKAAN"
    assert not violations("kependudukan/cari-nik.answer", answer)


def test_a_special_status_without_elements_is_found_without_a_resident():
    answer = mapping.answer_lookup(a_reply(RESPONSE_CODE="11", RESPON="Data Ditemukan, Status Meninggal Dunia"), NIK)
    assert answer == {"ditemukan": True, "keterangan": Verdict.DECEASED.value}


@pytest.mark.parametrize("garbage", [None, [], "maaf", {}, {"content": None}, {"content": ["x"]}, {"message": "error"}])
def test_json_that_is_no_answer_is_a_transient_fault(garbage):
    with pytest.raises(AgencyFault) as caught:
        mapping.read_reply(garbage)
    assert caught.value.failure is Failure.TRANSIENT


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("Sesuai (100)", {"sesuai": True, "skor": 100}),
        ("Tidak Sesuai (59)", {"sesuai": False, "skor": 59}),
        ("Sesuai", {"sesuai": True}),
        ("TIDAK SESUAI", {"sesuai": False}),
        (" sesuai(93) ", {"sesuai": True, "skor": 93}),
        ("Sesuai (98.5)", {"sesuai": True, "skor": 98}),
        ("Sesuai (98,5%)", {"sesuai": True, "skor": 98}),
        ("Tidak Sesuai (89.6)", {"sesuai": False, "skor": 89}),
        ("Tidak  Sesuai", {"sesuai": False}),
        ("Tidak\u00a0Sesuai (12 %)", {"sesuai": False, "skor": 12}),
        ("tidak sesuai ( 7 ) ", {"sesuai": False, "skor": 7}),
        ("TidakSesuai", {"sesuai": False}),
        ("SESUAI 98%", {"sesuai": True, "skor": 98}),
    ],
)
def test_a_likeness_is_read(sent, read, violations):
    answer = mapping.answer_verification(a_reply(NIK="Sesuai", NAMA_LGKP=sent))
    assert answer == {"ditemukan": True, "kecocokan": {"nama": read}}
    assert not violations("kependudukan/verifikasi-nik.answer", answer)


@pytest.mark.parametrize("sent", ["Mungkin", "Sesuai sebagian", "Sesuai (seratus)", "Kurang Sesuai", True, ["Sesuai"]])
def test_a_likeness_that_nobody_can_read_is_absent_and_named(sent, violations):
    answer = mapping.answer_verification(a_reply(NIK="Sesuai", NAMA_LGKP=sent))
    assert answer == {"ditemukan": True, "kecocokan": {}, "keterangan": "tidak layak: kecocokan/nama"}
    assert not violations("kependudukan/verifikasi-nik.answer", answer)


@pytest.mark.parametrize("parts", [{"NO_PROP": "Sesuai"}, {"NO_PROP": "Sesuai", "NO_KEL": "?"}])
def test_a_village_of_which_a_part_was_not_compared_does_not_match(parts):
    answer = mapping.answer_verification(a_reply(NIK="Sesuai", **parts))
    assert answer == {"ditemukan": True, "kecocokan": {}, "keterangan": "tidak layak: kecocokan/kode_wilayah"}


def test_a_verification_that_judges_nothing_is_not_found_to_be_a_person():
    with pytest.raises(AgencyUnavailable):
        mapping.answer_verification(a_reply(NIK=3524010101909001))


def test_a_nik_that_does_not_match_is_not_found(violations):
    answer = mapping.answer_verification(a_reply(NIK="Tidak Sesuai"))
    assert answer == {"ditemukan": False, "kecocokan": {}, "keterangan": Verdict.NOT_FOUND.value}
    assert not violations("kependudukan/verifikasi-nik.answer", answer)


def test_a_village_matches_when_all_four_parts_do():
    parts = {"NO_PROP": "Sesuai", "NO_KAB": "Sesuai", "NO_KEC": "Sesuai", "NO_KEL": "Tidak Sesuai"}
    assert mapping.answer_verification(a_reply(NIK="Sesuai", **parts))["kecocokan"] == {
        "kode_wilayah": {"sesuai": False}
    }


def test_a_verification_is_written_as_the_registry_wants_it():
    question = {
        "nik": NIK,
        "nama": "Sutarjo Rekaan",
        "tanggal_lahir": "1990-01-31",
        "jenis_kelamin": "laki-laki",
        "rt": "006",
        "kode_wilayah": "35.24.01.2001",
    }
    assert mapping.write_elements(question) == {
        "TRESHOLD": "90",
        "NIK": NIK,
        "NAMA_LGKP": "SUTARJO REKAAN",
        "TGL_LHR": "31-01-1990",
        "JENIS_KLMIN": "LAKI-LAKI",
        "NO_RT": "6",
        "NO_PROP": "35",
        "NO_KAB": "24",
        "NO_KEC": "1",
        "NO_KEL": "2001",
    }


def test_usage_is_grouped_by_institution_and_nik():
    def record(lembaga, nik, pelanggan):
        return {"lembaga": lembaga, "nik": nik, "id_pelanggan": pelanggan, "waktu_akses": "2026-01-31T09:30:00+07:00"}

    records = [
        record("dinkes", NIK, "RM-1"),
        record("bapenda", NIK, "WP-1"),
        record("dinkes", NIK, "RM-2"),
        record("dinkes", NIK, "RM-1"),
    ]
    assert mapping.write_usage(records, "3524", "PEMKAB LAMONGAN") == [
        {
            "id_lembaga": "3524",
            "nama_lembaga": "PEMKAB LAMONGAN - dinkes",
            "data": [{"NIK": NIK, "param": [{"CUSTOMER_ID": "RM-1"}, {"CUSTOMER_ID": "RM-2"}]}],
        },
        {
            "id_lembaga": "3524",
            "nama_lembaga": "PEMKAB LAMONGAN - bapenda",
            "data": [{"NIK": NIK, "param": [{"CUSTOMER_ID": "WP-1"}]}],
        },
    ]


BLANKS = st.text(" ", max_size=5)


@given(before=BLANKS, after=BLANKS, as_text=st.booleans(), lower=st.booleans())
def test_padding_key_case_and_numbers_as_text_change_nothing(before, after, as_text, lower):
    def disguise(value):
        if isinstance(value, str) or (as_text and isinstance(value, int)):
            return f"{before}{value}{after}"
        return value

    disguised = {(name.lower() if lower else name): disguise(value) for name, value in a_content().items()}
    assert mapping.answer_lookup(a_reply(**disguised), NIK) == mapping.answer_lookup(a_reply(**a_content()), NIK)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@given(content=st.fixed_dictionaries({}, optional=dict.fromkeys(a_content(), JSON)))
def test_no_element_however_odd_breaks_the_reading(content):
    with suppress(Refused):
        answer = mapping.answer_lookup(a_reply(**content), NIK)
        assert isinstance(answer["ditemukan"], bool)


@pytest.mark.parametrize(
    "wrap",
    [lambda row: row, lambda row: {"0": row}],
    ids=["an object alone", "an object with a number as name"],
)
def test_content_that_is_an_object_where_a_list_was_documented_is_read(wrap):
    found = mapping.read_reply({"content": wrap({"NIK": int(NIK), "NAMA_LGKP": "SUTARJO"})})
    assert (found.verdict, found.content["NAMA_LGKP"]) == (Verdict.FOUND, "SUTARJO")
    refused = mapping.read_reply({"content": wrap({"RESPON": "Data Tidak Ditemukan"})})
    assert refused.verdict is Verdict.NOT_FOUND
