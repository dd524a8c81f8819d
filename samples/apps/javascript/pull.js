// Reads what is new in a feed. Keeps its place in a file, and goes on from there the next time.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Bus } from "bus-lamongan-client";

const PLACE = "layanan.katalog.cursor";
const missing = ["BUS_URL", "BUS_CLIENT_ID", "BUS_CLIENT_SECRET"].filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(", ")} first.`);
  process.exit(1);
}
const { BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET } = process.env;
const bus = new Bus(BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET);

const cursor = existsSync(PLACE) ? readFileSync(PLACE, "utf8") : "";
let count = 0;
try {
  for await (const page of bus.feed("layanan.katalog", cursor)) {
    for (const event of page.events) console.log(event.sequence, event.subject, event.data);
    count += page.events.length;
    writeFileSync(PLACE, page.next); // after the events are safe with you
  }
  console.log(`pulled: ${count} events`);
} catch (error) {
  console.error(`stopped: ${error.message}`);
  process.exitCode = 1;
}
