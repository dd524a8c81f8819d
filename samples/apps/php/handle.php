<?php

// Handles the events of a subscription that is pulled. The bus remembers which of them are done.

require 'vendor/autoload.php';

use Lamongan\Bus\{Bus, BusError, Delivery};

function handle(Delivery $delivery): void
{
    echo $delivery->event->sequence, ' ', $delivery->event->subject, ' ', json_encode($delivery->event->data), "\n";
}

foreach (['BUS_URL', 'BUS_CLIENT_ID', 'BUS_CLIENT_SECRET', 'BUS_SUBSCRIPTION'] as $name) {
    if (!getenv($name)) {
        fwrite(STDERR, "Set $name first.\n");
        exit(1);
    }
}
$bus = new Bus(getenv('BUS_URL'), getenv('BUS_CLIENT_ID'), getenv('BUS_CLIENT_SECRET'));
try {
    $handled = $bus->handleEach(getenv('BUS_SUBSCRIPTION'), handle(...));
} catch (BusError $error) {
    fwrite(STDERR, "stopped: {$error->getMessage()}\n");
    exit(1);
}
echo "handled: $handled->acknowledged events\n";
