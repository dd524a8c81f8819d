/** Webhooks from the bus, signed as Standard Webhooks says. For Node. */

import { createHmac, timingSafeEqual } from "node:crypto";

import { SignatureInvalid } from "./errors.js";

/** Seconds between the signature's time and now that are accepted, in both directions. */
const OLDEST = 300;

export function verifyWebhook(secret, headers, body) {
  const entries = typeof headers.entries === "function" ? [...headers.entries()] : Object.entries(headers);
  const fields = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
  const message = fields["webhook-id"] ?? "";
  const sentAt = fields["webhook-timestamp"] ?? "";
  if (!message || !/^[0-9]{1,12}$/.test(sentAt)) {
    throw new SignatureInvalid("The request lacks webhook-id or webhook-timestamp.");
  }
  if (Math.abs(Date.now() / 1000 - Number(sentAt)) > OLDEST) {
    throw new SignatureInvalid("The signature is too old. Check the clock of this machine.");
  }
  const signed = createHmac("sha256", decode(secret)).update(`${message}.${sentAt}.`).update(body);
  const expected = Buffer.from(`v1,${signed.digest("base64")}`);
  // Two secrets sign while one of them is being replaced.
  const given = (fields["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  if (!given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))) {
    throw new SignatureInvalid("The signature does not fit the secret and the body.");
  }
  return JSON.parse(new TextDecoder().decode(typeof body === "string" ? Buffer.from(body) : body));
}

function decode(secret) {
  const text = secret.replace(/^whsec_/, "");
  const key = Buffer.from(text, "base64");
  // Buffer skips what is no base64. Everybody can sign with an empty key.
  if (!/^[A-Za-z0-9+/]+=*$/.test(text) || key.length === 0) {
    throw new SignatureInvalid("The secret is not whsec_ with base64.");
  }
  return key;
}
