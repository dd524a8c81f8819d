/** The loop that pulls, handles and acknowledges. `index.d.ts` says what `handleEach` does. */

const DONE = ["acknowledged", "settled"];

export async function handleEach(bus, subscription, handle, { onFailure, ...pulling }) {
  let [acknowledged, returned] = [0, 0];
  for (;;) {
    const pulled = await bus.pull(subscription, pulling);
    if (pulled.deliveries.length === 0 && !pulling.wait) {
      return { acknowledged, returned };
    }
    const held = new Held(bus, subscription, pulled, pulling.lease);
    for (const [index, delivery] of pulled.deliveries.entries()) {
      if (!(await held.stays())) {
        break;
      }
      try {
        await handle(delivery);
      } catch (failure) {
        await onFailure?.(delivery, failure);
        await held.giveBack([delivery], failure);
        returned++;
        if (onFailure) {
          continue;
        }
        await held.acknowledge();
        await held.giveBack(pulled.deliveries.slice(index + 1), failure, 0);
        throw failure;
      }
      held.done.push(delivery.id);
    }
    acknowledged += await held.acknowledge();
  }
}

/** What one pull holds. */
class Held {
  /** Ids of the deliveries that were handled. */
  done = [];
  #bus;
  #subscription;
  #lease;
  #seconds;
  #leasedAt = now();

  constructor(bus, subscription, pulled, seconds) {
    this.#bus = bus;
    this.#subscription = subscription;
    this.#lease = pulled.lease;
    this.#seconds = seconds;
  }

  /** Whether the lease goes on; it is extended when half of it is over. If it has ended, others may hold its deliveries. */
  async stays() {
    const at = now();
    if (at - this.#leasedAt <= this.#seconds / 2) {
      return true;
    }
    this.#leasedAt = at;
    const results = await this.#bus.extend(this.#subscription, [this.#lease], this.#seconds);
    return results.every(({ result }) => result === "extended");
  }

  /** The number of deliveries that never come again. */
  async acknowledge() {
    if (this.done.length === 0) {
      return 0;
    }
    const results = await this.#bus.ack(this.#subscription, { deliveries: this.done });
    return results.filter(({ result }) => DONE.includes(result)).length;
  }

  /** Return deliveries. The reason is the kind of the failure: its text may hold personal data. */
  async giveBack(deliveries, failure, delay = null) {
    if (deliveries.length > 0) {
      const reason = failure?.constructor?.name ?? "";
      await this.#bus.nack(this.#subscription, { deliveries: deliveries.map(({ id }) => id), reason, delay });
    }
  }
}

function now() {
  return performance.now() / 1000;
}
