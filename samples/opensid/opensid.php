<?php

/*
 * Publishes the events of a village's OpenSID as `kependudukan.peristiwa`, through the spool.
 *
 *     php opensid.php                    read what is new, send what waits; from cron
 *     php opensid.php refused            what the bus refused, with the reasons
 *     php opensid.php mend 7 data.json   give event 7 the members of a JSON object, and send it next time
 *     php opensid.php drop 7             forget event 7
 */

declare(strict_types=1);

use Lamongan\Bus\{Bus, Spool, SpoolFull};

require __DIR__ . '/vendor/autoload.php';

/** OpenSID's codes of events that the contract knows. Missing (4) and away for a time (6) are none of them. */
const KINDS = [1 => 'kelahiran', 2 => 'kematian', 3 => 'pindah', 5 => 'datang'];
const SEXES = [1 => 'laki-laki', 2 => 'perempuan'];
/** Both generations of the tables have these names; what else a row has depends on the generation. */
const ROWS = '
    SELECT penduduk.*, keluarga.no_kk AS kk, log.*
    FROM log_penduduk AS log
    LEFT JOIN tweb_penduduk AS penduduk ON penduduk.id = log.id_pend
    LEFT JOIN tweb_keluarga AS keluarga ON keluarga.id = penduduk.id_kk
    WHERE log.id > ? OR FIND_IN_SET(log.id, ?) OR %s > ?
    ORDER BY log.id';

/** A row's event, or null while it cannot be one: the resident has no NIK yet. */
function makeEvent(array $row, string $village): ?array
{
    $kind = KINDS[$row['kode_peristiwa'] ?? $row['id_detail']];
    $nik = (string) $row['nik'];
    // 0 means none, and a temporary NIK begins with 0.
    if (preg_match('/^[1-9][0-9]{15}$/D', $nik) !== 1) {
        return null;
    }
    $reported = readDate($row['tgl_lapor'] ?? $row['tanggal'] ?? null);
    $happened = readDate($row['tgl_peristiwa'] ?? null) ?? ($kind === 'kelahiran' ? readDate($row['tanggallahir']) : null);
    $data = [
        'nomor_peristiwa' => "SID-$village-{$row['id']}",
        'jenis' => $kind,
        'nik' => $nik,
        'nomor_kk' => readNumber($row['kk'] ?? $row['no_kk'] ?? null),
        'nama' => trim((string) $row['nama']) ?: null,
        'tanggal_peristiwa' => $happened,
        'tanggal_lapor' => $reported,
        'kode_wilayah' => preg_replace('/^(\d{2})(\d{2})(\d{2})(\d{4})$/', '$1.$2.$3.$4', $village),
        $kind => (object) array_filter(makeDetails($kind, $row), fn (mixed $value) => $value !== null),
    ];
    return [
        'type' => 'kependudukan.peristiwa',
        'id' => "log-{$row['id']}" . readCorrection($row),
        'subject' => $nik,
        'time' => ($happened ?? $reported ?? '1970-01-01') . 'T00:00:00+07:00',
        'data' => array_filter($data, fn (mixed $value) => $value !== null),
    ];
}

/** What the contract asks for by kind. OpenSID has no code of the other village: the bus refuses such a move until it is mended. */
function makeDetails(string $kind, array $row): array
{
    return match ($kind) {
        'kelahiran' => [
            'nik_ibu' => readNumber($row['ibu_nik'] ?? null),
            'nik_ayah' => readNumber($row['ayah_nik'] ?? null),
            'jenis_kelamin' => SEXES[$row['sex']] ?? null,
        ],
        'kematian' => ['tempat' => trim((string) ($row['meninggal_di'] ?? '')) ?: null],
        'pindah', 'datang' => [],
    };
}

/** A date as `2026-11-29`; null for `0000-00-00` and for none. */
function readDate(?string $text): ?string
{
    return $text === null || str_starts_with($text, '0000') ? null : substr($text, 0, 10);
}

/** A NIK or number of a family card; null for 0 and temporary ones. */
function readNumber(mixed $value): ?string
{
    return preg_match('/^[1-9][0-9]{15}$/D', (string) $value) === 1 ? (string) $value : null;
}

/** What tells a corrected row from the row before: the time of the change. */
function readCorrection(array $row): string
{
    $isCorrected = isset($row['updated_at']) && $row['updated_at'] !== ($row['created_at'] ?? null);
    return $isCorrected ? '-' . preg_replace('/\D/', '', $row['updated_at']) : '';
}

