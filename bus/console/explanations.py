"""Explanations: what happened and what to do, in people's words, by the refusal's slug."""

from bus.console.words import Words
from bus.limits import Limited
from bus.problem import Refused


def explain(refusal: Refused, words: Words) -> str:
    """What happened and what to do, in people's words; empty for a refusal that only its own words explain."""
    if isinstance(refusal, Limited):
        return words.say("Terlalu banyak percobaan. Tunggu beberapa menit, lalu coba lagi.")
    known = _explain_visits(words) | _explain_contracts(words) | _explain_data(words)
    return known.get(refusal.slug, "")


def _explain_visits(words: Words) -> dict[str, str]:
    """Refusals on the way to a page: accounts, links, forms, passkeys."""
    say = words.say
    return {
        "role-missing": say(
            "Peran Anda tidak mencakup halaman ini. Tanyakan kepada operator siapa yang boleh membukanya."
        ),
        "form-not-yours": say("Formulir ini bukan dari sesi Anda. Muat ulang halaman, lalu kirim sekali lagi."),
        "form-unreadable": say("Formulir tidak terbaca. Muat ulang halaman, lalu kirim sekali lagi."),
        "live-crowded": say("Terlalu banyak halaman langsung yang terbuka. Muat ulang halaman untuk angka terbaru."),
        "link-unusable": say("Tautan ini sudah dipakai atau sudah berakhir. Mintalah tautan baru kepada operator."),
        "page-unknown": say("Halaman ini tidak ada. Mulailah dari Beranda."),
        "session-unknown": say("Sesi ini tidak ada; mungkin sudah berakhir."),
        "payload-too-large": say("Isian terlalu besar. Kurangi isinya, lalu kirim sekali lagi."),
        "refused": say("Alamat halaman ini salah atau tidak lengkap. Mulailah dari Beranda."),
        "passkey-refused": say(
            "Kunci sandi tidak diterima. Muat ulang halaman, lalu coba sekali lagi dengan perangkat yang menyimpannya."
        ),
        "passkey-unknown": say("Kunci sandi ini tidak ada; mungkin sudah dihapus."),
        "passkeys-unavailable": say(
            "Kunci sandi hanya dapat dipakai jika konsol dibuka dengan nama host bus, melalui TLS. "
            "Di mesin bus sendiri, buka dengan nama localhost."
        ),
        "sign-in-refused": say(
            "Anda tidak dapat masuk dengan cara ini. Mulailah lagi dari halaman Masuk; jika tetap gagal, hubungi "
            "operator bus data."
        ),
        "claim-refused": say(
            "Akun pegawai Anda belum punya peran di bus data ini. Mintalah pengelola akun pegawai mengisi peran Anda "
            "dengan salah satu dari: operator, pemilik-aplikasi, pemilik-kontrak, auditor, layanan; dan untuk kedua "
            "pemilik juga nama peserta yang dikenal bus."
        ),
        "provider-unavailable": say(
            "Layanan akun pegawai tidak menjawab. Tunggu sebentar lalu coba lagi, atau masuk dengan cara lain."
        ),
        "provider-missing": say("Bus ini tidak terhubung ke layanan akun pegawai. Masuklah dengan cara lain."),
        "last-proof": say("Ini satu-satunya bukti akun Anda. Tambahkan kunci sandi lain dahulu."),
        "staff-unknown": say("Akun ini tidak ada, atau sudah ditutup."),
        "staff-disabled": say("Akun ini tidak ada, atau sudah ditutup."),
        "staff-provided": say("Akun ini dibuktikan oleh layanan akun pegawai. Pegawai masuk di sana, tanpa tautan."),
    }


