"""The names of Lamongan's 27 kecamatan by Kemendagri's code (Kepmendagri 2025). SIPD knows a kecamatan by its name."""

from collections.abc import Mapping

KECAMATAN: Mapping[str, str] = {
    "35.24.01": "Sukorame",
    "35.24.02": "Bluluk",
    "35.24.03": "Modo",
    "35.24.04": "Ngimbang",
    "35.24.05": "Babat",
    "35.24.06": "Kedungpring",
    "35.24.07": "Brondong",
    "35.24.08": "Laren",
    "35.24.09": "Sekaran",
    "35.24.10": "Maduran",
    "35.24.11": "Sambeng",
    "35.24.12": "Sugio",
    "35.24.13": "Pucuk",
    "35.24.14": "Paciran",
    "35.24.15": "Solokuro",
    "35.24.16": "Mantup",
    "35.24.17": "Sukodadi",
    "35.24.18": "Karanggeneng",
    "35.24.19": "Kembangbahu",
    "35.24.20": "Kalitengah",
    "35.24.21": "Turi",
    "35.24.22": "Lamongan",
    "35.24.23": "Tikung",
    "35.24.24": "Karangbinangun",
    "35.24.25": "Deket",
    "35.24.26": "Glagah",
    "35.24.27": "Sarirejo",
}
