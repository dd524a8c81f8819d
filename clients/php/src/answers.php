<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/** The bus has the event on disk. */
final class Receipt
{
    /**
     * @param int $position the event's place in the bus's journal.
     * @param bool $duplicate the bus had this event before.
     */
    public function __construct(public readonly int $position, public readonly bool $duplicate)
    {
    }
}

/** The bus has the batch on disk, except for the events in `rejected`. */
final class BatchReceipt
{
    /** @param list<RejectedEvent> $rejected */
    public function __construct(
        public readonly int $accepted,
        public readonly int $duplicates,
        public readonly int $lastPosition,
        public readonly array $rejected,
    ) {
    }
}

/** An event of a partial batch that the bus refuses. */
final class RejectedEvent
{
    /**
     * @param int $index its place in the batch, from 0.
     * @param list<FieldError> $errors
     */
    public function __construct(public readonly int $index, public readonly array $errors)
    {
    }
}

/** A page of a feed or of records. */
final class Page
{
    /**
     * @param list<\stdClass> $events CloudEvents, as your grant shows them. A record with `data` null is deleted.
     * @param string $next the cursor behind this page. Keep it, and give it as `$after`, now or next year.
     */
    public function __construct(public readonly array $events, public readonly string $next)
    {
    }
}

/**
 * An HTTP response, read to its end.
 *
 * @internal
 */
final class Response
{
    /** @param array<string, string> $headers by their names in lower case. */
    public function __construct(public readonly int $status, public readonly array $headers, private readonly string $body)
    {
    }

    /**
     * The object in a good answer.
     *
     * @throws Refused|CredentialsRefused the bus says no.
     * @throws Unreachable the bus is busy, or something else answered, such as a hotspot's login page.
     */
    public function readAnswer(): \stdClass
    {
        $document = $this->parseObject();
        if ($this->status >= 200 && $this->status < 300 && $document !== null) {
            return $document;
        }
        $isRefusal = $this->status >= 400 && $this->status < 500 && !in_array($this->status, [408, 425, 429], true);
        if ($isRefusal && isset($document->status)) {
            throw $this->makeRefusal($document);
        }
        $detail = $document->detail ?? 'This is no answer of the bus.';
        throw new Unreachable("$this->status: $detail", $this->readRetryAfter());
    }

    /**
     * The access token and its lifetime in seconds (RFC 6749, section 5).
     *
     * @return array{string, float}
     * @throws CredentialsRefused the client is unknown, or its secret is wrong.
     */
    public function readToken(): array
    {
        $error = $this->parseObject()->error ?? null;
        if (in_array($this->status, [400, 401], true) && is_string($error)) {
            throw new CredentialsRefused("$error: " . ($this->parseObject()->error_description ?? ''));
        }
        $answer = $this->readAnswer();
        $seconds = $answer->expires_in ?? 0;
        if (!is_string($answer->access_token ?? null) || !is_numeric($seconds)) {
            throw new Unreachable('The token endpoint did not answer with a token.');
        }
        return [$answer->access_token, (float) $seconds];
    }

    /**
     * The seconds that `Retry-After` asks for, in both of its forms (RFC 9110, section 10.2.3); null without it.
     *
     * A date is compared with the answer's own `Date`, since clocks in offices are often wrong.
     */
    private function readRetryAfter(): ?float
    {
        $text = $this->headers['retry-after'] ?? '';
        if (ctype_digit($text)) {
            return (float) $text;
        }
        $until = self::parseDate($text);
        return $until === null ? null : (float) max(0, $until - (self::parseDate($this->headers['date'] ?? '') ?? time()));
    }

    private static function parseDate(string $text): ?int
    {
        // strtotime also reads words and numbers, so look at the day's name first.
        $seconds = preg_match('/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/', $text) === 1 ? strtotime($text) : false;
        return $seconds === false ? null : $seconds;
    }

    private function parseObject(): ?\stdClass
    {
        $document = json_decode($this->body);
        return $document instanceof \stdClass ? $document : null;
    }

    private function makeRefusal(\stdClass $problem): BusError
    {
        $texts = array_map(fn (string $name) => (string) ($problem->$name ?? ''), ['type', 'title', 'detail']);
        if ($this->status === 401) {
            return new CredentialsRefused(trim("$texts[1] $texts[2]"));
        }
        if (in_array($texts[0], ['urn:bus:problem:cursor-gone', 'urn:bus:problem:events-gone'], true)) {
            $next = (string) ($problem->next ?? '');
            return new CursorGone($this->status, $texts[0], $texts[1], $texts[2], readErrors($problem), $next);
        }
        return new Refused($this->status, $texts[0], $texts[1], $texts[2], readErrors($problem));
    }
}

/**
 * The `errors` of a problem.
 *
 * @return list<FieldError>
 * @internal
 */
function readErrors(\stdClass $document): array
{
    $errors = is_array($document->errors ?? null) ? $document->errors : [];
    return array_map(fn (mixed $one) => new FieldError((string) ($one->pointer ?? ''), (string) ($one->detail ?? '')), $errors);
}
