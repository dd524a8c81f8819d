// What an application's developer writes against the generated types: it has to compile, and its mistakes must not.
import type { components, paths } from "./api";

type Feed = paths["/v1/feeds/{contract}"]["get"]["responses"][200]["content"]["application/json"];
type Records = paths["/v1/records/{contract}"]["get"]["responses"][200]["content"]["application/json"];
type One = paths["/v1/records/{contract}/{key}"]["get"]["responses"][200]["content"]["application/cloudevents+json"];
type Event = components["schemas"]["CloudEvent"];
type Problem = paths["/v1/feeds/{contract}"]["get"]["responses"][401]["content"]["application/problem+json"];
type Order = paths["/v1/subscriptions"]["post"]["requestBody"]["content"]["application/json"];
type Made = paths["/v1/subscriptions"]["post"]["responses"][201]["content"]["application/json"];

export function positions(feed: Feed): bigint[] {
  return feed.events.map((event: Event) => BigInt(event.sequence));
}

export function deleted(records: Records): string[] {
  return records.records.filter((one) => one.data === null).map((one) => one.subject ?? "");
}

export function cursor(feed: Feed): string {
  return feed.next;
}

export const recorded = (one: One): Date => new Date(one.recordedtime);

export function tell(problem: Problem): string {
  return [problem.title, ...(problem.errors ?? []).map((wrong) => `${wrong.pointer}: ${wrong.detail}`)].join("\n");
}

export const order: Order = {
  contracts: ["perizinan.izin"],
  sink: { url: "https://pajak.lamongan.example/masuk" },
  filters: [{ prefix: { source: "urn:app:" } }],
};

export const secret = (made: Made): string => made.secret ?? "the bus sends nothing: it is pulled";

export const mistaken = (feed: Feed): string => {
  // @ts-expect-error a page has no records
  return feed.records;
};
