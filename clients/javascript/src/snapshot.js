/** The lines of a snapshot. A damaged stream never looks whole. */

import { SnapshotInvalid } from "./errors.js";
import { Sha256 } from "./sha256.js";

export const NDJSON = "application/x-ndjson";
/** Bytes in a page. With a bound on events alone, a page of large events could take a gigabyte. */
const MOST_BYTES = 4 * 1024 * 1024;
const LINE_BREAK = 0x0a;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The records in the lines of one stream, and the check of its trailer. */
export class Lines {
  /** Whether the trailer was read, and counts and hashes the lines before it. */
  isWhole = false;
  #limit;
  #rest = [];
  #events = [];
  #bytes = 0;
  #count = 0;
  #digest = new Sha256();
  #next = "";

  constructor(limit) {
    this.#limit = limit;
  }

  /** The full pages, after another part of the stream. Throws SnapshotInvalid if the stream is not what the bus sent. */
  *read(part) {
    let start = 0;
    for (let end; (end = part.indexOf(LINE_BREAK, start)) >= 0; start = end + 1) {
      this.#rest.push(part.subarray(start, end + 1));
      this.#add(join(this.#rest));
      this.#rest = [];
      if (this.#events.length >= this.#limit || this.#bytes >= MOST_BYTES) {
        yield this.#take();
      }
    }
    start < part.length && this.#rest.push(part.subarray(start));
  }

  /** The last page, at the end of the stream; null: the stream broke off, and there is nothing new. */
  end() {
    return this.#events.length > 0 || this.isWhole ? this.#take() : null;
  }

  #take() {
    const page = { events: this.#events, next: this.#next };
    this.#events = [];
    this.#bytes = 0;
    return page;
  }

  #add(line) {
    const event = parse(line);
    if (this.isWhole || !event) {
      throw new SnapshotInvalid("A line of the snapshot is no record.");
    }
    if (!("specversion" in event)) {
      this.#checkTrailer(event);
      return;
    }
    this.#digest.update(line);
    this.#count++;
    this.#bytes += line.length;
    this.#events.push(event);
    this.#next = event.sequence;
  }

  #checkTrailer({ next, count, digest }) {
    if (count !== this.#count || digest !== `sha256:${this.#digest.finish()}`) {
      throw new SnapshotInvalid(`The snapshot has ${this.#count} records, and its trailer names others.`);
    }
    this.isWhole = true;
    this.#next = next;
  }
}

/** A record or the trailer; null: the line is neither. */
function parse(line) {
  try {
    const value = JSON.parse(UTF8.decode(line));
    return typeof (value && "specversion" in value ? value.sequence : value?.next) === "string" ? value : null;
  } catch {
    return null;
  }
}

function join(parts) {
  if (parts.length === 1) {
    return parts[0];
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}
