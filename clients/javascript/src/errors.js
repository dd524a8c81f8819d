/**
 * The errors of the client, one class for each thing that its user can do.
 *
 * BusError
 * ├── EventInvalid          mend the event; nothing was sent
 * ├── Refused               mend what `errors` points at
 * │   └── CursorGone        go on with `next`; if it is empty, read all records and replace your copy
 * ├── CredentialsRefused    check the client's id and secret
 * ├── Unreachable           try again later
 * ├── SnapshotInvalid       drop what came of the snapshot, and begin again
 * ├── SignatureInvalid      answer the webhook with 401
 * └── SpoolError            look at the spool's folder
 *     └── SpoolFull         make room, or get a line
 */

export class BusError extends Error {
  get name() {
    return this.constructor.name;
  }
}

/** The event cannot be sent: it has no type or source, or its data are not JSON. */
export class EventInvalid extends BusError {}

/** The bus refuses the request, and would refuse the same request again (RFC 9457). */
export class Refused extends BusError {
  constructor(status, { type = "about:blank", title = "", detail = "" }, errors) {
    const places = errors.map((error) => `${error.pointer} ${error.detail}`.trim());
    super(`${status} ${title} ${places.join("; ") || detail}`.trim());
    Object.assign(this, { status, type, title, detail, errors });
  }
}

/**
 * What stood behind the cursor is gone: the contract keeps events no longer, or the bus was restored. `next` goes on with what is
 * there. If it is empty, read all records from the beginning, and replace your copy with them.
 */
export class CursorGone extends Refused {
  constructor(status, problem, errors) {
    super(status, problem, errors);
    this.next = String(problem.next ?? "");
  }
}

/** The bus does not accept the client's id and secret. */
export class CredentialsRefused extends BusError {}

/** No answer of the bus came, or the bus is busy. The request may have arrived; the same request is safe later. */
export class Unreachable extends BusError {
  constructor(detail, retryAfter = null) {
    super(detail);
    this.retryAfter = retryAfter;
  }
}

/** The snapshot is not what the bus sent: something on the way changed it, or lost a part of it. */
export class SnapshotInvalid extends BusError {}

/** The bus did not sign this webhook, or signed it too long ago. */
export class SignatureInvalid extends BusError {}

/** The spool's folder cannot be read or written. */
export class SpoolError extends BusError {}

/** The spool takes no more events: it has its size or age, or the disk is full. */
export class SpoolFull extends SpoolError {}
