<?php

// Keeps a copy of all records in a folder. Reads everything once, and what changed the next time.

require 'vendor/autoload.php';

use Lamongan\Bus\{Bus, BusError, SnapshotInvalid};

const CONTRACT = 'layanan.katalog';
const COPY = 'copy';
const PLACE = 'copy.cursor';

foreach (['BUS_URL', 'BUS_CLIENT_ID', 'BUS_CLIENT_SECRET'] as $name) {
    if (!getenv($name)) {
        fwrite(STDERR, "Set $name first.\n");
        exit(1);
    }
}
$bus = new Bus(getenv('BUS_URL'), getenv('BUS_CLIENT_ID'), getenv('BUS_CLIENT_SECRET'));
is_dir(COPY) || mkdir(COPY);
$pages = is_file(PLACE) ? $bus->records(CONTRACT, after: file_get_contents(PLACE)) : $bus->snapshot(CONTRACT);
$count = 0;
try {
    foreach ($pages as $page) {
        foreach ($page->events as $record) {
            $file = COPY . '/' . rawurlencode($record->subject) . '.json';
            if ($record->data === null) {
                is_file($file) && unlink($file);
            } else {
                file_put_contents($file, json_encode($record->data));
            }
        }
        $count += count($page->events);
        file_put_contents(PLACE, $page->next); // after the records are safe with you
    }
} catch (BusError $error) {
    if ($error instanceof SnapshotInvalid && is_file(PLACE)) {
        unlink(PLACE); // the next run begins again
    }
    fwrite(STDERR, "stopped: {$error->getMessage()}\n");
    exit(1);
}
echo "copied: $count records\n";
