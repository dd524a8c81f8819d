"""Channels in people's words: by which way personal data left the bus."""

from typing import assert_never

from bus.console.words import Words
from bus.disclosures import Channel


def tell_channel(channel: Channel, words: Words) -> str:
    """What happened, in a few words."""
    say = words.say
    match channel:
        case Channel.EVENT:
            return say("satu peristiwa dibaca")
        case Channel.FEED:
            return say("umpan peristiwa dibaca")
        case Channel.RECORDS:
            return say("rekaman dibaca")
        case Channel.QUERY:
            return say("pertanyaan dijawab")
        case Channel.WEBHOOK:
            return say("dikirim ke aplikasi penerima")
        case Channel.PULL:
            return say("diambil dari antrean")
        case Channel.ADAPTER:
            return say("dikirim ke instansi pusat")
        case Channel.ANSWER:
            return say("jawaban penerima dibuka")
        case Channel.OPENING:
            return say("isi peristiwa dibuka dengan alasan")
        case Channel.LOOKUP:
            return say("dicari di catatan pengungkapan")
    assert_never(channel)
