"""The made-up residents: the same for a seed, and in villages that there are."""

from bus.kit import make_population, read_wilayah


def test_the_same_seed_gives_the_same_residents_and_another_seed_gives_others() -> None:
    assert make_population(7) == make_population(7) != make_population(8)


def test_every_resident_has_a_nik_of_their_own_and_lives_in_a_village_that_there_is() -> None:
    residents = make_population()
    villages = {place.kode: (place.nama, place.kecamatan) for place in read_wilayah() if place.is_desa}
    addresses = [person["alamat"] for person in residents]
    assert len({person["nik"] for person in residents}) == len(residents)
    assert {(one["desa"], one["kecamatan"]) for one in addresses} <= {
        villages[one["kode_wilayah"]] for one in addresses
    }
    assert len({one["kecamatan"] for one in addresses}) == 27


def test_no_resident_can_be_a_real_one() -> None:
    assert all(person["nik"].startswith("3524") and person["nik"][12] == "9" for person in make_population())