/**
 * Put what is new into the spool.
 *
 * The state moves on when the rows are in the spool. A kill between makes the same events with the same ids again. What the spool
 * has no room for is read the next time: what waits in the spool has to be sent first.
 */
function readNew(PDO $opensid, Spool $spool, string $stateFile): void
{
    $state = is_file($stateFile) ? json_decode(file_get_contents($stateFile), true) : ['last' => 0, 'later' => [], 'changed' => '1970-01-01'];
    $before = $state;
    $village = $opensid->query('SELECT kode_desa FROM config LIMIT 1')->fetchColumn();
    $columns = $opensid->query('SHOW COLUMNS FROM log_penduduk')->fetchAll(PDO::FETCH_COLUMN);
    $hasChanges = in_array('updated_at', $columns, true);
    // A minute back: a row may be changed in the second in which the rows are read. The bus knows what comes twice.
    // Not behind the newest row: OpenSID writes its own time, and the database's clock may be hours ahead of that.
    $seen = 'SELECT LEAST(NOW() - INTERVAL 1 MINUTE, MAX(updated_at)) FROM log_penduduk';
    $newest = $hasChanges ? $opensid->query($seen)->fetchColumn() : null;
    $rows = $opensid->prepare(sprintf(ROWS, $hasChanges ? 'log.updated_at' : "''"));
    $rows->execute([$state['last'], implode(',', $state['later']), $state['changed']]);
    $state = ['last' => $before['last'], 'later' => [], 'changed' => $newest ?? $before['changed']];
    foreach ($rows as $row) {
        $isKnown = isset(KINDS[$row['kode_peristiwa'] ?? $row['id_detail']]);
        $event = $isKnown ? makeEvent($row, $village) : null;
        try {
            if ($event !== null) {
                $spool->publish($event, "penduduk {$row['id_pend']}");
            } elseif ($isKnown) {
                $state['later'][] = $row['id'];
            }
        } catch (SpoolFull $full) {
            echo "not all is read: {$full->getMessage()}\n";
            array_push($state['later'], ...array_filter($before['later'], fn ($id) => $id >= $row['id']));
            $state['changed'] = $before['changed'];
            break;
        }
        $state['last'] = max($state['last'], $row['id']);
    }
    file_put_contents("$stateFile.new", json_encode($state));
    rename("$stateFile.new", $stateFile);
    echo count($state['later']), " wait for a NIK\n";
}

function mend(Spool $spool, int $number, string $file): void
{
    $members = json_decode(file_get_contents($file), flags: JSON_THROW_ON_ERROR);
    foreach ($spool->listRefused() as $refused) {
        if ($refused->number === $number) {
            $refused->event->data = (object) array_merge((array) $refused->event->data, (array) $members);
            $spool->mend($number, $refused->event);
            return;
        }
    }
    throw new InvalidArgumentException("The spool has no refused event $number.");
}

$folder = getenv('SPOOL_FOLDER') ?: '.';
foreach (['BUS_URL', 'BUS_CLIENT_ID', 'BUS_CLIENT_SECRET', 'BUS_SOURCE'] as $name) {
    if (!getenv($name)) {
        fwrite(STDERR, "Set $name first.\n");
        exit(1);
    }
}
$bus = new Bus(getenv('BUS_URL'), getenv('BUS_CLIENT_ID'), getenv('BUS_CLIENT_SECRET'), source: getenv('BUS_SOURCE'));
$spool = new Spool("$folder/opensid.spool", $bus);
switch ($argv[1] ?? 'send') {
    case 'send':
        foreach (['OPENSID_DSN', 'OPENSID_USER'] as $name) {
            if (!getenv($name)) {
                fwrite(STDERR, "Set $name first.\n");
                exit(1);
            }
        }
        $opensid = new PDO(getenv('OPENSID_DSN'), getenv('OPENSID_USER'), getenv('OPENSID_PASSWORD') ?: '');
        $opensid->setAttribute(PDO::ATTR_DEFAULT_FETCH_MODE, PDO::FETCH_ASSOC);
        readNew($opensid, $spool, "$folder/opensid.state");
        $report = $spool->send();
        echo "$report->sent sent, $report->refused refused, $report->waiting wait\n";
        exit($report->error === null ? 0 : 1);
    case 'refused':
        foreach ($spool->listRefused() as $refused) {
            $reasons = array_map(fn ($reason) => "$reason->pointer $reason->detail", $refused->reasons);
            echo "$refused->number {$refused->event->id}: ", implode('; ', $reasons), "\n";
        }
        break;
    case 'mend':
        mend($spool, (int) $argv[2], $argv[3]);
        break;
    case 'drop':
        $spool->drop((int) $argv[2]);
        break;
}
