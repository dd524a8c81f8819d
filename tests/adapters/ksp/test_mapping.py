import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ksp import mapping
from adapters.ksp.strike import STRUCK_OUT
from bus.kit import fold

IDENTITY = {
    "name": "Sutarjo Rekaan",
    "phone": "0812-3456-7890",
    "email": "sutarjo@contoh.example",
    "nik": 3524010101908001,
}


def a_row(**changes):
    row = {
        "tracking_id": 9000123,
        "title": "Jalan berlubang",
        "content": "Jalan di depan pasar berlubang.",
        "category": {"id": 1, "name": "Infrastruktur"},
        "status": "Terverifikasi",
        "is_anonymous": "1",
        "is_secret": 0,
        "created_at": "2026-03-03 08:12:00",
        "updated_at": "2026-03-04 09:00:00",
        "reporter": IDENTITY,
        "institution": {"id": 3, "name": "Dinas Pekerjaan Umum dan Penataan Ruang Kabupaten Lamongan"},
        "region_code": "352402",
        "latitude": "-7.11",
        "longitude": "112.41",
        "attachments": [{"url": "https://lapor.example/berkas/1.jpg"}],
    }
    return row | changes


def test_a_complaint_becomes_a_record_of_the_contract(violations):
    record = mapping.read_complaint(a_row())
    assert record == {
        "nomor_laporan": "9000123",
        "judul": "Jalan berlubang",
        "isi": "Jalan di depan pasar berlubang.",
        "kategori": "Infrastruktur",
        "status": "terverifikasi",
        "waktu_lapor": "2026-03-03T08:12:00+07:00",
        "instansi_tujuan": "dpupr",
        "kode_wilayah": "35.24.02",
        "titik": {"type": "Point", "coordinates": [112.41, -7.11]},
        "anonim": True,
        "rahasia": False,
        "lampiran": ["https://lapor.example/berkas/1.jpg"],
    }
    assert not violations("pengaduan/laporan", record)


def test_two_forms_of_a_date_in_one_answer_are_both_read():
    row = read(a_row(created_at="03-03-2026 08:12", updated_at="2026-03-04T09:00:00+07:00"))
    assert (row.data["waktu_lapor"], row.time) == ("2026-03-03T08:12:00+07:00", "2026-03-04T09:00:00+07:00")


def read(entry):
    (row,) = mapping.read_complaints([entry]).rows
    return row


@pytest.mark.parametrize("anonymous", ["1", 1, True, "0", 0, False])
@pytest.mark.parametrize("secret", ["1", "0"])
@pytest.mark.parametrize(
    "kept_in",
    [
        {"reporter": IDENTITY},
        {
            "pelapor": {
                "nama": IDENTITY["name"],
                "telepon": IDENTITY["phone"],
                "email": IDENTITY["email"],
                "nik": IDENTITY["nik"],
            }
        },
        {f"reporter_{name}": value for name, value in IDENTITY.items()},
    ],
)
def test_who_reported_is_nowhere_in_the_event(anonymous, secret, kept_in):
    written = (
        "Saya SUTARJO  REKAAN, NIK 3524010101908001, telepon +62 812 3456 7890 atau 081234567890, "
        "surel Sutarjo@Contoh.example."
    )
    row = a_row(reporter=None, is_anonymous=anonymous, is_secret=secret, content=written, title="Dari Sutarjo Rekaan")
    told = repr(read(fold(row | kept_in))).casefold()
    for trace in ("sutarjo", "rekaan", "3524010101908001", "0812", "34567890", "3456 7890", "contoh.example"):
        assert trace not in told


def test_an_attachment_named_after_the_reporter_is_left_out():
    links = [{"url": "https://lapor.example/3524010101908001.jpg"}, {"url": "https://lapor.example/2.jpg"}]
    assert mapping.read_complaint(a_row(attachments=links))["lampiran"] == ["https://lapor.example/2.jpg"]


@given(
    name=st.from_regex(r"[A-Za-z]{3,9} [A-Za-z]{3,9}", fullmatch=True),
    before=st.text("abc .\n", max_size=5),
    shouting=st.booleans(),
    gap=st.sampled_from([" ", "  ", "\n"]),
)
def test_a_name_is_struck_out_however_it_is_written(name, before, shouting, gap):
    written = (name.upper() if shouting else name.lower()).replace(" ", gap)
    record = mapping.read_complaint(a_row(reporter={"name": name}, content=f"{before} {written}, hormat saya"))
    assert not re.search(rf"(?<!\w){re.escape(written)}(?!\w)", record["isi"])


