// Receives webhooks at http://127.0.0.1:9000/webhook, and shows each event once.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { SignatureInvalid } from "bus-lamongan-client";
import { verifyWebhook } from "bus-lamongan-client/webhook";

const missing = ["WEBHOOK_SECRET"].filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(", ")} first.`);
  process.exit(1);
}
const { WEBHOOK_SECRET, PORT = "9000" } = process.env;
const seen = new Set(); // in your database, in the same transaction as what you do with the event

async function take(request) {
  const body = await buffer(request);
  try {
    const event = verifyWebhook(WEBHOOK_SECRET, request.headers, body);
    if (!seen.has(request.headers["webhook-id"])) {
      console.log("received:", event.type, event.subject, event.data);
      seen.add(request.headers["webhook-id"]);
    }
    return 204;
  } catch (error) {
    if (!(error instanceof SignatureInvalid)) throw error;
    console.log(`refused: ${error.message}`);
    return 401;
  }
}

createServer(async (request, response) => {
  response.writeHead(await take(request).catch(() => 500)).end();
}).listen(Number(PORT), "127.0.0.1", () => console.log(`waiting at http://127.0.0.1:${PORT}/webhook`));
