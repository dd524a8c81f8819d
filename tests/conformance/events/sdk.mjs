// The JavaScript SDK of CloudEvents: it writes events as requests, and reads requests as its HTTP receiver does.
import { readFileSync } from "node:fs";
import { CloudEvent, HTTP } from "cloudevents";

const MODES = {
  binary: (events) => events.map((event) => HTTP.binary(event)),
  structured: (events) => events.map((event) => HTTP.structured(event)),
  // The SDK reads batches and does not write them: a batch is an array of events as it writes each.
  batch: (events) => [
    {
      headers: { "content-type": "application/cloudevents-batch+json" },
      body: `[${events.map((event) => HTTP.structured(event).body).join(",")}]`,
    },
  ],
};

const [order] = process.argv.slice(2);
const asked = JSON.parse(readFileSync(0, "utf8"));
if (order === "write") {
  const events = asked.events.map((event) => new CloudEvent(event));
  const messages = MODES[asked.mode](events);
  // As `fetch` does with the values of headers.
  const written = ({ headers, body }) => ({
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body,
  });
  console.log(JSON.stringify(messages.map(written)));
} else {
  // Strict: the SDK checks each event against the schema of CloudEvents 1.0.
  const read = asked.map((message) => [HTTP.toEvent(message)].flat());
  for (const event of read.flat()) event.validate();
  console.log(JSON.stringify(read.map((events) => events.map((event) => event.toJSON()))));
}
