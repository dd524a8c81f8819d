<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/**
 * The event in a webhook's request, if the bus signed it as Standard Webhooks says.
 *
 * An event can come twice. Keep its `webhook-id`, and skip an id that you have.
 *
 * @param string $secret of the subscription, `whsec_…`.
 * @param array<string, string> $headers of the request, such as from `getallheaders()`. Names may be in any case.
 * @param string $body of the request, byte for byte: `file_get_contents('php://input')`.
 * @throws SignatureInvalid the signature is missing, wrong, or older than five minutes.
 */
function verifyWebhook(string $secret, array $headers, string $body): \stdClass
{
    $fields = array_change_key_case($headers);
    [$message, $sentAt] = [$fields['webhook-id'] ?? '', $fields['webhook-timestamp'] ?? ''];
    if ($message === '' || preg_match('/^[0-9]{1,12}$/D', $sentAt) !== 1) {
        throw new SignatureInvalid('The request lacks webhook-id or webhook-timestamp.');
    }
    if (abs(time() - (int) $sentAt) > 300) {
        throw new SignatureInvalid('The signature is too old. Check the clock of this machine.');
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret) ?? '', true);
    if ($key === false || $key === '') {
        throw new SignatureInvalid('The secret is not whsec_ with base64.');
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$message.$sentAt.$body", $key, true));
    // Two secrets sign while one of them is being replaced.
    foreach (explode(' ', $fields['webhook-signature'] ?? '') as $given) {
        if (hash_equals($expected, $given)) {
            return json_decode($body, false, 512, JSON_THROW_ON_ERROR);
        }
    }
    throw new SignatureInvalid('The signature does not fit the secret and the body.');
}
