<?php

// Publishes a public service, and says what the bus made of it.

require 'vendor/autoload.php';

use Lamongan\Bus\{Bus, BusError};

$service = [
    'kode_layanan' => 'dinas-kominfo.konsultasi',
    'nama' => 'Konsultasi data',
    'opd' => 'dinas-kominfo',
    'deskripsi' => 'Bantuan untuk memakai data daerah.',
    'sasaran' => 'umum',
    'biaya' => 0,
    'kanal' => [['jenis' => 'loket']],
    'status' => 'aktif',
];

foreach (['BUS_URL', 'BUS_CLIENT_ID', 'BUS_CLIENT_SECRET'] as $name) {
    if (!getenv($name)) {
        fwrite(STDERR, "Set $name first.\n");
        exit(1);
    }
}
$bus = new Bus(getenv('BUS_URL'), getenv('BUS_CLIENT_ID'), getenv('BUS_CLIENT_SECRET'), source: '/dinas-kominfo/portal');
try {
    $receipt = $bus->publish(['type' => 'layanan.katalog', 'subject' => $service['kode_layanan'], 'data' => $service]);
} catch (BusError $error) {
    fwrite(STDERR, "not published: {$error->getMessage()}\n");
    exit(1);
}
echo "published: position {$receipt->position}\n";
