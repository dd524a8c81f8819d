"""The sample data: valid under the contracts, plainly made up, the same for the same seed."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import data
from samples.data import InvalidSample, Wilayah
from tests.schemas import resolved

WILAYAH = data.read_wilayah()
DESA = [place for place in WILAYAH if place.is_desa]
SEMBUNG = Wilayah("35.24.01.2001", "Sembung", "Sukorame")

randoms = st.integers(0, 2**32).map(Random)
villages = st.sampled_from(DESA)


def born(nik: str) -> str:
    """Day, month and two-digit year in a NIK, as a man's."""
    day = int(nik[6:8])
    return f"{day - 40 if day > 40 else day:02}{nik[8:12]}"


@pytest.mark.parametrize("contract", data.SAMPLES)
@given(rng=randoms, desa=villages)
def test_every_sample_is_valid_under_its_contract(contract: str, rng: Random, desa: Wilayah) -> None:
    resolved.data_validator(contract).validate(data.SAMPLES[contract](rng, desa))


@given(rng=randoms, desa=villages)
def test_a_nik_agrees_with_the_birth_date_and_the_sex(rng: Random, desa: Wilayah) -> None:
    for person in data.make_keluarga(rng, desa):
        assert born(person["nik"]) == date.fromisoformat(person["tanggal_lahir"]).strftime("%d%m%y")
        assert (int(person["nik"][6:8]) > 40) == (person["jenis_kelamin"] == "perempuan")


@given(rng=randoms, desa=villages)
def test_a_nik_is_plainly_made_up(rng: Random, desa: Wilayah) -> None:
    nik = data.make_penduduk(rng, desa)["nik"]
    assert nik.startswith("3524")
    assert nik[12] == "9"


@given(rng=randoms, desa=villages)
def test_a_family_shares_its_card_and_address_and_is_valid(rng: Random, desa: Wilayah) -> None:
    family = data.make_keluarga(rng, desa)
    assert len({person["nomor_kk"] for person in family}) == 1
    assert {person["alamat"]["kode_wilayah"] for person in family} == {desa.kode}
    for person in family:
        resolved.data_validator("kependudukan.penduduk").validate(person)


@given(rng=randoms, desa=villages)
def test_a_child_is_younger_than_its_mother(rng: Random, desa: Wilayah) -> None:
    _, mother, *children = data.make_keluarga(rng, desa)
    grown_up = date.fromisoformat(mother["tanggal_lahir"]) + timedelta(days=20 * 365)
    assert all(date.fromisoformat(child["tanggal_lahir"]) > grown_up for child in children)


@given(seed=st.integers(0, 2**32), desa=villages)
def test_the_same_seed_gives_the_same_data(seed: int, desa: Wilayah) -> None:
    first, again = ([make(Random(seed), desa) for make in data.SAMPLES.values()] for _ in range(2))
    assert first == again


def test_residents_of_all_27_kecamatan_are_made_each_once() -> None:
    residents = data.make_all_penduduk(Random(1), WILAYAH, families=2)
    assert len({person["alamat"]["kode_wilayah"][:8] for person in residents}) == 27
    assert len({person["nik"] for person in residents}) == len(residents)


def test_the_regions_are_all_of_lamongan() -> None:
    kecamatan = [place for place in WILAYAH if place.is_kecamatan]
    assert (len(kecamatan), len(DESA), WILAYAH[0].nama) == (27, 474, "Kabupaten Lamongan")
    assert SEMBUNG in DESA


@given(rng=randoms, desa=villages)
def test_an_event_can_be_about_a_person_who_is_known(rng: Random, desa: Wilayah) -> None:
    person = data.make_penduduk(rng, desa)
    events = [
        data.make_kematian(rng, desa, person),
        data.make_pindah(rng, desa, person),
        data.make_data_balikan(rng, desa, person),
    ]
    assert {event["nik"] for event in events} == {person["nik"]}


@pytest.mark.parametrize("sample", data.make_invalid_samples(), ids=lambda sample: sample.why)
def test_every_invalid_sample_is_invalid(sample: InvalidSample) -> None:
    assert not resolved.data_validator(sample.contract).is_valid(sample.data)


@pytest.mark.parametrize("sample", data.make_invalid_samples(), ids=lambda sample: sample.why)
def test_an_invalid_sample_is_wrong_in_one_place_alone(sample: InvalidSample) -> None:
    errors = resolved.data_validator(sample.contract).iter_errors(sample.data)
    assert len({tuple(error.path)[:1] for error in errors if error.validator != "required"}) <= 1
