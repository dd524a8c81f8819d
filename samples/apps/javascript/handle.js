// Handles the events of a subscription that is pulled. The bus remembers which of them are done.

import { Bus } from "bus-lamongan-client";

const missing = ["BUS_URL", "BUS_CLIENT_ID", "BUS_CLIENT_SECRET", "BUS_SUBSCRIPTION"].filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(", ")} first.`);
  process.exit(1);
}
const { BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET, BUS_SUBSCRIPTION } = process.env;
const bus = new Bus(BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET);

async function handle({ event }) {
  console.log(event.sequence, event.subject, event.data);
}

try {
  const handled = await bus.handleEach(BUS_SUBSCRIPTION, handle);
  console.log(`handled: ${handled.acknowledged} events`);
} catch (error) {
  console.error(`stopped: ${error.message}`);
  process.exitCode = 1;
}
