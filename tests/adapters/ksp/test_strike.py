import pytest

from adapters.ksp.strike import LONGEST_CALL, LONGEST_TEXT, MOST_CALLS, STRUCK_OUT, Strike


@pytest.mark.parametrize(
    ("call", "text", "struck"),
    [
        ("Sutarjo", "Saya SUTARJO.", "Saya @."),
        ("Sutarjo Rekaan", "sutarjo \n rekaan, Sutarjo", "@, Sutarjo"),
        ("Sutarjo, S.Pd.", "Bapak Sutarjo, S.Pd. hadir", "Bapak @ hadir"),
        ("Ani", "Petani Ani_1 Ani", "Petani Ani_1 @"),
        ("Ma'ruf", "MA'RUF", "@"),
        ("İnci", "saya İnci di sini", "saya @ di sini"),
        ("12345678", "nomor 1234-5678", "nomor @"),
        ("0812 3456 7890", "+62 (812) 3456-7890!", "@!"),
        ("a@contoh.example", "surel A@Contoh.Example", "surel @"),
        ("ab", "ab", "ab"),
        ("", "tetap", "tetap"),
    ],
)
def test_what_a_reporter_is_called_by_is_struck_out(call: str, text: str, struck: str) -> None:
    assert Strike([call]).out(text) == struck.replace("@", STRUCK_OUT)


def test_calls_that_overlap_are_struck_out_once() -> None:
    assert Strike(["Sutarjo Rekaan", "Rekaan Jaya"]).out("Sutarjo Rekaan Jaya") == STRUCK_OUT


@pytest.mark.parametrize("calls", [["Ani"] * (MOST_CALLS + 1), ["x" * (LONGEST_CALL + 1)]])
def test_a_reporter_with_more_calls_than_are_searched_for_hides_whole_texts(calls: list[str]) -> None:
    assert Strike(calls).out("Bukan siapa-siapa.") == STRUCK_OUT


def test_a_text_that_is_too_long_to_search_is_struck_out_whole() -> None:
    assert Strike(["Ani"]).out("a" * (LONGEST_TEXT + 1)) == STRUCK_OUT
    assert Strike([]).out("a" * (LONGEST_TEXT + 1)) == "a" * (LONGEST_TEXT + 1)
