// Uses every name of the client with its types. It is compiled, and not run.

import {
  Bus, BusError, CredentialsRefused, Delivery, Event, EventInvalid, FieldError, Handled, Page, Pulled, Receipt, Refused, Settlement, SignatureInvalid,
  SnapshotInvalid, SpoolError, SpoolFull, Unreachable,
} from "bus-lamongan-client";
import { RefusedEvent, Report, Spool } from "bus-lamongan-client/spool";
import { verifyWebhook } from "bus-lamongan-client/webhook";

interface Service {
  kode_layanan: string;
  biaya: number;
}

export async function work(): Promise<string[]> {
  const bus = new Bus("https://bus.example", "id", "secret", { source: "/uji" });
  const event: Event<Service> = { type: "layanan.katalog", data: { kode_layanan: "a", biaya: 0 } };
  const receipt: Receipt = await bus.publish(event);
  const { accepted, rejected } = await bus.publishBatch([event], { partial: true });
  const pointers: string[] = rejected.flatMap((one) => one.errors.map((error: FieldError) => error.pointer));
  for await (const page of bus.feed<Service>("layanan.katalog", "", { wait: 20, limit: 10 })) {
    const prices: number[] = page.events.map((one) => one.data?.biaya ?? receipt.position + accepted);
    pointers.push(page.next, ...prices.map(String), page.events[0].sequence);
  }
  for await (const page of bus.snapshot<Service>("layanan.katalog", "", { limit: 10 })) {
    const records: AsyncGenerator<Page<Service>, void> = bus.records<Service>("layanan.katalog", page.next);
    await records.next();
  }
  const answer: { ditemukan: boolean } = await bus.ask("kependudukan.cari-nik", { nik: "1" });
  return answer.ditemukan ? pointers : [];
}

export async function pull(bus: Bus, subscription: string): Promise<number> {
  const pulled: Pulled<Service> = await bus.pull<Service>(subscription, { limit: 10, wait: 20, lease: 300 });
  const leases = pulled.lease === null ? [] : [pulled.lease];
  const settled: Settlement[] = await bus.extend(subscription, leases, 300);
  await bus.nack(subscription, { deliveries: [pulled.deliveries[0].id], reason: "locked", delay: 5 });
  await bus.ack(subscription, { leases });
  await bus.seek(subscription, settled[0].result === "ended" ? 1200 : "beginning");
  const prices: number[] = [];
  const handle = async ({ event }: Delivery<Service>): Promise<void> => void prices.push(event.data?.biaya ?? 0);
  const handled: Handled = await bus.handleEach(subscription, handle, { onFailure: ({ tries }, error) => console.log(tries, error) });
  return handled.acknowledged + handled.returned;
}

export async function spool(bus: Bus): Promise<BusError | null> {
  const spool = new Spool("bus.spool", bus, { maxBytes: 1000, maxAge: 60 });
  const id: string = await spool.publish({ type: "a.b", data: null }, { key: "k" });
  const report: Report = await spool.send();
  const [refused]: RefusedEvent[] = await spool.listRefused();
  await spool.mend(refused.number, { ...refused.event, id });
  await spool.drop(refused.number);
  return report.error;
}

export function describe(error: unknown): string | number | null {
  if (error instanceof Refused) return error.errors[0]?.detail ?? error.status;
  if (error instanceof Unreachable) return error.retryAfter;
  const others = [CredentialsRefused, EventInvalid, SignatureInvalid, SnapshotInvalid, SpoolError, SpoolFull];
  return others.some((kind) => error instanceof kind) ? "other" : null;
}

export const hook = (headers: Headers, body: Uint8Array): string => verifyWebhook("whsec_", headers, body).sequence;

// @ts-expect-error an event needs its type
export const wrong: Event = { data: {} };
