/** What the bus answers, and the errors that its refusals become. */

import { CredentialsRefused, CursorGone, Refused, Unreachable } from "./errors.js";

const GONE = ["urn:bus:problem:cursor-gone", "urn:bus:problem:events-gone"];

/** Statuses below 500 with which the same request can succeed later. */
const PASSING = [408, 425, 429];

/** The object in a good answer. Throws Refused or CredentialsRefused if the bus says no, else Unreachable. */
export function readAnswer(response) {
  const { status } = response;
  const document = parseObject(response.text);
  if (status >= 200 && status < 300 && document) {
    return document;
  }
  if (status >= 400 && status < 500 && !PASSING.includes(status) && document && "status" in document) {
    if (status === 401) {
      throw new CredentialsRefused(`${document.title} ${document.detail ?? ""}`.trim());
    }
    throw new (GONE.includes(document.type) ? CursorGone : Refused)(status, document, readErrors(document));
  }
  const detail = document?.detail ?? "This is no answer of the bus.";
  throw new Unreachable(`${status}: ${detail}`, readRetryAfter(response.headers));
}

/** The access token and its lifetime in seconds (RFC 6749, section 5). */
export function readToken(response) {
  const refusal = parseObject(response.text);
  if ([400, 401].includes(response.status) && typeof refusal?.error === "string") {
    throw new CredentialsRefused(`${refusal.error}: ${refusal.error_description ?? ""}`);
  }
  const { access_token: token, expires_in: seconds = 0 } = readAnswer(response);
  requireShape(typeof token === "string" && typeof seconds === "number");
  return { token, seconds };
}

export function readReceipt({ position, duplicate }) {
  requireShape(Number.isInteger(position) && typeof duplicate === "boolean");
  return { position, duplicate };
}

export function readBatchReceipt(answer) {
  const { accepted, duplicates, last_position: lastPosition, rejected } = answer;
  requireShape([accepted, duplicates, lastPosition].every(Number.isInteger) && Array.isArray(rejected));
  return { accepted, duplicates, lastPosition, rejected: rejected.map((one) => ({ index: one.index, errors: readErrors(one) })) };
}

/** A page; its events are in the member `events` or `records`. */
export function readPage(answer, member) {
  requireShape(Array.isArray(answer[member]) && typeof answer.next === "string");
  return { events: answer[member], next: answer.next };
}

export function readPulled({ lease, until, deliveries }) {
  requireShape(Array.isArray(deliveries) && deliveries.every((one) => typeof one?.id === "string" && one.event));
  return { lease, until, deliveries: deliveries.map(({ id, tries, event }) => ({ id, tries, event })) };
}

export function readSettlements({ results }) {
  requireShape(Array.isArray(results));
  return results.map(({ lease, delivery, result, detail }) => ({ name: lease ?? delivery, result, detail }));
}

function readErrors(document) {
  const errors = Array.isArray(document.errors) ? document.errors : [];
  return errors.map(({ pointer = "", detail = "" }) => ({ pointer, detail }));
}

/**
 * The seconds that `Retry-After` asks for, in both of its forms (RFC 9110, section 10.2.3); null without it.
 *
 * A date is compared with the answer's own `Date`, since clocks in offices are often wrong.
 */
function readRetryAfter(headers) {
  const text = headers.get("retry-after") ?? "";
  if (/^[0-9]+$/.test(text)) {
    return Number(text);
  }
  const until = parseDate(text);
  return until === null ? null : Math.max(0, (until - (parseDate(headers.get("date") ?? "") ?? Date.now())) / 1000);
}

function parseDate(text) {
  // Date.parse also reads words and numbers, so look at the day's name first.
  const milliseconds = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

function parseObject(text) {
  try {
    const document = JSON.parse(text);
    return typeof document === "object" && !Array.isArray(document) ? document : null;
  } catch {
    return null;
  }
}

function requireShape(isRight) {
  if (!isRight) {
    throw new Unreachable("The answer has not the shape of the bus's answers.");
  }
}
