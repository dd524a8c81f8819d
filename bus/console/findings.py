"""Findings of the doctor in people's words: what is wrong, and what helps. The doctor itself speaks English alone."""

from dataclasses import dataclass

from bus.console.words import Words
from bus.doctor import Finding


@dataclass(frozen=True, slots=True)
class Advice:
    """What is wrong, and what helps.

    Attributes:
        is_english: the console has no words for it, so these are the doctor's.
    """

    what: str
    do: str
    is_english: bool = False


def advise(finding: Finding, words: Words) -> Advice:
    """A finding in the language of the visitor."""
    about = _name(finding.about, words)
    known = _advise_on_bus(about, words) | _advise_on_database(about, words) | _advise_on_data(about, words)
    return known.get(finding.code) or Advice(finding.what, finding.do, is_english=True)


def _name(about: str, words: Words) -> str:
    """What a finding concerns, without the doctor's English words for its kind."""
    if about == "the database":
        return words.say("basis data")
    for kind, text in (
        ("process ", words.say("proses %(name)s")),
        ("replication slot ", words.say("slot replikasi %(name)s")),
    ):
        if about.startswith(kind):
            return text % {"name": about.removeprefix(kind)}
    return about


def _advise_on_bus(about: str, words: Words) -> dict[str, Advice]:
    say = words.say
    return {
        "open-to-others": Advice(
            say("Pengguna lain di mesin ini dapat membuka %(about)s.", about=about),
            say(
                "Jalankan: chmod go= %(about)s. Jika orang asing sudah membukanya: bus keys rotate --leaked",
                about=about,
            ),
        ),
        "no-tls": Advice(
            say("Bus dicapai tanpa TLS, sehingga orang lain dapat membaca data penduduk."),
            say("Pasang proxy dengan TLS di depan bus, lalu isi BUS_PUBLIC_URL dengan alamat https-nya."),
        ),
        "clock-skew": Advice(
            say("Jam %(about)s tidak sama dengan jam mesin ini.", about=about),
            say("Samakan jam semua mesin dengan satu server waktu (chrony atau systemd-timesyncd)."),
        ),
        "disk-nearly-full": Advice(
            say("Disk hampir penuh: %(about)s.", about=about),
            say("Tambah ruangnya, atau pindahkan berkas yang bukan milik bus."),
        ),
        "relay-missing": Advice(
            say("Tidak ada proses yang meneruskan peristiwa."),
            say("Jalankan: bus serve --roles relay. Jika sudah berjalan, baca lognya."),
        ),
        "workers-missing": Advice(
            say("Pengiriman menunggu, tetapi tidak ada proses yang mengirimkannya: %(about)s.", about=about),
            say("Jalankan: bus serve --roles %(about)s. Jika sudah berjalan, baca lognya.", about=about),
        ),
        "notices-fail": Advice(
            say("Pemberitahuan tidak sampai kepada %(about)s.", about=about),
            say("Coba: bus notify test"),
        ),
    }


def _advise_on_database(about: str, words: Words) -> dict[str, Advice]:
    say = words.say
    return {
        "wal-grows": Advice(
            say("Catatan basis data terus membesar: %(about)s.", about=about),
            say("Periksa apakah program lain lama membaca basis data, atau salinannya mati. Lihat juga: bus doctor"),
        ),
        "no-fsync": Advice(
            say("Basis data tidak menunggu disk. Jika listrik padam, data yang sudah diterima dapat hilang."),
            say("Isi fsync dan full_page_writes dengan on di postgresql.conf, lalu muat ulang PostgreSQL."),
        ),
        "commits-do-not-wait": Advice(
            say("Basis data tidak menunggu salinannya, sehingga data yang sudah diterima dapat hilang."),
            say("Isi synchronous_commit dengan on untuk peran dan basis data bus."),
        ),
        "no-standby": Advice(
            say("Salinan basis data tidak tersambung."),
            say("Jalankan salinannya. Jika mesinnya sudah tidak ada, kosongkan synchronous_standby_names."),
        ),
    }


def _advise_on_data(about: str, words: Words) -> dict[str, Advice]:
    say = words.say
    return {
        "grant-ends": Advice(
            say("Izin atas data segera berakhir: %(about)s.", about=about),
            say("Mintalah versi kontrak dengan tanggal akhir yang baru kepada pemilik kontrak."),
        ),
        "past-sunset": Advice(
            say("Versi kontrak sudah melewati tanggal akhirnya: %(about)s.", about=about),
            say("Jalankan: bus contract retire %(about)s", about=about),
        ),
        "agency-without-settings": Advice(
            say("Instansi %(about)s belum diatur, padahal ada kontrak yang memerlukannya.", about=about),
            say(
                "Isi BUS_ADAPTERS__%(name)s__BASE_URL dan kuncinya menurut docs/agencies.md, lalu jalankan ulang bus.",
                name=about.upper(),
            ),
        ),
        "adapter-off": Advice(
            say(
                "Adaptor %(about)s belum bekerja karena pengaturannya kurang atau salah; kiriman ke instansinya menunggu.",
                about=about,
            ),
            say("Lengkapi pengaturannya lalu jalankan ulang bus, atau aktifkan versi lain: bus adapter list"),
        ),
    }
