// What both suites share: a client with keys of its own, and cases that are told by name.
import * as oauth from "oauth4webapi";

export const ALGORITHMS = ["EdDSA", "Ed25519", "ES256", "ES384", "RS256", "PS256"];

const [address, admin] = process.argv.slice(2);
export const bus = new URL(address);
export const operator = JSON.parse(admin);
export const insecure = { [oauth.allowInsecureRequests]: true };

const cases = {};

/** Run a case; its error, or null, is told under its name. */
export async function check(name, run) {
  try {
    await run();
    cases[name] = null;
  } catch (error) {
    cases[name] = `${error.name}: ${error.message} ${error.cause?.message ?? ""} ${JSON.stringify(error.cause ?? "")}`;
  }
}

export function tell() {
  console.log(JSON.stringify(cases));
}

export function equal(found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(expected)}`);
  }
}

/** The error that a promise ends with. */
export async function refusal(promise) {
  const nothing = Symbol("nothing");
  const ended = await promise.then(() => nothing, (error) => error);
  if (ended === nothing) throw new Error("nothing was refused");
  return ended;
}

async function register(fields) {
  const form = new URLSearchParams({ grant_type: "client_credentials", ...operator });
  const token = await (await fetch(new URL("/oauth/token", bus), { method: "POST", body: form })).json();
  const answer = await fetch(new URL("/v1/participants/dpmptsp/clients", bus), {
    method: "POST",
    headers: { authorization: `Bearer ${token.access_token}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  return answer.json();
}

/** A client with a secret. */
export const addClient = (...scopes) => register({ scopes });

/** A client with a key, whose set names no key; with `decoy`, the set has another key before it. */
export async function addKeyClient(alg, decoy = false) {
  const pairs = [];
  for (let made = 0; made < (decoy ? 2 : 1); made++) {
    pairs.push(await oauth.generateKeyPair(alg === "EdDSA" ? "Ed25519" : alg, { extractable: true }));
  }
  const keys = [];
  for (const { publicKey } of pairs) {
    const { ext, key_ops, ...jwk } = await crypto.subtle.exportKey("jwk", publicKey);
    keys.push({ ...jwk, alg });
  }
  const made = await register({ scopes: ["events.read", "contracts.read"], jwks: { keys } });
  if ("client_secret" in made) throw new Error("a client with keys has a secret");
  return { client_id: made.client_id, key: pairs.at(-1).privateKey };
}

/** Options of an assertion that names its algorithm as it was called before RFC 9864. */
export const signedAs = (alg) => ({
  [oauth.modifyAssertion](header) {
    header.alg = alg;
  },
});
