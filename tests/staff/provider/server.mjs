// An identity provider on a free port. Each line of standard input is JSON: claims that the next tokens have. It prints its
// issuer first, and "ok" after each line.
import { createInterface } from "node:readline";
import { OAuth2Server } from "oauth2-mock-server";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
await server.start(0, "127.0.0.1");
let claims = {};
server.service.on("beforeTokenSigning", (token) => {
  Object.assign(token.payload, claims);
});
console.log(server.issuer.url);
for await (const line of createInterface({ input: process.stdin })) {
  claims = JSON.parse(line);
  console.log("ok");
}
await server.stop();
