"""The adapter of Kemendagri: NIK lookup and verification as queries, usage data (data balikan) as deliveries."""

import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx
from cachetools import TTLCache

from adapters.kemendagri import mapping
from adapters.kemendagri.client import Client, KemendagriSettings
from adapters.kemendagri.quota import Quota
from adapters.kemendagri.verdict import Verdict, refusal
from bus.kit import (
    DELIVERED,
    AdapterFactory,
    AdapterSettings,
    AgencyFault,
    AgencyRefused,
    AgencyUnavailable,
    Classification,
    Deliver,
    Does,
    Event,
    Failure,
    Operation,
    Outcome,
    Query,
    Question,
    Refused,
    canonical,
    http_client,
    now,
)

CARI_NIK = "cari-nik"
VERIFIKASI_NIK = "verifikasi-nik"
DATA_BALIKAN = "data-balikan"
_MOST_CACHED_BYTES = 4096
"""Of an answer that is kept. The registry chooses its size, so a bound of the number alone would bound nothing."""


class KemendagriAdapter(Deliver, Query):
    """Speaks to Dukcapil under one agreement.

    Args:
        settings: the agreement.
        http: a client whose base URL is the registry's.
        now: this moment, for the quota's day.
        clock: seconds that never run backwards, for the cache.
    """

    def __init__(
        self,
        settings: KemendagriSettings,
        http: httpx.AsyncClient,
        *,
        now: Callable[[], datetime] = now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._client = Client(http, settings)
        self._quota = Quota(settings.daily_quota, now)
        # It holds personal data: in memory alone, never in a log.
        self._answers: TTLCache[Hashable, Mapping[str, Any]] = TTLCache(
            settings.cache_size, settings.cache_seconds, timer=clock
        )

    async def query(self, operation: str, question: Question) -> Mapping[str, Any]:
        """Look a NIK up or verify elements of it; a question that the same participant asked lately is answered from memory.

        Raises:
            QuotaExhausted: today's calls are used up, by our count or the registry's.
            AgencyUnavailable: the registry did not answer, or not at this hour.
            AgencyRefused: the registry refuses the account.
        """
        asked: Hashable = (question.cached_for, operation, tuple(sorted(question.data.items())))
        # The library drops an answer that is too old only when another one comes, unless it is told.
        self._answers.expire()
        answer = self._answers.get(asked)
        if answer is None:
            self._quota.take()
            answer = await (self._look_up if operation == CARI_NIK else self._verify)(question.data)
            if self._settings.cache_seconds and len(canonical(answer, str)) <= _MOST_CACHED_BYTES:
                self._answers[asked] = answer
        return answer

    async def _look_up(self, question: Mapping[str, str]) -> Mapping[str, Any]:
        reply = await self._answered(self._client.lookup, {"nik": question["nik"]})
        return mapping.found(reply, question["nik"])

    async def _verify(self, question: Mapping[str, str]) -> Mapping[str, Any]:
        return mapping.matched(await self._answered(self._client.verify, mapping.verification(question)))

    async def _answered(
        self, call: Callable[[Mapping[str, str]], Awaitable[Any]], elements: Mapping[str, str]
    ) -> mapping.Reply:
        try:
            reply = mapping.reply(await call(elements))
        except AgencyFault as fault:
            raise _refused(fault) from fault
        if reply.quota_left is not None:
            self._quota.registry_says(reply.quota_left)
        if reply.verdict is Verdict.QUOTA_USED_UP:
            self._quota.registry_says(0)
        refused = refusal(reply.verdict)
        if refused:
            raise refused
        return reply

    async def deliver(self, operation: str, events: Sequence[Event]) -> Sequence[Outcome]:
        """Return usage data, all events in one call.

        "Sudah pernah dikirim" and a refusal of the content say nothing about which item they mean, so a batch that meets
        one of them is sent again item by item.

        Raises:
            AgencyFault: the registry takes none of them now.
        """
        try:
            taken = await self._return_usage(events)
        except AgencyFault as fault:
            if fault.failure is not Failure.PERMANENT:
                raise
            if len(events) == 1:
                return [fault.outcome()]
            taken = False
        if taken or len(events) == 1:
            return [DELIVERED] * len(events)
        return [(await self.deliver(operation, [event]))[0] for event in events]

    async def _return_usage(self, events: Sequence[Event]) -> bool:
        settings = self._settings
        records = [event.data for event in events]
        return await self._client.return_usage(mapping.usage(records, settings.id_lembaga, settings.nama_lembaga))

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()


def _refused(fault: AgencyFault) -> Refused:
    if fault.failure is Failure.TRANSIENT:
        return AgencyUnavailable(f"{fault.detail}; try again later")
    return AgencyRefused(f"{fault.detail}; the operator has to mend the account or the address")


class _Factory:
    name: ClassVar[str] = "kemendagri"
    participant: ClassVar[str] = "kemendagri"
    settings: ClassVar[type[AdapterSettings]] = KemendagriSettings
    operations: ClassVar[tuple[Operation, ...]] = (
        Operation(
            CARI_NIK,
            Does.QUERY,
            fields=("/nik", "/ditemukan", "/penduduk", "/keterangan"),
            least=Classification.PERSONAL,
            person="/nik",
            definitions={"/nik": "nik", "/penduduk/nik": "nik", "/penduduk/nomor_kk": "nomor-kk"},
        ),
        Operation(
            VERIFIKASI_NIK,
            Does.QUERY,
            fields=("/nik", "/ditemukan", "/kecocokan", "/keterangan"),
            least=Classification.PERSONAL,
            person="/nik",
            definitions={"/nik": "nik", "/nomor_kk": "nomor-kk"},
        ),
        Operation(
            DATA_BALIKAN,
            Does.DELIVER,
            batch=100,
            fields=("/lembaga", "/nik", "/id_pelanggan"),
            least=Classification.PERSONAL,
            person="/nik",
            definitions={"/nik": "nik"},
        ),
    )

    def create(self, settings: KemendagriSettings) -> KemendagriAdapter:
        return KemendagriAdapter(settings, http_client(settings))


FACTORY: AdapterFactory = _Factory()
