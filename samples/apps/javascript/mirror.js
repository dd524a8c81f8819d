// Keeps a copy of all records in a folder. Reads everything once, and what changed the next time.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Bus, SnapshotInvalid } from "bus-lamongan-client";

const CONTRACT = "layanan.katalog";
const [COPY, PLACE] = ["copy", "copy.cursor"];
const missing = ["BUS_URL", "BUS_CLIENT_ID", "BUS_CLIENT_SECRET"].filter((name) => !process.env[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(", ")} first.`);
  process.exit(1);
}
const { BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET } = process.env;
const bus = new Bus(BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET);

mkdirSync(COPY, { recursive: true });
const pages = existsSync(PLACE) ? bus.records(CONTRACT, readFileSync(PLACE, "utf8")) : bus.snapshot(CONTRACT);
let count = 0;
try {
  for await (const page of pages) {
    for (const { subject, data } of page.events) {
      const file = `${COPY}/${encodeURIComponent(subject)}.json`;
      if (data === null) rmSync(file, { force: true });
      else writeFileSync(file, JSON.stringify(data));
    }
    count += page.events.length;
    writeFileSync(PLACE, page.next); // after the records are safe with you
  }
  console.log(`copied: ${count} records`);
} catch (error) {
  if (error instanceof SnapshotInvalid) rmSync(PLACE, { force: true }); // the next run begins again
  console.error(`stopped: ${error.message}`);
  process.exitCode = 1;
}
