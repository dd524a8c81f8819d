// openid-client, as an app uses it: it finds the bus by its metadata, proves itself, and calls the API.
import * as client from "openid-client";
import { ALGORITHMS, addClient, addKeyClient, bus, check, equal, refusal, signedAs, tell } from "./cases.mjs";

const found = { algorithm: "oauth2", execute: [client.allowInsecureRequests] };
const discover = (id, auth) => client.discovery(bus, id, undefined, auth, found);
const app = await addClient("events.read", "contracts.read");
const basic = await discover(app.client_id, client.ClientSecretBasic(app.client_secret));
const contracts = new URL("/v1/contracts", bus);

await check("metadata are found and name what is served", async () => {
  const served = basic.serverMetadata();
  equal(served.issuer, bus.origin);
  equal(served.supportsPKCE(), false);
  equal(served.token_endpoint_auth_signing_alg_values_supported, ALGORITHMS);
  equal(served.token_endpoint_auth_methods_supported, ["client_secret_basic", "client_secret_post", "private_key_jwt"]);
});

for (const [name, method] of Object.entries({ basic: client.ClientSecretBasic, post: client.ClientSecretPost })) {
  await check(`client_secret_${name} gets a token that the API takes`, async () => {
    const config = await discover(app.client_id, method(app.client_secret));
    const token = await client.clientCredentialsGrant(config, { scope: "contracts.read" });
    equal([token.token_type, token.scope, token.expiresIn() > 500], ["bearer", "contracts.read", true]);
    const answer = await client.fetchProtectedResource(config, token.access_token, contracts, "GET");
    equal(answer.status, 200);
  });
}

for (const alg of ALGORITHMS) {
  for (const decoy of [false, true]) {
    await check(`private_key_jwt with ${alg}${decoy ? ", two keys without names" : ""}`, async () => {
      const { client_id, key } = await addKeyClient(alg, decoy);
      const config = await discover(client_id, client.PrivateKeyJwt(key, alg === "EdDSA" ? signedAs(alg) : undefined));
      const token = await client.clientCredentialsGrant(config);
      equal((await client.tokenIntrospection(config, token.access_token)).client_id, client_id);
    });
  }
}

const keyed = await addKeyClient("ES256");
const payloads = {
  "for the token endpoint": ["accepted", (claims) => (claims.aud = new URL("/oauth/token", bus).href)],
  "for a list with the issuer": ["accepted", (claims) => (claims.aud = ["https://other.example", bus.origin])],
  "for another server": ["invalid_client", (claims) => (claims.aud = "https://other.example")],
  "that has expired": ["invalid_client", (claims) => (claims.exp = 1_000_000_000)],
  "by another": ["invalid_client", (claims) => (claims.iss = app.client_id)],
  "used twice": ["invalid_client", (claims) => (claims.jti = "twice"), true],
};
for (const [name, [expected, change, again]] of Object.entries(payloads)) {
  await check(`an assertion ${name} is ${expected}`, async () => {
    const options = { [client.modifyAssertion]: (_, claims) => void change(claims) };
    const config = await discover(keyed.client_id, client.PrivateKeyJwt(keyed.key, options));
    if (again) await client.clientCredentialsGrant(config);
    const ended = client.clientCredentialsGrant(config);
    if (expected === "accepted") await ended;
    else await refused(ended, 401, expected, "basic");
  });
}

async function refused(promise, status, error, scheme) {
  const ended = await refusal(promise);
  const challenges = ended instanceof client.WWWAuthenticateChallengeError ? ended.cause : [];
  equal(ended.status, status);
  if (error !== undefined && challenges.length === 0) equal(ended.error, error);
  if (scheme === undefined) return;
  equal([challenges.map((one) => one.scheme), challenges[0].parameters.realm], [[scheme], "bus"]);
  if (scheme === "bearer") equal(challenges[0].parameters.error, error);
}

const wrong = {
  "a wrong secret": client.ClientSecretBasic("salah"),
  "a wrong secret in the form": client.ClientSecretPost("salah"),
  "a secret as an HMAC key": client.ClientSecretJwt(app.client_secret),
  "no proof": client.None(),
};
for (const [name, auth] of Object.entries(wrong)) {
  await check(`${name} is invalid_client, with a challenge`, async () => {
    await refused(client.clientCredentialsGrant(await discover(app.client_id, auth)), 401, "invalid_client", "basic");
  });
}

await check("a scope beyond the client's is invalid_scope", () =>
  refused(client.clientCredentialsGrant(basic, { scope: "admin" }), 400, "invalid_scope"));
await check("another grant is unsupported_grant_type", () =>
  refused(client.genericGrantRequest(basic, "password", { username: "a", password: "b" }), 400, "unsupported_grant_type"));
await check("a token for the bus by its name (RFC 8707)", () => client.clientCredentialsGrant(basic, { resource: bus.origin }));
await check("a token for another server is invalid_target (RFC 8707)", () =>
  refused(client.clientCredentialsGrant(basic, { resource: "https://other.example" }), 400, "invalid_target"));

await check("a token is introspected, revoked, and then inactive", async () => {
  const token = await client.clientCredentialsGrant(basic);
  const told = await client.tokenIntrospection(basic, token.access_token, { token_type_hint: "access_token" });
  equal([told.active, told.client_id, told.iss], [true, app.client_id, bus.origin]);
  await client.tokenRevocation(basic, token.access_token);
  equal((await client.tokenIntrospection(basic, token.access_token)).active, false);
  await refused(client.fetchProtectedResource(basic, token.access_token, contracts, "GET"), 401, "invalid_token", "bearer");
  await client.tokenRevocation(basic, token.access_token);
});
await check("a token that is none is invalid_token, with a challenge", () =>
  refused(client.fetchProtectedResource(basic, "rahasia", contracts, "GET"), 401, "invalid_token", "bearer"));
await check("a token without the scope is insufficient_scope, with a challenge", async () => {
  const token = await client.clientCredentialsGrant(basic, { scope: "events.read" });
  const ended = client.fetchProtectedResource(basic, token.access_token, contracts, "GET");
  await refused(ended, 403, "insufficient_scope", "bearer");
});

tell();
