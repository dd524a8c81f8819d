/** The spool, for Node. `spool.d.ts` says what each method does. */

import { CredentialsRefused, Refused, Unreachable } from "./errors.js";
import { completeEvent, findKey, mendEvent, writeJson } from "./events.js";
import { Store } from "./store.js";

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_AGE = 30 * 24 * 3600;
/** Events in a batch. */
const MOST = 100;
/** Bytes in a batch. A slow line breaks off a longer request too often. */
const MOST_BYTES = 128 * 1024;
/** Problems of the client and its settings: no event is to blame. */
const ABOUT_CLIENT = ["urn:bus:problem:scope-missing", "urn:bus:problem:not-found"];

export class Spool {
  #bus;
  #store;

  constructor(path, bus, { maxBytes = MAX_BYTES, maxAge = MAX_AGE } = {}) {
    this.#bus = bus;
    this.#store = new Store(path, maxBytes, maxAge);
  }

  async publish(event, { key } = {}) {
    const completed = completeEvent(event, this.#bus.source);
    await this.#store.add(key ?? findKey(completed), writeJson(completed));
    return completed.id;
  }

  /** A batch is taken whole or not at all. So no event overtakes an earlier one of its key that the bus refuses. */
  async send() {
    await this.#store.removeAbandoned();
    let [sent, refused, error, most] = [0, 0, null, MOST];
    for (let batch; !error && (batch = await this.#store.readBatch(most, MOST_BYTES)).length > 0; ) {
      try {
        await this.#bus.publishTexts(batch.map((stored) => stored.text), false);
        await this.#store.remove(batch);
        sent += batch.length;
        most = Math.min(MOST, most * 2);
      } catch (failure) {
        const faults = failure instanceof Refused ? findFaults(failure, batch) : [];
        if (isNoEventsFault(failure)) {
          error = failure;
        } else if (!(failure instanceof Refused)) {
          throw failure;
        } else if (faults.length === 0) {
          most = Math.floor(batch.length / 2);
        }
        for (const [stored, reasons] of error ? [] : faults) {
          await this.#store.setAside(stored, reasons);
          refused++;
        }
      }
    }
    return { sent, refused, waiting: await this.#store.countWaiting(), error };
  }

  async listRefused() {
    return this.#store.listRefused();
  }

  async mend(number, event) {
    const refused = await this.#store.readRefused(number);
    await this.#store.replace(refused, writeJson(mendEvent(JSON.parse(refused.text), event)));
  }

  async drop(number) {
    await this.#store.drop(number);
  }
}

function isNoEventsFault(failure) {
  const isAboutClient = failure instanceof Refused && ABOUT_CLIENT.includes(failure.type);
  return isAboutClient || failure instanceof Unreachable || failure instanceof CredentialsRefused;
}

/** The first event of each key that the bus refuses, with the reasons. Empty: the refusal names no event of several. */
function findFaults(refusal, batch) {
  const reasons = new Map();
  for (const { pointer, detail } of refusal.errors) {
    const [, index, rest = ""] = /^\/(\d+)(\/.*)?$/s.exec(pointer) ?? [];
    if (batch[index]) {
      reasons.set(Number(index), [...(reasons.get(Number(index)) ?? []), { pointer: rest, detail }]);
    }
  }
  if (reasons.size === 0 && batch.length === 1) {
    reasons.set(0, [{ pointer: "", detail: refusal.detail || refusal.title }]);
  }
  const first = new Map();
  for (const [index, errors] of [...reasons].sort(([one], [other]) => one - other)) {
    const { key } = batch[index];
    first.has(key) || first.set(key, [batch[index], errors]);
  }
  return [...first.values()];
}
