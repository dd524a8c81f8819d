"""The rules of contracts that data break most, in people's words."""

from bus.console.words import Words


def tell_rules(words: Words) -> dict[str, str]:
    """What is wrong, by the rule that refuses it: the schema's keyword, or the problem's name."""
    say = words.say
    return {
        "required": say("Isian wajib tidak ada."),
        "type": say("Jenis isian salah, misalnya angka ditulis sebagai teks."),
        "pattern": say("Bentuk isian tidak sesuai pola, misalnya NIK harus 16 angka."),
        "format": say("Bentuk isian salah, misalnya tanggal harus 2026-11-28."),
        "enum": say("Isian bukan salah satu pilihan yang ada."),
        "const": say("Isian bukan nilai yang ditetapkan."),
        "maxLength": say("Isian terlalu panjang."),
        "minLength": say("Isian terlalu pendek."),
        "minimum": say("Angka terlalu kecil."),
        "maximum": say("Angka terlalu besar."),
        "additionalProperties": say("Ada isian yang tidak dikenal kontrak."),
        "unevaluatedProperties": say("Ada isian yang tidak dikenal kontrak."),
        "not-a-producer": say("Kontrak tidak menyebut Anda sebagai produsen. Hubungi pemilik kontrak."),
        "unknown-contract": say("Tidak ada kontrak dengan nama itu. Periksa isian type."),
        "unknown-contract-version": say("Versi kontrak itu tidak ada. Periksa isian dataschema."),
        "contract-version-retired": say("Versi kontrak itu sudah ditarik. Pakai versi terbaru."),
    }
