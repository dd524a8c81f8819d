/** The spool, for Node. */

import type { Bus, BusError, Event, FieldError } from "./index.js";

/** What became of the spool's events. */
export interface Report {
  /** Events that the bus has now. */
  sent: number;
  /** Events that it refused; see `listRefused`. */
  refused: number;
  /** Events that are still to be sent. */
  waiting: number;
  /** Why sending stopped; null: everything that could be sent is sent. */
  error: BusError | null;
}

/** An event that the bus refused. It waits in the spool until you mend or drop it. */
export interface RefusedEvent {
  /** Names it in `mend` and `drop`. */
  number: number;
  event: Event<any>;
  /** What the bus found wrong, with pointers into the event. */
  reasons: FieldError[];
}

/**
 * Keeps events in a folder until the bus has them, for lines that are often down.
 *
 * Publish from any process; send from a timer, such as each minute.
 */
export class Spool {
  /**
   * `path` is a folder on a local disk. At most `maxBytes` wait in it (64 MiB). If an event waited for `maxAge` seconds
   * (30 days), `publish` rejects with SpoolFull; set-aside events do not count.
   */
  constructor(path: string, bus: Bus, options?: { maxBytes?: number; maxAge?: number });

  /**
   * Keep an event on disk; its id. Its `time` is now, unless it has one.
   *
   * Events of one `key` stay in order; absent: the contract with `partitionkey` or `subject`. Rejects with EventInvalid or
   * SpoolFull: nothing was kept.
   */
  publish(event: Event, options?: { key?: string }): Promise<string>;

  /** Send what waits, in order for each key. A bad line is in the report; the events stay, and the next call goes on. */
  send(): Promise<Report>;

  /** The events that the bus refused. Each holds up the later ones of its key. */
  listRefused(): Promise<RefusedEvent[]>;

  /**
   * Put a mended event in the place of a refused one. It keeps `id`, `source` and `time` unless it has its own.
   *
   * Rejects with EventInvalid, or with SpoolError if no refused event has this number.
   */
  mend(number: number, event: Event): Promise<void>;

  /** Forget a refused event. Rejects with SpoolError if no refused event has this number. */
  drop(number: number): Promise<void>;
}
