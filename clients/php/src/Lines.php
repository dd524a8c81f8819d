<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/**
 * The records in the lines of one stream, and the check of its trailer. A damaged stream never looks whole.
 *
 * @internal
 */
final class Lines
{
    /** The media type of the stream. */
    public const NDJSON = 'application/x-ndjson';
    /** Bytes in a page. With a bound on events alone, a page of large events could take a gigabyte. */
    private const MOST_BYTES = 4 * 1024 * 1024;

    /** Whether the trailer was read, and counts and hashes the lines before it. */
    public bool $isWhole = false;
    private string $rest = '';
    /** @var list<\stdClass> */
    private array $events = [];
    private int $bytes = 0;
    private int $count = 0;
    private readonly \HashContext $digest;
    private string $next = '';

    public function __construct(private readonly int $limit)
    {
        $this->digest = hash_init('sha256');
    }

    /**
     * The full pages, after another part of the stream.
     *
     * @return \Generator<Page>
     * @throws SnapshotInvalid the stream is not what the bus sent.
     */
    public function read(string $part): \Generator
    {
        $lines = explode("\n", $part);
        $lines[0] = $this->rest . $lines[0];
        $this->rest = array_pop($lines);
        foreach ($lines as $line) {
            $this->add($line);
            if (count($this->events) >= $this->limit || $this->bytes >= self::MOST_BYTES) {
                yield $this->take();
            }
        }
    }

    /** The last page, at the end of the stream; null: the stream broke off, and there is nothing new. */
    public function end(): ?Page
    {
        return $this->events !== [] || $this->isWhole ? $this->take() : null;
    }

    private function take(): Page
    {
        $page = new Page($this->events, $this->next);
        [$this->events, $this->bytes] = [[], 0];
        return $page;
    }

    private function add(string $line): void
    {
        $event = json_decode($line);
        $next = isset($event->specversion) ? ($event->sequence ?? null) : ($event->next ?? null);
        if ($this->isWhole || !$event instanceof \stdClass || !is_string($next)) {
            throw new SnapshotInvalid('A line of the snapshot is no record.');
        }
        if (isset($event->specversion)) {
            hash_update($this->digest, "$line\n");
            $this->count++;
            $this->bytes += strlen($line);
            $this->events[] = $event;
        } else {
            $this->checkTrailer($event);
        }
        $this->next = $next;
    }

    private function checkTrailer(\stdClass $trailer): void
    {
        $right = [$this->count, 'sha256:' . hash_final($this->digest)];
        if ([$trailer->count ?? null, $trailer->digest ?? null] !== $right) {
            throw new SnapshotInvalid("The snapshot has $this->count records, and its trailer names others.");
        }
        $this->isWhole = true;
    }
}