@given(digits=st.from_regex(r"08[1-9]\d{8,10}", fullmatch=True), data=st.data())
def test_a_telephone_is_struck_out_with_any_separators(digits, data):
    separators = st.sampled_from(["", "", " ", "-", "."])
    written = "".join(digit + data.draw(separators) for digit in digits)
    record = mapping.read_complaint(a_row(reporter={"phone": digits}, content=f"hubungi {written}!"))
    assert digits[-8:] not in re.sub(r"\D", "", record["isi"])


def test_a_short_name_leaves_other_words_alone():
    record = mapping.read_complaint(a_row(reporter={"name": "Ani"}, content="Petani menunggu pupuk. Ani"))
    assert record["isi"] == f"Petani menunggu pupuk. {STRUCK_OUT}"


@pytest.mark.timeout(30)
def test_a_long_run_of_digits_is_read_in_time_that_grows_with_its_length():
    content = "0" * 200_000
    assert mapping.read_complaint(a_row(content=content))["isi"] == content


@pytest.mark.parametrize("said", [None, "", "1", 1, True, "Ya", "mungkin"])
def test_silence_about_anonymity_counts_as_a_wish_for_it(said):
    assert mapping.read_complaint(a_row(is_anonymous=said))["anonim"] is True


@pytest.mark.parametrize("said", ["0", 0, False, "false", "Tidak"])
def test_a_reporter_may_be_known(said):
    assert mapping.read_complaint(a_row(is_anonymous=said))["anonim"] is False


@pytest.mark.parametrize(
    ("wording", "ours"),
    [
        ("Belum Terverifikasi", "baru"),
        ("BELUM DISPOSISI", "baru"),
        ("Terverifikasi", "terverifikasi"),
        ("Terdisposisi", "terverifikasi"),
        ("Dalam Proses", "diproses"),
        ("Diproses", "diproses"),
        ("selesai", "selesai"),
        ("Ditolak", "ditolak"),
        ("Diarsipkan", "ditolak"),
        ("Entah", "Entah"),
    ],
)
def test_a_state_is_read(wording, ours):
    assert mapping.read_state(wording) == ours


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-03 08:12:00", "2026-03-03T08:12:00+07:00"),
        ("03-03-2026 08:12", "2026-03-03T08:12:00+07:00"),
        ("03/03/2026 08:12:00", "2026-03-03T08:12:00+07:00"),
        ("2026-03-03T01:12:00Z", "2026-03-03T01:12:00+00:00"),
        ("2026-03-03T08:12:00.000000+07:00", "2026-03-03T08:12:00+07:00"),
        ("2026-03-03", "2026-03-03T00:00:00+07:00"),
        ("kemarin", None),
        (None, None),
        (["2026"], None),
    ],
)
def test_a_time_is_read(written, read):
    assert mapping.read_time(written) == read


def test_a_time_that_cannot_be_read_stays_for_the_gate_to_name(violations):
    assert violations("pengaduan/laporan", mapping.read_complaint(a_row(created_at="kemarin")))


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("3524", "35.24"),
        (352402, "35.24.02"),
        ("3524012001", "35.24.01.2001"),
        ("35.24.01.2001 ", "35.24.01.2001"),
        ("3578", None),
        ("35240", None),
        (None, None),
        ("3524xx", None),
    ],
)
def test_a_region_code_gets_its_dots(code, read):
    assert mapping.read_region(code) == read


@pytest.mark.parametrize(
    ("name", "participant"),
    [
        ("Dinas Kesehatan Kabupaten Lamongan", "dinkes"),
        ("DINAS  KESEHATAN", "dinkes"),
        ("dpupr", "dpupr"),
        ("Badan Pendapatan Daerah", "bapenda"),
        ("Kementerian Keuangan", None),
        ("", None),
    ],
)
def test_an_institution_is_known_by_its_name(name, participant):
    assert mapping.find_office(name) == participant


@pytest.mark.parametrize("write", [str, Decimal, float])
def test_coordinates_are_rounded_where_the_list_writes_them_too_precisely(write):
    row = a_row(latitude=write("-7.123456789012345678901234"), longitude=write("112.400000000000005684341886080801"))
    assert mapping.read_complaint(row)["titik"]["coordinates"] == [112.4, -7.1234568]


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(None, None), ("", ""), ("0", "0"), ("-7.1", "x"), ("1e400", "0"), ("91", "1"), ("nan", "1")],
)
def test_a_place_that_is_none_is_absent(latitude, longitude):
    assert "titik" not in mapping.read_complaint(a_row(latitude=latitude, longitude=longitude))


