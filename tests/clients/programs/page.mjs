// A page of another origin, in a browser that keeps the rules of CORS (Fetch Standard): it prints what the page gets.

import { Bus } from "bus-lamongan-client";

const { BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET, ORIGIN } = process.env;
const SIMPLE = ["accept", "accept-language", "content-language"];
const SIMPLE_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
const ALWAYS_SHOWN = ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];
const send = globalThis.fetch;

/** The names in a header field. */
function names(response, field) {
  return (response.headers.get(field) ?? "").split(",").map((name) => name.trim().toLowerCase());
}

function check(isAllowed, what) {
  if (!isAllowed) throw new TypeError(`CORS: ${what}`);
}

globalThis.fetch = async (url, { method = "GET", headers = {}, ...rest }) => {
  const unsafe = Object.entries(headers)
    .filter(([name, value]) => !SIMPLE.includes(name.toLowerCase()) && !(name.toLowerCase() === "content-type" && SIMPLE_TYPES.includes(value)))
    .map(([name]) => name.toLowerCase());
  if (unsafe.length > 0 || !["GET", "HEAD", "POST"].includes(method)) {
    const asked = { origin: ORIGIN, "access-control-request-method": method, "access-control-request-headers": unsafe.sort().join(",") };
    const preflight = await send(url, { method: "OPTIONS", headers: asked });
    check(preflight.ok && preflight.headers.get("access-control-allow-origin") === ORIGIN, "preflight");
    const allowed = names(preflight, "access-control-allow-headers");
    check(unsafe.every((name) => allowed.includes(name)), unsafe.join());
  }
  const response = await send(url, { method, headers: { ...headers, origin: ORIGIN }, ...rest });
  check(response.headers.get("access-control-allow-origin") === ORIGIN, "answer");
  const shown = [...ALWAYS_SHOWN, ...names(response, "access-control-expose-headers")];
  const kept = [...response.headers].filter(([name]) => shown.includes(name));
  return new Response(response.body, { status: response.status, headers: kept });
};

const bus = new Bus(BUS_URL, BUS_CLIENT_ID, BUS_CLIENT_SECRET, { source: "/page", pause: async () => {} });
const data = { nik: process.env.NIK, nama: "Rekaan" };
try {
  const receipt = await bus.publish({ type: process.env.CONTRACT, subject: data.nik, data });
  const subjects = [];
  for await (const page of bus.snapshot(process.env.CONTRACT)) subjects.push(...page.events.map((event) => event.subject));
  console.log(JSON.stringify({ position: receipt.position, subjects }));
} catch (error) {
  console.log(JSON.stringify({ error: error.name }));
}
for (const part of ["spool", "webhook"]) {
  await import(`bus-lamongan-client/${part}`).then(() => console.log("imported"), (error) => console.log(error.code));
}
