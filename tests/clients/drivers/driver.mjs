// Does with the JavaScript client what it reads from its input, line by line.

import { createInterface } from "node:readline";

import { Bus, BusError, CursorGone, Refused, SpoolFull, Unreachable } from "bus-lamongan-client";
import { Spool } from "bus-lamongan-client/spool";
import { verifyWebhook } from "bus-lamongan-client/webhook";

class HandlerFailed extends Error {}

let bus, spool, place;
let pauses = [];

const steps = {
  open({ url, id, secret, source, spool: path, options }) {
    bus = new Bus(url, id, secret, { source, pause: async (seconds) => void pauses.push(seconds) });
    place = [path, bus, { maxBytes: options.max_bytes, maxAge: options.max_age }];
    steps["spool.reopen"]();
  },
  "spool.reopen"() {
    spool = new Spool(...place);
  },
  publish: ({ event }) => bus.publish(event),
  publish_batch: ({ events, partial }) => bus.publishBatch(events, { partial }),
  feed: ({ contract, after, wait, limit, pages }) => take(bus.feed(contract, after, { wait, limit }), pages),
  records: ({ contract, after }) => take(bus.records(contract, after)),
  snapshot: ({ contract, after, limit }) => take(bus.snapshot(contract, after, { limit })),
  /** The keys of all records, as a program gets them that goes on where it stopped. */
  async copy({ contract, limit }) {
    const subjects = [];
    for (let after = ""; ; ) {
      try {
        for await (const page of bus.snapshot(contract, after, { limit })) {
          subjects.push(...page.events.map((event) => event.subject));
          after = page.next;
        }
        return subjects;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
      }
    }
  },
  async count_snapshot({ contract }) {
    let count = 0;
    for await (const page of bus.snapshot(contract)) count += page.events.length;
    return count;
  },
  pull: ({ subscription, ...options }) => bus.pull(subscription, options),
  ack: ({ subscription, ...names }) => bus.ack(subscription, names),
  nack: ({ subscription, ...names }) => bus.nack(subscription, names),
  extend: ({ subscription, leases, seconds }) => bus.extend(subscription, leases, seconds),
  seek: ({ subscription, to }) => bus.seek(subscription, to),
  async handle_each({ subscription, fails = [], takes = 0, goes_on: goesOn, ...options }) {
    const [handled, failed] = [[], []];
    const onFailure = goesOn ? (delivery) => failed.push(delivery.event.id) : undefined;
    async function handle({ event }) {
      await new Promise((resolve) => setTimeout(resolve, takes * 1000));
      if (fails.includes(event.id)) throw new HandlerFailed();
      handled.push(event.id);
    }
    try {
      return { ...(await bus.handleEach(subscription, handle, { ...options, onFailure })), handled, failed };
    } catch (error) {
      if (error instanceof HandlerFailed) return { error: "HandlerFailed", handled };
      throw error;
    }
  },
  ask: ({ contract, question }) => bus.ask(contract, question),
  verify_webhook: ({ secret, headers, body }) => verifyWebhook(secret, headers, body),
  "spool.publish": ({ event, key }) => spool.publish(event, { key }),
  "spool.send": () => spool.send(),
  "spool.list_refused": () => spool.listRefused(),
  "spool.mend": ({ number, event }) => spool.mend(number, event),
  async "spool.mend_as_it_was"({ number }) {
    const refused = (await spool.listRefused()).find((one) => one.number === number);
    await spool.mend(number, refused.event);
  },
  "spool.drop": ({ number }) => spool.drop(number),
  async "spool.fill"({ event, most, bytes = 0 }) {
    for (let count = 0; count < most; count++) {
      try {
        await spool.publish({ ...event, data: { ...event.data, fill: "x".repeat(bytes) } });
      } catch (error) {
        if (error instanceof SpoolFull) return { filled: true, count };
        throw error;
      }
    }
    return { filled: false, count: most };
  },
};

async function take(pages, most = 99) {
  const taken = [];
  for await (const page of pages) {
    taken.push(page);
    if (taken.length === most) break;
  }
  return taken;
}

/** Receipts have the words of the cases. What the bus says is as it was. */
function plain(result) {
  if (result?.error instanceof BusError) return { ...result, error: result.error.name };
  if (result && "lastPosition" in Object(result)) return { ...result, last_position: result.lastPosition };
  return result ?? null;
}

for await (const line of createInterface({ input: process.stdin })) {
  pauses = [];
  let result;
  try {
    const { op, ...step } = JSON.parse(line);
    result = plain(await steps[op](step));
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    result = { error: error.name, retry_after: error.retryAfter ?? null };
    if (error instanceof CursorGone) result.next = error.next;
    if (error instanceof Refused) {
      const { status, type, title, detail, errors } = error;
      Object.assign(result, { status, type, title, detail, errors });
    }
  }
  console.log(JSON.stringify({ result, pauses }));
}
