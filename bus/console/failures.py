"""Failures: why a sink did not take an event, in people's words. The bus's own words for it are English."""

from collections.abc import Mapping

from bus.agencies import PollFailureKind
from bus.console.words import Words
from bus.delivery import AgencySink, Health, Pull, Sink


def explain_failure(sink: Sink, health: Health, words: Words) -> str:
    """Why the last attempt failed, as the end of a sentence. What the console has no words for is told in general."""
    say = words.say
    if health.status is not None:
        explain = _explain_agency if isinstance(sink, AgencySink) else _explain_status
        return f"{explain(health.status, words)} (HTTP {health.status})"
    if isinstance(sink, Pull):
        return say("pengambilnya mengembalikan data itu")
    if isinstance(sink, AgencySink):
        return say("instansi tidak menjawab sebagaimana mestinya")
    detail = health.detail or ""
    found = [text for begin, text in _list_beginnings(words).items() if detail.startswith(begin)]
    return found[0] if found else say("penerima tidak menjawab")


def explain_poll(kind: PollFailureKind, words: Words) -> str:
    """Why a poll failed, as the end of a sentence. The adapter's own text is English, and stands on the agency's page."""
    say = words.say
    return {
        PollFailureKind.TRANSIENT: say("instansi tidak menjawab sebagaimana mestinya"),
        PollFailureKind.PERMANENT: say("instansi menolak permintaan bus"),
        PollFailureKind.DOWN: say("instansi tidak dapat dihubungi, atau menolak akun bus"),
        PollFailureKind.UNBOUND: say("tidak ada kontrak aktif yang menyebut pengambilan ini"),
        PollFailureKind.CONTRACT: say("kontrak yang aktif kurang melindungi data ini"),
        PollFailureKind.BUS: say("bus tidak dapat menyimpan barisnya"),
        PollFailureKind.DEFECT: say("adaptornya mengalami kesalahan"),
    }[kind]


def _explain_agency(status: int, words: Words) -> str:
    """An agency's status. The bus holds the account and the address there, so that the operator mends them."""
    say = words.say
    if status in (401, 403):
        return say("instansi menolak akun bus; periksa akunnya pada pengaturan bus")
    if status == 404:
        return say("alamat instansi salah; periksa alamatnya pada pengaturan bus")
    if status == 429:
        return say("instansi membatasi banyaknya permintaan")
    if status >= 500:
        return say("sistem instansi sedang bermasalah")
    if status >= 400:
        return say("instansi menolak data ini")
    return say("instansi tidak menjawab sebagaimana mestinya")


def _explain_status(status: int, words: Words) -> str:
    say = words.say
    known = {
        401: say("penerima meminta kata sandi"),
        403: say("penerima menolak bus; periksa firewall dan rahasia tanda tangannya"),
        404: say("tidak ada apa-apa di alamat penerima"),
        405: say("alamat penerima tidak menerima kiriman"),
        410: say("penerima tidak mau menerima data lagi"),
        429: say("penerima kewalahan"),
        507: say("penyimpanan penerima penuh"),
    }
    if status in known:
        return known[status]
    if status in (502, 503, 504) or 520 <= status <= 530:
        return say("aplikasi penerima sedang mati")
    if status >= 500:
        return say("aplikasi penerima mengalami galat")
    if status >= 400:
        return say("penerima menolak data ini")
    return say("penerima mengalihkan ke alamat lain; daftarkan alamat akhirnya")


def _list_beginnings(words: Words) -> Mapping[str, str]:
    """What is said for a detail of `bus.delivery.failure`, by its beginning. A longer beginning comes first."""
    say = words.say
    return {
        "the sink's host name does not resolve": say("nama host penerima tidak ditemukan"),
        "the sink's certificate is not valid: certificate has expired": say("sertifikat kedaluwarsa"),
        "the sink's certificate is not valid": say("sertifikat tidak sah"),
        "the sink does not speak TLS": say("TLS penerima tidak benar"),
        "the sink's host name leads to": say("alamat penerima tidak diizinkan"),
        "the sink's host is not on the operator's list": say("host penerima tidak ada dalam daftar operator"),
        "could not connect to the sink in time": say("penerima tidak menjawab pada waktunya"),
        "could not connect to the sink": say("penerima tidak dapat dihubungi"),
        "the sink did not answer in time": say("penerima tidak menjawab pada waktunya"),
        "the sink's address": say("alamat penerima salah"),
        "the sink's answer is not HTTP": say("jawaban penerima bukan HTTP"),
        "the sink closed the connection": say("penerima memutus sambungan tanpa menjawab"),
    }
