<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/** What became of the spool's events. */
final class Report
{
    /**
     * @param int $sent events that the bus has now.
     * @param int $refused events that it refused; see `Spool::listRefused`.
     * @param int $waiting events that are still to be sent.
     * @param BusError|null $error why sending stopped; null: everything that could be sent is sent.
     */
    public function __construct(
        public readonly int $sent,
        public readonly int $refused,
        public readonly int $waiting,
        public readonly ?BusError $error,
    ) {
    }
}

/** An event that the bus refused. It waits in the spool until you mend or drop it. */
final class RefusedEvent
{
    /**
     * @param int $number names it in `mend` and `drop`.
     * @param list<FieldError> $reasons what the bus found wrong, with pointers into the event.
     */
    public function __construct(public readonly int $number, public readonly \stdClass $event, public readonly array $reasons)
    {
    }
}

/**
 * Keeps events in a file until the bus has them, for lines that are often down.
 *
 * Publish from any process; send from a timer, such as cron each minute.
 */
final class Spool
{
    /** Events in a batch. */
    private const MOST = 100;
    /** Bytes in a batch. A slow line breaks off a longer request too often. */
    private const MOST_BYTES = 128 * 1024;
    /** Problems of the client and its settings: no event is to blame. */
    private const ABOUT_CLIENT = ['urn:bus:problem:scope-missing', 'urn:bus:problem:not-found'];

    private readonly Store $store;

    /**
     * @param string $path the file, on a local disk.
     * @param int $maxBytes at most so many bytes wait.
     * @param int $maxAge seconds. If an event waited so long, `publish` throws `SpoolFull`. Set-aside events do not count.
     * @throws SpoolError the file cannot be opened.
     */
    public function __construct(string $path, private readonly Bus $bus, int $maxBytes = 67108864, int $maxAge = 2592000)
    {
        $this->store = new Store($path, $maxBytes, $maxAge);
    }

    /**
     * Keep an event on disk; its id. Its `time` is now, unless it has one.
     *
     * @param array<string, mixed>|object $event
     * @param string|null $key events of one key stay in order. Null: the contract with `partitionkey` or `subject`.
     * @throws EventInvalid nothing was kept.
     * @throws SpoolFull nothing was kept; send events first, or make room on the disk.
     */
    public function publish(array|object $event, ?string $key = null): string
    {
        $completed = Events::complete($event, $this->bus->source);
        $this->store->add($key ?? Events::findKey($completed), Events::writeJson($completed));
        return $completed['id'];
    }

    /**
     * Send what waits, in order for each key. A bad line is in the report; the events stay, and the next call goes on.
     *
     * A batch is taken whole or not at all. So no event overtakes an earlier one of its key that the bus refuses.
     *
     * @throws SpoolFull the disk is full. The bus may have the events; the file keeps them until there is room.
     */
    public function send(): Report
    {
        [$sent, $refused, $error, $most] = [0, 0, null, self::MOST];
        while ($error === null && ($batch = $this->store->readBatch($most, self::MOST_BYTES)) !== []) {
            try {
                $this->bus->publishTexts(array_column($batch, 'event'), false);
                $this->store->remove($batch);
                $sent += count($batch);
                $most = min(self::MOST, $most * 2);
            } catch (Unreachable | CredentialsRefused $failure) {
                $error = $failure;
            } catch (Refused $refusal) {
                $faults = self::findFaults($refusal, $batch);
                if (in_array($refusal->type, self::ABOUT_CLIENT, true)) {
                    $error = $refusal;
                } elseif ($faults === []) {
                    $most = intdiv(count($batch), 2);
                } else {
                    array_walk($faults, fn (array $fault) => $this->store->setAside(...$fault));
                    $refused += count($faults);
                }
            }
        }
        return new Report($sent, $refused, $this->store->countWaiting(), $error);
    }

    /**
     * The events that the bus refused. Each holds up the later ones of its key.
     *
     * @return list<RefusedEvent>
     */
    public function listRefused(): array
    {
        return $this->store->listRefused();
    }

    /**
     * Put a mended event in the place of a refused one. It keeps `id`, `source` and `time` unless it has its own.
     *
     * @param array<string, mixed>|object $event
     * @throws EventInvalid the mended event cannot be sent either.
     * @throws SpoolError no refused event has this number.
     */
    public function mend(int $number, array|object $event): void
    {
        $refused = $this->store->readRefused($number);
        $this->store->replace($number, Events::writeJson(Events::mend($refused->event, $event)));
    }

    /**
     * Forget a refused event.
     *
     * @throws SpoolError no refused event has this number.
     */
    public function drop(int $number): void
    {
        $this->store->drop($number);
    }

    /**
     * The first event of each key that the bus refuses, with the reasons. Empty: the refusal names no event of several.
     *
     * @param list<array{number: int, key: string, event: string}> $batch
     * @return list<array{array{number: int, key: string, event: string}, list<FieldError>}>
     */
    private static function findFaults(Refused $refusal, array $batch): array
    {
        $reasons = [];
        foreach ($refusal->errors as $error) {
            if (preg_match('~^/(\d+)(/.*)?$~Ds', $error->pointer, $place) === 1 && isset($batch[$place[1]])) {
                $reasons[(int) $place[1]][] = new FieldError($place[2] ?? '', $error->detail);
            }
        }
        if ($reasons === [] && count($batch) === 1) {
            $reasons[0] = [new FieldError('', $refusal->detail ?: $refusal->title)];
        }
        ksort($reasons);
        $first = [];
        foreach ($reasons as $index => $errors) {
            $first[$batch[$index]['key']] ??= [$batch[$index], $errors];
        }
        return array_values($first);
    }
}