def test_a_complaint_without_a_title_is_called_by_its_beginning(violations):
    record = mapping.read_complaint(a_row(title=None, content="x" * 200))
    assert record["judul"] == "x" * 100


def test_the_order_of_a_rows_members_changes_nothing():
    assert read(a_row()) == read(dict(reversed(a_row().items())))


@pytest.mark.parametrize("change", [{"status": "Selesai"}, {"updated_at": "2026-03-05 09:00:00"}])
def test_a_changed_row_is_another_state_of_the_same_record(change):
    before, after = read(a_row()), read(a_row(**change))
    assert before != after
    assert before.key == after.key == "9000123"


def test_another_reporter_makes_no_other_row():
    assert read(a_row()) == read(a_row(reporter={"name": "Lestari Rekaan"}))


def test_a_row_has_the_time_when_it_changed():
    assert read(a_row()).time == "2026-03-04T09:00:00+07:00"
    assert read(a_row(updated_at="baru saja")).time is None


@given(blanks=st.text(" ", max_size=4), capitals=st.booleans())
def test_padding_and_key_case_change_nothing(blanks, capitals):
    def disguise(value):
        if isinstance(value, dict):
            return {(name.upper() if capitals else name): disguise(part) for name, part in value.items()}
        return f"{blanks}{value}{blanks}" if isinstance(value, str | int) else value

    assert mapping.read_complaint(fold(disguise(a_row()))) == mapping.read_complaint(a_row())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "url", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(row=st.fixed_dictionaries({}, optional=dict.fromkeys(a_row(), JSON)))
def test_no_row_however_odd_breaks_the_reading(row):
    assert read(row).fault is None


@pytest.mark.parametrize("entry", ["x", 7, None, [], True])
def test_an_entry_that_is_no_complaint_stays_a_row_with_a_fault(entry):
    row = read(entry)
    assert (row.key, row.fault.slug) == (None, "row-unreadable")


@pytest.mark.parametrize(("latitude", "longitude"), [("-7,1123", "112,41"), ("-7.1123", "112.41")])
def test_a_coordinate_may_have_a_decimal_comma(latitude, longitude):
    place = mapping.read_complaint(a_row(latitude=latitude, longitude=longitude))["titik"]
    assert place["coordinates"] == [112.41, -7.1123]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ([{"a": 1}], [{"a": 1}]),
        ({"data": [{"a": 1}]}, [{"a": 1}]),
        ({"results": {"data": [{"a": 1}]}}, [{"a": 1}]),
        ({"data": []}, []),
        ([{"a": 1}, None], [{"a": 1}, None]),
        ({"message": "error"}, None),
        ("kosong", None),
        (None, None),
    ],
)
def test_a_page_is_found_in_its_wrappings(page, found):
    assert mapping.find_entries(page) == found


def a_followup(**changes):
    data = {
        "nomor_laporan": "9000123",
        "instansi": "dpupr",
        "isi": "Lubang sudah ditambal.",
        "status": "selesai",
        "waktu": "2026-03-05T08:40:00Z",
        "lampiran": ["https://contoh.example/foto.jpg"],
    }
    return data | changes


def test_a_followup_is_written_as_lapor_wants_it():
    assert mapping.write_followup(a_followup()) == {
        "institution": "Dinas Pekerjaan Umum dan Penataan Ruang",
        "content": "Lubang sudah ditambal.",
        "status": "Selesai",
        "created_at": "2026-03-05 15:40:00",
        "attachments": [{"url": "https://contoh.example/foto.jpg"}],
    }


@pytest.mark.parametrize(
    ("there", "same"),
    [
        ({"content": "Lubang sudah ditambal. (Ref. 0123456789)", "status": "Diproses"}, True),
        ({"isi": "<p>Lubang sudah ditambal.</p><p>(ref. 0123456789)</p>"}, True),
        ({"content": "Lubang sudah ditambal.", "status": "Selesai"}, False),
        ({"content": "Lubang sudah ditambal. (Ref. 9876543210)", "status": "Selesai"}, False),
        ({"content": None}, False),
        ({}, False),
    ],
)
def test_a_followup_is_recognised_by_its_reference_and_not_by_its_words(there, same):
    assert mapping.has_followup("0123456789", [there]) is same


def test_a_reference_stands_below_the_text():
    marked = mapping.mark_followup(mapping.write_followup(a_followup()), "0123456789")
    assert marked["content"] == "Lubang sudah ditambal.\n\n(Ref. 0123456789)"
