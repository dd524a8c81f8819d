/** A client of the bus, for Node and browsers. */

/** A CloudEvent. `id`, `time` and `source` are added if it lacks them. */
export interface Event<Data = unknown> {
  /** The contract, such as `perizinan.izin`. */
  type: string;
  /** The record's key. */
  subject?: string;
  data?: Data | null;
  id?: string;
  source?: string;
  /** When it happened (RFC 3339). */
  time?: string;
  dataschema?: string;
  partitionkey?: string;
  [attribute: string]: unknown;
}

/** An event as the bus hands it out. A record whose `data` is null is deleted. */
export interface ReceivedEvent<Data = any> extends Event<Data> {
  id: string;
  source: string;
  /** The event's place in the journal, in 20 digits. */
  sequence: string;
  recordedtime: string;
}

/** One mistake and its place. */
export interface FieldError {
  /** JSON Pointer (RFC 6901) into the event; empty: the event as a whole. */
  pointer: string;
  /** What is wrong. It never holds the value. */
  detail: string;
}

/** The bus has the event on disk. */
export interface Receipt {
  position: number;
  /** The bus had this event before. */
  duplicate: boolean;
}

/** The bus has the batch on disk, except for the events in `rejected`. */
export interface BatchReceipt {
  accepted: number;
  duplicates: number;
  lastPosition: number;
  rejected: { index: number; errors: FieldError[] }[];
}

/** A page of a feed or of records. */
export interface Page<Data = any> {
  events: ReceivedEvent<Data>[];
  /** The cursor behind this page. Keep it, and give it as `after`, now or next year. */
  next: string;
}

export interface PageOptions {
  /** Most events in a page, at most 1,000 (the default). Small pages are for bad lines. */
  limit?: number;
}

export interface BusOptions {
  /** `source` of events that have none of their own, such as `/desa/kedungpring`. */
  source?: string;
  /** Waits some seconds. */
  pause?: (seconds: number) => Promise<void>;
}

/**
 * One client of the bus. It renews its token, and tries again while the bus is away or busy.
 *
 * Every promise may reject with Refused, CredentialsRefused or Unreachable.
 */
export class Bus {
  readonly source: string;

  /** `clientId` and `clientSecret` are from the operator. */
  constructor(url: string, clientId: string, clientSecret: string, options?: BusOptions);

  /** Publish one event. It is on the bus's disk when the promise resolves. To send it again changes nothing. */
  publish(event: Event): Promise<Receipt>;

  /** Publish up to 1,000 events at once: all of them, or none. With `partial` the good ones are taken. */
  publishBatch(events: readonly Event[], options?: { partial?: boolean }): Promise<BatchReceipt>;

  /**
   * The pages of a contract's events, in order, behind the cursor `after`.
   *
   * Without `wait` the last page is empty. With it each page is waited for so many seconds (at most 60), without end.
   */
  feed<Data = any>(contract: string, after?: string, options?: PageOptions & { wait?: number }): AsyncGenerator<Page<Data>, void>;

  /** The pages of the records that changed since a cursor, each in its newest state; the last page is empty. */
  records<Data = any>(contract: string, after: string, options?: PageOptions): AsyncGenerator<Page<Data>, void>;

  /**
   * The pages of all records. Go on with `records` and the last page's `next`.
   *
   * A record that changes meanwhile comes again; `data` null deletes it.
   */
  snapshot<Data = any>(contract: string, options?: PageOptions): AsyncGenerator<Page<Data>, void>;

  /** The answer to a question, live from an agency. */
  ask<Answer = any>(contract: string, question: object): Promise<Answer>;
}

/** The base of all errors of this client. */
export class BusError extends Error {}

/** The event cannot be sent: it has no type or source, or its data are not JSON. */
export class EventInvalid extends BusError {}

/** The bus refuses the request, and would refuse the same request again (RFC 9457). */
export class Refused extends BusError {
  readonly status: number;
  /** Such as `urn:bus:problem:data-invalid`. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldError[];
}

/** The bus does not accept the client's id and secret. */
export class CredentialsRefused extends BusError {}

/** No answer of the bus came, or the bus is busy. The request may have arrived; the same request is safe later. */
export class Unreachable extends BusError {
  /** Seconds that the bus wants its caller to wait; null: it did not say. */
  readonly retryAfter: number | null;
}

/** The bus did not sign this webhook, or signed it too long ago. */
export class SignatureInvalid extends BusError {}

/** The spool's folder cannot be read or written. */
export class SpoolError extends BusError {}

/** The spool takes no more events: it has its size or age, or the disk is full. */
export class SpoolFull extends SpoolError {}
