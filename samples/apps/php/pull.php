<?php

// Reads what is new in a feed. Keeps its place in a file, and goes on from there the next time.

require 'vendor/autoload.php';

use Lamongan\Bus\{Bus, BusError};

const PLACE = 'layanan.katalog.cursor';

foreach (['BUS_URL', 'BUS_CLIENT_ID', 'BUS_CLIENT_SECRET'] as $name) {
    if (!getenv($name)) {
        fwrite(STDERR, "Set $name first.\n");
        exit(1);
    }
}
$bus = new Bus(getenv('BUS_URL'), getenv('BUS_CLIENT_ID'), getenv('BUS_CLIENT_SECRET'));
$cursor = is_file(PLACE) ? file_get_contents(PLACE) : '';
$count = 0;
try {
    foreach ($bus->feed('layanan.katalog', after: $cursor) as $page) {
        foreach ($page->events as $event) {
            echo $event->sequence, ' ', $event->subject, ' ', json_encode($event->data), "\n";
        }
        $count += count($page->events);
        file_put_contents(PLACE, $page->next); // after the events are safe with you
    }
} catch (BusError $error) {
    fwrite(STDERR, "stopped: {$error->getMessage()}\n");
    exit(1);
}
echo "pulled: $count events\n";
