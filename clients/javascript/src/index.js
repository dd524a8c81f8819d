/** A client of the bus, for Node and browsers. The spool and webhooks need Node and are in files of their own. */

export { Bus } from "./bus.js";
export {
  BusError, CredentialsRefused, CursorGone, EventInvalid, Refused, SignatureInvalid, SnapshotInvalid, SpoolError, SpoolFull,
  Unreachable,
} from "./errors.js";
