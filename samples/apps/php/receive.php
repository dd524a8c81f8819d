<?php

// Receives webhooks, and shows each event once: php -S 127.0.0.1:9000 receive.php

require 'vendor/autoload.php';

use Lamongan\Bus\SignatureInvalid;
use function Lamongan\Bus\verifyWebhook;

function show(string $text): void
{
    file_put_contents('php://stderr', "$text\n");
}

if (!getenv('WEBHOOK_SECRET')) {
    show('Set WEBHOOK_SECRET first.');
    http_response_code(500);
    exit;
}
try {
    $event = verifyWebhook(getenv('WEBHOOK_SECRET'), getallheaders(), file_get_contents('php://input'));
} catch (SignatureInvalid $invalid) {
    show("refused: {$invalid->getMessage()}");
    http_response_code(401);
    exit;
}
// In your database, in the same transaction as what you do with the event. Another bus may give the same id: its secret differs.
$seen = __DIR__ . '/.seen-' . hash('sha256', getenv('WEBHOOK_SECRET') . $_SERVER['HTTP_WEBHOOK_ID']);
if (!file_exists($seen)) {
    show("received: {$event->type} " . ($event->subject ?? '') . ' ' . json_encode($event->data ?? null));
    touch($seen);
}
http_response_code(204);