def _explain_contracts(words: Words) -> dict[str, str]:
    """Refusals about contracts, grants and requests for access."""
    say = words.say
    return {
        "no-such-contract": say("Kontrak ini tidak ada, atau tidak ada versinya yang berlaku."),
        "not-granted": say("Kontrak ini tidak mengizinkan Anda menerima datanya. Mintalah akses kepada pemiliknya."),
        "grant-expired": say("Izin Anda dalam kontrak ini sudah berakhir. Mintalah perpanjangan kepada pemiliknya."),
        "grant-suspended": say("Izin Anda dalam kontrak ini sedang ditangguhkan. Tanyakan kepada pemiliknya."),
        "access-asked-already": say(
            "Permintaan Anda untuk kontrak ini masih menunggu. Tarik dahulu bila ingin mengubahnya."
        ),
        "access-decided": say("Permintaan ini sudah diputuskan atau ditarik."),
        "no-such-access-request": say("Permintaan akses ini tidak ada, atau bukan milik Anda."),
        "access-request-invalid": say("Tulis alasan dalam satu baris, paling banyak 500 karakter."),
        "no-such-grant": say("Izin ini tidak ada di versi yang berlaku."),
        "grant-not-suspended": say("Izin ini tidak sedang ditangguhkan."),
        "not-owner": say("Hanya pemilik kontrak atau operator yang boleh melakukan ini."),
        "domain-not-yours": say("Hanya pemilik domain atau operator yang mengusulkan dan menyetujui versi."),
        "not-operator": say("Hanya operator yang boleh melakukan ini."),
        "suspension-reason-invalid": say("Tulis alasan dalam satu baris, paling banyak 500 karakter."),
        "contract-version-changed": say(
            "Orang lain mengubah versi ini sejak Anda membukanya. Baca yang sekarang, lalu ulangi."
        ),
        "contract-changed-meanwhile": say("Kontrak ini baru saja berubah. Muat ulang halaman, lalu ulangi."),
        "contract-version-taken": say("Versi ini sudah terdaftar. Naikkan nomor versinya."),
        "contract-transition": say("Keadaan versi ini sudah berubah, jadi langkah itu tidak mungkin lagi."),
        "contract-not-ready": say("Dokumen masih mengandung kesalahan. Perbaiki dahulu."),
        "contract-incompatible": say("Versi ini merusak janji versi yang masih aktif."),
        "contract-version-step": say("Nomor versi naik terlalu sedikit untuk perubahan ini."),
        "contract-compatibility-undecided": say(
            "Bus tidak dapat memastikan apakah versi ini merusak versi aktif. Hanya operator yang dapat menerimanya."
        ),
        "contract-grants-unseen": say(
            "Versi ini membuka lebih banyak data pribadi. Baca apa yang dibuka, lalu centang bahwa Anda sudah melihatnya."
        ),
        "document-too-long": say(
            "Dokumen ini terlalu panjang untuk editor. Ubahlah dengan bus contract apply atau lewat HTTP API."
        ),
        "day-invalid": say("Tulis hari sebagai tahun, bulan, tanggal: 2026-12-31."),
        "retirement-unconfirmed": say("Centang dahulu bahwa versi ini tidak dipakai lagi."),
        "contract-sunset-past": say("Tanggal akhir tidak boleh sudah lewat."),
        "adapter-word-missing": say("Pemilik adaptor instansi belum menyetujui pemakaiannya."),
        "four-eyes": say(
            "Data pribadi memerlukan orang kedua: yang menulis atau mengusulkan versi ini tidak boleh menyetujuinya."
        ),
    }


def _explain_data(words: Words) -> dict[str, str]:
    """Refusals about participants, clients, subscriptions, deliveries and events."""
    say = words.say
    return {
        "subscription-unknown": say("Langganan ini tidak ada, atau bukan milik Anda."),
        "participant-unknown": say("Peserta ini tidak ada, atau bukan milik Anda."),
        "client-unknown": say("Klien ini tidak ada, atau bukan milik Anda."),
        "client-revoked": say("Klien ini sudah dicabut. Buat klien baru."),
        "client-has-keys": say("Klien ini masuk dengan kuncinya sendiri, jadi tidak punya rahasia."),
        "too-many-clients": say("Peserta Anda sudah punya terlalu banyak klien. Mintalah klien baru kepada operator."),
        "scope-not-yours": say("Hak ini, dan rahasia klien yang memilikinya, hanya diberikan operator."),
        "not-confirmed": say("Centang dahulu kotak persetujuan di dekat tombol, lalu tekan lagi."),
        "too-many-secrets": say("Terlalu banyak rahasia masih menandatangani. Tunggu sampai salah satunya berakhir."),
        "delivery-unknown": say("Pengiriman ini tidak ada, atau bukan milik Anda."),
        "event-unknown": say("Peristiwa ini tidak ada, sudah dihapus, atau bukan milik Anda."),
        "inquiry-unknown": say("Permintaan ini tidak ada. Lihat daftarnya di halaman Permintaan subjek data."),
        "inquiry-closed": say("Permintaan ini sudah ditutup. Catat permintaan baru jika orang itu bertanya lagi."),
        "filter-wrong": say("Pencarian untuk berkas ini tidak terbaca. Kembalilah, dan perbaiki kolom yang ditandai."),
        "too-much-at-once": say("Terlalu banyak berkas dibuat sekaligus. Tunggu sebentar, lalu coba lagi."),
        "participant-name": say(
            "Nama peserta memakai 2 sampai 63 huruf kecil, angka dan tanda hubung, dan diawali huruf."
        ),
        "participant-title": say("Nama lengkap peserta belum diisi, atau terlalu panjang."),
        "participant-exists": say("Sudah ada peserta dengan nama ini. Pilih nama lain."),
        "scope-unknown": say("Pilih paling sedikit satu hak untuk klien ini."),
        "client-unchanged": say("Pilih paling sedikit satu hak untuk klien ini."),
        "replay-under-way": say("Pengiriman lagi masih berjalan untuk penerima ini. Tunggu sampai selesai."),
        "nothing-held": say("Tidak ada penghapusan yang ditahan di instansi ini."),
    }
