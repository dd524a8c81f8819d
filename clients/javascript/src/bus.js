/** The client. `index.d.ts` says what each method does. */

import { readAnswer, readBatchReceipt, readPage, readReceipt, readToken } from "./answers.js";
import { Unreachable } from "./errors.js";
import { completeEvent, writeJson } from "./events.js";

const LIMIT = 1000;
const TRIES = 5;
const FIRST_PAUSE = 0.5;
/** Seconds. A longer `Retry-After` is told to the caller instead. */
const LONGEST_PAUSE = 60;
/** Seconds for a whole request: long enough for a batch on a slow line. */
const TIMEOUT = 120;
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

  snapshot(contract, options) {
    return this.records(contract, "", options);
  }

  async ask(contract, question) {
    const path = `/v1/queries/${encodeURIComponent(contract)}`;
    return this.#call(post(path, writeJson(question), "application/json"), (answer) => answer);
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
    let isRenewed = false;
    for (let tries = 1; ; tries++) {
      try {
        const authorization = `Bearer ${await this.#authorise()}`;
        const response = await this.#send({ ...request, headers: { ...request.headers, authorization } });
        if (response.status === 401 && !isRenewed) {
          isRenewed = true;
          this.#token = "";
          tries--;
          continue;
        }
        return read(readAnswer(response));
      } catch (error) {
        if (!(error instanceof Unreachable)) {
          throw error;
        }
        await this.#pause(choosePause(tries, error));
      }
    }
  }

  /** A token that lasts long enough for a request. */
  async #authorise() {
    const askedAt = performance.now() / 1000;
    if (!this.#token || askedAt >= this.#renewAt) {
      const form = post("/oauth/token", "grant_type=client_credentials", "application/x-www-form-urlencoded");
      const response = await this.#send({ ...form, headers: { ...form.headers, authorization: this.#basic } });
      const { token, seconds } = readToken(response);
      this.#token = token;
      this.#renewAt = askedAt + seconds - MARGIN;
    }
    return this.#token;
  }

  async #send({ method, path, headers, body, timeout = TIMEOUT }) {
    try {
      const signal = AbortSignal.timeout(timeout * 1000);
      const response = await fetch(this.#url + path, { method, headers, body, signal, redirect: "manual" });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch {
      throw new Unreachable("The connection to the bus broke.");
    }
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

function post(path, body, contentType) {
  return { method: "POST", path, body, headers: { "content-type": contentType } };
}

function sleep(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
