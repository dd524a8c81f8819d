/** Webhooks from the bus, for Node. */

import type { ReceivedEvent } from "./index.js";

/**
 * The event in a webhook's request, if the bus signed it as Standard Webhooks says.
 *
 * An event can come twice. Keep its `webhook-id`, and skip an id that you have. Throws SignatureInvalid if the signature is
 * missing, wrong, or older than five minutes. `body` is the request's body, byte for byte.
 */
export function verifyWebhook(
  secret: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
): ReceivedEvent;
