<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/**
 * Events as the client sends them: CloudEvents 1.0 in JSON.
 *
 * @internal
 */
final class Events
{
    /**
     * The event with the attributes that it lacks: `specversion`, `id`, `source`, and `time`, which is now.
     *
     * @param array<string, mixed>|object $event
     * @return array<string, mixed>
     * @throws EventInvalid it has no type or no source.
     */
    public static function complete(array|object $event, string $source): array
    {
        $event = (array) $event;
        $given = array_filter($event, fn (mixed $value, string $name) => $value !== null || $name === 'data', ARRAY_FILTER_USE_BOTH);
        $now = new \DateTimeImmutable('now', new \DateTimeZone('UTC'));
        $completed = $given + [
            'specversion' => '1.0', 'id' => self::makeId(), 'source' => $source, 'time' => $now->format('Y-m-d\TH:i:s.u\Z'),
        ];
        foreach (['type', 'source', 'id'] as $name) {
            if (!is_string($completed[$name] ?? null) || $completed[$name] === '') {
                throw new EventInvalid("The event needs the attribute $name, a text.");
            }
        }
        return $completed;
    }

    /**
     * The mended event with `id`, `source` and `time` of the refused one, unless it has its own.
     *
     * @param array<string, mixed>|object $mended
     * @return array<string, mixed>
     * @throws EventInvalid as `complete`.
     */
    public static function mend(\stdClass $refused, array|object $mended): array
    {
        $kept = ['id' => $refused->id, 'source' => $refused->source, 'time' => $refused->time];
        return self::complete((array) $mended + $kept, '');
    }

    /**
     * The key whose events stay in order: the contract with `partitionkey` or `subject`.
     *
     * Events without either are all of one key.
     *
     * @param array<string, mixed> $event
     */
    public static function findKey(array $event): string
    {
        return $event['type'] . ' ' . ($event['partitionkey'] ?? $event['subject'] ?? '');
    }

    /**
     * The value as JSON text.
     *
     * @throws EventInvalid JSON cannot hold it.
     */
    public static function writeJson(mixed $value): string
    {
        // The shortest form of a float. Some php.ini files ask for 17 digits.
        $precision = ini_set('serialize_precision', '-1');
        try {
            return json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION);
        } catch (\JsonException $error) {
            throw new EventInvalid("The data are not JSON: {$error->getMessage()}.");
        } finally {
            ini_set('serialize_precision', (string) $precision);
        }
    }

    /** A random UUID (RFC 9562, version 4). */
    private static function makeId(): string
    {
        $bytes = random_bytes(16);
        $bytes[6] = chr(ord($bytes[6]) & 0x0F | 0x40);
        $bytes[8] = chr(ord($bytes[8]) & 0x3F | 0x80);
        return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
    }
}
