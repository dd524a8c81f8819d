<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/**
 * The spool's file: events in SQLite, in the order in which they were published.
 *
 * Several processes may use it at once. A commit is on disk when a method returns (`synchronous=FULL`).
 *
 * @internal
 */
final class Store
{
    private const SCHEMA = [
        'PRAGMA journal_mode=WAL',
        'PRAGMA synchronous=FULL',
        'CREATE TABLE IF NOT EXISTS spool (
            number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, stored INTEGER NOT NULL, event TEXT NOT NULL, reasons TEXT
        )',
        'CREATE INDEX IF NOT EXISTS spool_refused ON spool (key) WHERE reasons IS NOT NULL',
        // The events that no earlier refused event of their key holds up.
        'CREATE VIEW IF NOT EXISTS waiting AS
            SELECT * FROM spool WHERE NOT EXISTS (
                SELECT 1 FROM spool AS refused
                WHERE refused.reasons IS NOT NULL AND refused.key = spool.key AND refused.number <= spool.number
            )',
    ];
    private const USED =
        'SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size';
    /** SQLite's codes for a write that the disk did not take: SQLITE_IOERR and SQLITE_FULL. */
    private const FULL = [10, 13];

    private readonly \PDO $database;

    public function __construct(string $path, private readonly int $maxBytes, private readonly int $maxAge)
    {
        // The events may hold personal data: nobody else on this machine reads them.
        $mask = umask(0077);
        try {
            $this->database = new \PDO("sqlite:$path", null, null, [
                \PDO::ATTR_ERRMODE => \PDO::ERRMODE_EXCEPTION, \PDO::ATTR_TIMEOUT => 30, \PDO::ATTR_DEFAULT_FETCH_MODE => \PDO::FETCH_ASSOC,
            ]);
            array_map([$this->database, 'exec'], self::SCHEMA);
        } catch (\PDOException $error) {
            throw self::translate($error);
        } finally {
            umask($mask);
        }
    }

    /** @throws SpoolFull nothing was kept. */
    public function add(string $key, string $text): void
    {
        $this->change(function () use ($key, $text): void {
            if ($this->database->query(self::USED)->fetchColumn() + strlen($text) > $this->maxBytes) {
                throw new SpoolFull("The spool has its $this->maxBytes bytes. Send or drop events first.");
            }
            $oldest = $this->database->query('SELECT stored FROM waiting ORDER BY number LIMIT 1')->fetchColumn();
            if ($oldest !== false && time() - $oldest >= $this->maxAge) {
                throw new SpoolFull("An event has waited for $this->maxAge seconds. Send events first.");
            }
            $this->execute('INSERT INTO spool (key, stored, event) VALUES (?, ?, ?)', [$key, time(), $text]);
        });
    }

    /**
     * The next events to send, at least one if there are any.
     *
     * @return list<array{number: int, key: string, event: string}>
     */
    public function readBatch(int $most, int $mostBytes): array
    {
        $rows = $this->read('SELECT number, key, event FROM waiting ORDER BY number LIMIT ?', [$most]);
        $size = 0;
        foreach ($rows as $count => $row) {
            $size += strlen($row['event']);
            if ($count > 0 && $size > $mostBytes) {
                return array_slice($rows, 0, $count);
            }
        }
        return $rows;
    }

    /**
     * Forget events that the bus has. An event that was mended meanwhile stays.
     *
     * @param list<array{number: int, key: string, event: string}> $events
     */
    public function remove(array $events): void
    {
        $this->change(function () use ($events): void {
            foreach ($events as $event) {
                $this->execute('DELETE FROM spool WHERE number = ? AND event = ?', [$event['number'], $event['event']]);
            }
        });
    }

    /**
     * Note that the bus refuses an event. It holds up later events of its key.
     *
     * @param array{number: int, key: string, event: string} $event
     * @param list<FieldError> $reasons
     */
    public function setAside(array $event, array $reasons): void
    {
        $this->change(fn () => $this->execute(
            'UPDATE spool SET reasons = ? WHERE number = ? AND event = ?',
            [Events::writeJson($reasons), $event['number'], $event['event']],
        ));
    }

    /** @return list<RefusedEvent> oldest first. */
    public function listRefused(): array
    {
        $rows = $this->read('SELECT number, event, reasons FROM spool WHERE reasons IS NOT NULL ORDER BY number', []);
        return array_map(fn (array $row) => new RefusedEvent(
            $row['number'],
            json_decode($row['event']),
            array_map(fn (\stdClass $reason) => new FieldError($reason->pointer, $reason->detail), json_decode($row['reasons'])),
        ), $rows);
    }

    /** @throws SpoolError no refused event has this number. */
    public function readRefused(int $number): RefusedEvent
    {
        foreach ($this->listRefused() as $refused) {
            if ($refused->number === $number) {
                return $refused;
            }
        }
        throw self::refuseNumber($number);
    }

    /** Put a mended event in the place of a refused one, so that it is sent next of its key. */
    public function replace(int $number, string $text): void
    {
        $sql = 'UPDATE spool SET event = ?, reasons = NULL WHERE number = ? AND reasons IS NOT NULL';
        if ($this->change(fn () => $this->execute($sql, [$text, $number])) !== 1) {
            throw self::refuseNumber($number);
        }
    }

    /** Forget a refused event. */
    public function drop(int $number): void
    {
        $sql = 'DELETE FROM spool WHERE number = ? AND reasons IS NOT NULL';
        if ($this->change(fn () => $this->execute($sql, [$number])) !== 1) {
            throw self::refuseNumber($number);
        }
    }

    /** The number of events that were not sent, without those that were set aside. */
    public function countWaiting(): int
    {
        return (int) $this->read('SELECT count(*) AS n FROM spool WHERE reasons IS NULL', [])[0]['n'];
    }

    /**
     * The rows of a query.
     *
     * @param list<mixed> $values
     * @return list<array<string, mixed>>
     */
    private function read(string $sql, array $values): array
    {
        try {
            $statement = $this->database->prepare($sql);
            $statement->execute($values);
            return $statement->fetchAll();
        } catch (\PDOException $error) {
            throw self::translate($error);
        }
    }

    /** What `$work` gives, in one transaction. */
    private function change(callable $work): mixed
    {
        $isDone = false;
        try {
            $this->database->exec('BEGIN IMMEDIATE');
            $result = $work();
            $this->database->exec('COMMIT');
            $isDone = true;
            return $result;
        } catch (\PDOException $error) {
            throw self::translate($error);
        } finally {
            if (!$isDone) {
                $this->rollBack();
            }
        }
    }

    private function rollBack(): void
    {
        try {
            $this->database->exec('ROLLBACK');
        } catch (\PDOException) {
            // SQLite has rolled back by itself, as it does when the disk is full.
        }
    }

    /** @param list<mixed> $values */
    private function execute(string $sql, array $values): int
    {
        $statement = $this->database->prepare($sql);
        $statement->execute($values);
        return $statement->rowCount();
    }

    private static function translate(\PDOException $error): SpoolError
    {
        // The lower byte is the code, the rest says which operation failed.
        if (in_array(($error->errorInfo[1] ?? 0) & 0xFF, self::FULL, true)) {
            return new SpoolFull('The disk takes no more. Make room; nothing of the spool is lost.');
        }
        return new SpoolError("The spool's file cannot be used: {$error->getMessage()}");
    }

    private static function refuseNumber(int $number): SpoolError
    {
        return new SpoolError("The spool has no refused event $number.");
    }
}
