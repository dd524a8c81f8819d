// oauth4webapi, step by step: each answer is checked by the library against its RFC.
import * as oauth from "oauth4webapi";
import { ALGORITHMS, addClient, addKeyClient, bus, check, equal, insecure, refusal, signedAs, tell } from "./cases.mjs";

const app = await addClient("events.read", "contracts.read");
const secret = oauth.ClientSecretBasic(app.client_secret);
let server;

await check("authorization server metadata (RFC 8414)", async () => {
  const answer = await oauth.discoveryRequest(bus, { algorithm: "oauth2", ...insecure });
  server = await oauth.processDiscoveryResponse(new URL(bus.origin), answer);
  equal(server.grant_types_supported, ["client_credentials"]);
});
await check("protected resource metadata (RFC 9728)", async () => {
  const resource = await oauth.processResourceDiscoveryResponse(bus, await oauth.resourceDiscoveryRequest(bus, insecure));
  equal([resource.authorization_servers, resource.bearer_methods_supported], [[server.issuer], ["header"]]);
});

const ask = async (client, auth, parameters = {}) =>
  oauth.processClientCredentialsResponse(
    server,
    client,
    await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, insecure),
  );

for (const [name, auth] of Object.entries({ basic: secret, post: oauth.ClientSecretPost(app.client_secret) })) {
  await check(`client_secret_${name}`, async () => {
    const token = await ask(app, auth, new URLSearchParams({ scope: "events.read contracts.read" }));
    equal([token.token_type, token.scope], ["bearer", "contracts.read events.read"]);
  });
}
for (const alg of ALGORITHMS) {
  await check(`private_key_jwt with ${alg}, and the access token as RFC 9068 says`, async () => {
    const { client_id, key } = await addKeyClient(alg, true);
    const client = { client_id };
    const auth = oauth.PrivateKeyJwt(key, alg === "EdDSA" ? signedAs(alg) : undefined);
    const token = await ask(client, auth);
    const headers = { authorization: `Bearer ${token.access_token}` };
    const request = new Request(new URL("/v1/contracts", bus), { headers });
    const claims = await oauth.validateJwtAccessToken(server, request, server.issuer, insecure);
    equal([claims.sub, claims.client_id, claims.scope], [client_id, client_id, "contracts.read events.read"]);
    equal((await fetch(request)).status, 200);
  });
}
await check("a key with a name of its own", async () => {
  const { client_id, key } = await addKeyClient("PS256");
  await ask({ client_id }, oauth.PrivateKeyJwt({ key, kid: "2026-01" }));
});
await check("several resources (RFC 8707)", async () => {
  await ask(app, secret, [["resource", bus.origin], ["resource", bus.href]]);
  const ended = await refusal(ask(app, secret, [["resource", bus.origin], ["resource", "https://other.example"]]));
  equal([ended.status, ended.error], [400, "invalid_target"]);
});
await check("introspection (RFC 7662)", async () => {
  const { access_token } = await ask(app, secret);
  const answer = await oauth.introspectionRequest(server, app, secret, access_token, insecure);
  const told = await oauth.processIntrospectionResponse(server, app, answer);
  equal([told.active, told.token_type, told.scope], [true, "Bearer", "contracts.read events.read"]);
});
await check("revocation (RFC 7009), also of a token that is none", async () => {
  const { access_token } = await ask(app, secret);
  for (const token of [access_token, access_token, "rahasia"]) {
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, app, secret, token, insecure));
  }
  const answer = await oauth.introspectionRequest(server, app, secret, access_token, insecure);
  equal(await oauth.processIntrospectionResponse(server, app, answer), { active: false });
});
await check("a client that does not prove itself is challenged (RFC 6749, 5.2)", async () => {
  const ended = await refusal(ask(app, oauth.ClientSecretBasic("salah")));
  equal([ended.name, ended.status], ["WWWAuthenticateChallengeError", 401]);
  equal(ended.cause, [{ scheme: "basic", parameters: { realm: "bus" } }]);
});
await check("the challenge of the API names its metadata (RFC 9728, 5.1)", async () => {
  const request = oauth.protectedResourceRequest("rahasia", "GET", new URL("/v1/contracts", bus), undefined, null, insecure);
  const [{ scheme, parameters }] = (await refusal(request)).cause;
  equal([scheme, parameters.realm, parameters.error], ["bearer", "bus", "invalid_token"]);
  const named = await (await fetch(parameters.resource_metadata)).json();
  equal(named.resource, server.issuer);
});

tell();
