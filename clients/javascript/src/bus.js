/** The client. `index.d.ts` says what each method does. */

import { readAnswer, readBatchReceipt, readPage, readPulled, readReceipt, readSettlements, readToken } from "./answers.js";
import { Unreachable } from "./errors.js";
import { completeEvent, writeJson } from "./events.js";
import { handleEach } from "./pulls.js";
import { Lines, NDJSON } from "./snapshot.js";

const LIMIT = 1000;
/** Deliveries of one pull. */
const MOST = 100;
/** Seconds for which a pull holds its deliveries. */
const LEASE = 60;
const TRIES = 5;
const FIRST_PAUSE = 0.5;
/** Seconds. A longer `Retry-After` is told to the caller instead. */
const LONGEST_PAUSE = 60;
/** Seconds for a whole request: long enough for a batch on a slow line. */
const TIMEOUT = 120;
/** Seconds without a byte of a stream after which the line is broken. */
const SILENCE = 30;
/** Seconds before its end at which a token is renewed. */
const MARGIN = 30;

export class Bus {
  #url;
  #basic;
  #pause;
  #token = "";
  #renewAt = 0;

  constructor(url, clientId, clientSecret, { source = "", pause = sleep } = {}) {
    if (!url || !clientId || !clientSecret) {
      throw new TypeError("Bus needs url, clientId and clientSecret. Are BUS_URL, BUS_CLIENT_ID and BUS_CLIENT_SECRET set?");
    }
    this.#url = url.replace(/\/$/, "");
    this.#basic = `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`;
    this.#pause = pause;
    this.source = source;
  }

  async publish(event) {
    const text = writeJson(completeEvent(event, this.source));
    return this.#call(post("/v1/events", text, "application/cloudevents+json"), readReceipt);
  }

  async publishBatch(events, { partial = false } = {}) {
    return this.publishTexts(events.map((event) => writeJson(completeEvent(event, this.source))), partial);
  }

  /** Publish a batch of events that are JSON already. The spool's way. */
  async publishTexts(texts, partial) {
    const path = partial ? "/v1/events?partial=true" : "/v1/events";
    return this.#call(post(path, `[${texts.join(",")}]`, "application/cloudevents-batch+json"), readBatchReceipt);
  }

  feed(contract, after = "", { wait = 0, limit = LIMIT } = {}) {
    return this.#readPages(`/v1/feeds/${encodeURIComponent(contract)}`, "events", after, wait, limit);
  }

  records(contract, after, { limit = LIMIT } = {}) {
    return this.#readPages(`/v1/records/${encodeURIComponent(contract)}`, "records", after, 0, limit);
  }

  async *snapshot(contract, after = "", { limit = LIMIT } = {}) {
    for (let tries = 1; ; tries++) {
      try {
        const lines = new Lines(limit);
        for await (const part of this.#stream(contract, after)) {
          for (const page of lines.read(part)) {
            [after, tries] = [page.next, 0];
            yield page;
          }
        }
        const last = lines.end();
        if (last) {
          [after, tries] = [last.next, 0];
          yield last;
        }
        if (lines.isWhole) {
          return;
        }
        throw new Unreachable("The stream of records broke off.");
      } catch (error) {
        await this.#rest(tries, error);
      }
    }
  }

  async pull(subscription, { limit = MOST, wait = 0, lease = LEASE } = {}) {
    const path = `${place(subscription)}/pull?limit=${limit}&wait=${wait}&lease=${lease}`;
    return this.#call({ method: "POST", path, timeout: TIMEOUT + wait }, readPulled);
  }

  async ack(subscription, { leases = [], deliveries = [] }) {
    return this.#call(post(`${place(subscription)}/ack`, writeJson({ leases, deliveries })), readSettlements);
  }

  async nack(subscription, { leases = [], deliveries = [], reason = "", delay = null }) {
    const order = writeJson({ leases, deliveries, reason, delay });
    return this.#call(post(`${place(subscription)}/nack`, order), readSettlements);
  }

  async extend(subscription, leases, seconds) {
    return this.#call(post(`${place(subscription)}/extend`, writeJson({ leases, seconds })), readSettlements);
  }

  async seek(subscription, to) {
    await this.#call(post(`${place(subscription)}/seek`, writeJson({ to })), () => null);
  }

  async handleEach(subscription, handle, { limit = MOST, wait = 0, lease = LEASE, onFailure } = {}) {
    return handleEach(this, subscription, handle, { limit, wait, lease, onFailure });
  }

  async ask(contract, question) {
    const path = `/v1/queries/${encodeURIComponent(contract)}`;
    return this.#call(post(path, writeJson(question)), (answer) => answer);
  }

