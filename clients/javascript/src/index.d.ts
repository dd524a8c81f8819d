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

export interface PullOptions {
  /** Most deliveries of one pull, at most 1,000; 100. */
  limit?: number;
  /** Seconds (at most 60) to wait for an event; 0. */
  wait?: number;
  /** Seconds for which you hold what you get; 60. */
  lease?: number;
}

/** An event that you hold. */
export interface Delivery<Data = any> {
  /** Names the delivery in `ack` and `nack`. An event that comes again has the same id. */
  id: string;
  /** How often it was pulled, with this time. */
  tries: number;
  event: ReceivedEvent<Data>;
}

/** What you pulled. */
export interface Pulled<Data = any> {
  /** Names all of it in `ack`, `nack` and `extend`; null: there is nothing. */
  lease: string | null;
  /** When it comes again (RFC 3339); null: there is nothing. */
  until: string | null;
  deliveries: Delivery<Data>[];
}

/** Leases, deliveries, or both. */
export interface Names {
  leases?: readonly string[];
  deliveries?: readonly string[];
}

/** What became of one lease or one delivery that you named. */
export interface Settlement {
  name: string;
  /** The first three: done. `settled`: it was done before. The others: you do not hold it. */
  result: "acknowledged" | "returned" | "extended" | "settled" | "ended" | "of-another" | "not-held" | "unknown";
  /** What the result means; empty if it is done. */
  detail: string;
}

/** What `handleEach` did. */
export interface Handled {
  /** Events that were handled. If a lease ended too early, its event comes again and is not counted. */
  acknowledged: number;
  /** Events whose handler threw. They come again. */
  returned: number;
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
   * The pages of all records, from one stream. Go on with `records` and the last page's `next`.
   *
   * If the line breaks, the snapshot goes on behind its last record. To go on with a snapshot that your program left, give
   * the last page's `next` as `after`. A record that changes meanwhile comes again; `data` null deletes it. At the end the
   * bus's count and digest are checked; if they are wrong, it throws SnapshotInvalid: drop what came.
   */
  snapshot<Data = any>(contract: string, after?: string, options?: PageOptions): AsyncGenerator<Page<Data>, void>;

  /**
   * The next events of a subscription with the sink `{"pull": true}`. You hold them until you settle them.
   *
   * What you do not settle within the lease comes again.
   */
  pull<Data = any>(subscription: string, options?: PullOptions): Promise<Pulled<Data>>;

  /** Acknowledge all of a lease, or single deliveries: they never come again. Each name gets its own result. */
  ack(subscription: string, names: Names): Promise<Settlement[]>;

  /**
   * Return what you could not do. It comes again after `delay` seconds; without it, later with each try.
   *
   * `reason` is for you and the operator; write no personal data.
   */
  nack(subscription: string, names: Names & { reason?: string; delay?: number | null }): Promise<Settlement[]>;

  /** Hold leases for longer: so many seconds from now. */
  extend(subscription: string, leases: readonly string[], seconds: number): Promise<Settlement[]>;

  /**
   * Have a subscription go on from elsewhere: a position, a time (RFC 3339), or `beginning`.
   *
   * Events from there come again; what is owed before is given up. Rejects with Refused (409) while an earlier seek is under way.
   */
  seek(subscription: string, to: string | number): Promise<void>;

  /**
   * Pull, handle and acknowledge, until nothing is due. If `handle` throws, its event is returned and comes again.
   *
   * With `wait` it waits so many seconds for each event, without end. The lease is extended while earlier events are handled;
   * one call of `handle` has to end within half of the lease. The events of one pull are acknowledged together. An event may
   * come twice, with the same `id` of its delivery. `onFailure` is told of what `handle` threw, and the loop goes on; without
   * it the loop ends with the error.
   */
  handleEach<Data = any>(
    subscription: string,
    handle: (delivery: Delivery<Data>) => unknown,
    options?: PullOptions & { onFailure?: (delivery: Delivery<Data>, failure: unknown) => unknown },
  ): Promise<Handled>;

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

/** What stood behind the cursor is gone: the contract keeps events no longer, or the bus was restored. */
export class CursorGone extends Refused {
  /** Goes on with what is there. Empty: read all records from the beginning, and replace your copy with them. */
  readonly next: string;
}

/** The bus does not accept the client's id and secret. */
export class CredentialsRefused extends BusError {}

/** No answer of the bus came, or the bus is busy. The request may have arrived; the same request is safe later. */
export class Unreachable extends BusError {
  /** Seconds that the bus wants its caller to wait; null: it did not say. */
  readonly retryAfter: number | null;
}

/** The snapshot is not what the bus sent: something on the way changed it, or lost a part of it. */
export class SnapshotInvalid extends BusError {}

/** The bus did not sign this webhook, or signed it too long ago. */
export class SignatureInvalid extends BusError {}

/** The spool's folder cannot be read or written. */
export class SpoolError extends BusError {}

/** The spool takes no more events: it has its size or age, or the disk is full. */
export class SpoolFull extends SpoolError {}
