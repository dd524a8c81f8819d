/** Events as the client sends them: CloudEvents 1.0 in JSON. */

import { EventInvalid } from "./errors.js";

// Node 18 has no global crypto.
const crypto = globalThis.crypto ?? (await import("node:crypto")).webcrypto;

/** The event with the attributes that it lacks: `specversion`, `id`, `source`, and `time`, which is now. */
export function completeEvent(event, source) {
  const given = Object.entries(event).filter(([name, value]) => name === "data" || (value ?? null) !== null);
  const defaults = { specversion: "1.0", id: makeId(), source, time: new Date().toISOString() };
  const completed = { ...defaults, ...Object.fromEntries(given) };
  for (const name of ["type", "source", "id"]) {
    if (typeof completed[name] !== "string" || completed[name] === "") {
      throw new EventInvalid(`The event needs the attribute ${name}, a text.`);
    }
  }
  return completed;
}

/** The mended event with `id`, `source` and `time` of the refused one, unless it has its own. */
export function mendEvent({ id, source, time }, mended) {
  return completeEvent({ id, source, time, ...mended }, "");
}

/**
 * The key whose events stay in order: the contract with `partitionkey` or `subject`.
 *
 * Events without either are all of one key.
 */
export function findKey(event) {
  return `${event.type} ${event.partitionkey || event.subject || ""}`;
}

/** The value as JSON text. */
export function writeJson(value) {
  try {
    return JSON.stringify(value, refuseNonFinite);
  } catch (error) {
    throw new EventInvalid(`The data are not JSON: ${error.name}.`);
  }
}

/** JSON.stringify would make null of NaN and Infinity. */
function refuseNonFinite(name, value) {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError();
  }
  return value;
}

/** A random UUID (RFC 9562, version 4). `crypto.randomUUID` is missing on pages without https. */
function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