  async *#readPages(path, member, after, wait, limit) {
    for (;;) {
      const query = `?limit=${limit}&after=${encodeURIComponent(after)}${wait ? `&wait=${wait}` : ""}`;
      const page = await this.#call({ method: "GET", path: path + query, timeout: TIMEOUT + wait }, (answer) => readPage(answer, member));
      yield page;
      if (page.events.length === 0 && !wait) {
        return;
      }
      after = page.next;
    }
  }

  /** What `read` makes of the answer. Every request is safe to repeat: an event is known by its id. */
  async #call(request, read) {
    for (let tries = 1; ; tries++) {
      try {
        return read(readAnswer(await this.#ask(request, send)));
      } catch (error) {
        await this.#rest(tries, error);
      }
    }
  }

  /** The parts of a stream of records. */
  async *#stream(contract, after) {
    const path = `/v1/records/${encodeURIComponent(contract)}?trailer=true&after=${encodeURIComponent(after)}`;
    const response = await this.#ask({ method: "GET", path, headers: { accept: NDJSON } }, open);
    if (!response.parts) {
      readAnswer(response);
      throw new Unreachable("The answer is no stream of records.");
    }
    yield* response.parts;
  }

  /** The answer to a request with a token. A token that the bus no longer knows is renewed once. */
  async #ask(request, how) {
    for (let isRenewed = false; ; isRenewed = true) {
      const authorization = `Bearer ${await this.#authorise()}`;
      const response = await how(this.#url, { ...request, headers: { ...request.headers, authorization } });
      if (response.status !== 401 || isRenewed) {
        return response;
      }
      this.#token = "";
    }
  }

  /** Pause before the next try. Throws the error if there is no next try. */
  async #rest(tries, error) {
    if (!(error instanceof Unreachable)) {
      throw error;
    }
    await this.#pause(choosePause(tries, error));
  }

  /** A token that lasts long enough for a request. */
  async #authorise() {
    const askedAt = performance.now() / 1000;
    if (!this.#token || askedAt >= this.#renewAt) {
      const form = post("/oauth/token", "grant_type=client_credentials", "application/x-www-form-urlencoded");
      const response = await send(this.#url, { ...form, headers: { ...form.headers, authorization: this.#basic } });
      const { token, seconds } = readToken(response);
      this.#token = token;
      this.#renewAt = askedAt + seconds - MARGIN;
    }
    return this.#token;
  }
}

/** A response that was read to its end. */
async function send(url, { method, path, headers, body, timeout = TIMEOUT }) {
  try {
    const signal = AbortSignal.timeout(timeout * 1000);
    const response = await fetch(url + path, { method, headers, body, signal, redirect: "manual" });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch {
    throw new Unreachable("The connection to the bus broke.");
  }
}

/** A response whose parts are read as they come; what is no stream of records is read to its end. */
async function open(url, { method, path, headers }) {
  const silence = new Silence();
  try {
    const response = await fetch(url + path, { method, headers, signal: silence.signal, redirect: "manual" });
    if (response.status === 200 && (response.headers.get("content-type") ?? "").startsWith(NDJSON)) {
      return { status: response.status, parts: readParts(response.body.getReader(), silence) };
    }
    const text = await response.text();
    silence.end();
    return { status: response.status, headers: response.headers, text };
  } catch {
    silence.end();
    throw new Unreachable("The connection to the bus broke.");
  }
}

/** The parts of a body, also if the line breaks. */
async function* readParts(reader, silence) {
  try {
    for (;;) {
      silence.begin();
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      silence.end();
      if (done) {
        return;
      }
      yield value;
    }
  } finally {
    silence.end();
    await reader.cancel().catch(() => {});
  }
}

/** Breaks a request off when nothing comes for too long. While the program works on what came, no time counts. */
class Silence {
  #controller = new AbortController();
  #timer;

  constructor() {
    this.begin();
  }

  get signal() {
    return this.#controller.signal;
  }

  begin() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), SILENCE * 1000);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/**
 * Seconds before the next try. Throws the failure if there is no next try.
 *
 * Full jitter after Brooker, "Exponential Backoff And Jitter" (2015), so that apps which failed together spread out.
 */
function choosePause(tries, failure) {
  if (tries >= TRIES || failure.retryAfter > LONGEST_PAUSE) {
    throw failure;
  }
  return failure.retryAfter ?? Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries);
}

function place(subscription) {
  return `/v1/subscriptions/${encodeURIComponent(subscription)}`;
}

function post(path, body, contentType = "application/json") {
  return { method: "POST", path, body, headers: { "content-type": contentType } };
}

function sleep(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
