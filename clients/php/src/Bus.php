<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/**
 * One client of the bus. It renews its token, and tries again while the bus is away or busy.
 *
 * Every method that asks the bus throws Refused, CredentialsRefused or Unreachable.
 */
final class Bus
{
    /** Events in a page. */
    public const LIMIT = 1000;
    private const TRIES = 5;
    private const FIRST_PAUSE = 0.5;
    /** Seconds. A longer `Retry-After` is told to the caller instead. */
    private const LONGEST_PAUSE = 60;
    private const TIMEOUT = 30;
    /** Seconds before its end at which a token is renewed. */
    private const MARGIN = 30;

    private readonly \CurlHandle $curl;
    private readonly \Closure $pause;
    private string $token = '';
    private float $renewAt = 0;

    /**
     * @param string $url the bus's address.
     * @param string $clientId from the operator, with its secret.
     * @param string $source `source` of events that have none of their own, such as `/desa/kedungpring`.
     * @param callable(float): void|null $pause waits some seconds.
     */
    public function __construct(
        private readonly string $url,
        private readonly string $clientId,
        private readonly string $clientSecret,
        public readonly string $source = '',
        ?callable $pause = null,
    ) {
        if ($url === '' || $clientId === '' || $clientSecret === '') {
            throw new \InvalidArgumentException(
                'Bus needs url, clientId and clientSecret. Are BUS_URL, BUS_CLIENT_ID and BUS_CLIENT_SECRET set?',
            );
        }
        $this->curl = curl_init();
        $this->pause = \Closure::fromCallable($pause ?? fn (float $seconds) => usleep((int) ($seconds * 1e6)));
    }

    /**
     * Publish one event. It is on the bus's disk when the call returns. To send it again changes nothing.
     *
     * @param array<string, mixed>|object $event a CloudEvent. `id`, `time` and `source` are added if it lacks them.
     *     An empty object in `data` is `new \stdClass()`; an empty array is a list.
     * @throws EventInvalid
     */
    public function publish(array|object $event): Receipt
    {
        $text = Events::writeJson(Events::complete($event, $this->source));
        $answer = $this->post('/v1/events', $text, 'application/cloudevents+json');
        return $this->call($answer, function (\stdClass $answer): Receipt {
            self::require(is_int($answer->position ?? null) && is_bool($answer->duplicate ?? null));
            return new Receipt($answer->position, $answer->duplicate);
        });
    }

    /**
     * Publish up to 1,000 events at once: all of them, or none.
     *
     * @param list<array<string, mixed>|object> $events
     * @param bool $partial take the good ones; the receipt has the others.
     * @throws EventInvalid
     */
    public function publishBatch(array $events, bool $partial = false): BatchReceipt
    {
        $texts = array_map(fn (array|object $event) => Events::writeJson(Events::complete($event, $this->source)), $events);
        return $this->publishTexts($texts, $partial);
    }

    /**
     * Publish a batch of events that are JSON already.
     *
     * @param list<string> $texts
     * @internal
     */
    public function publishTexts(array $texts, bool $partial): BatchReceipt
    {
        $path = '/v1/events' . ($partial ? '?partial=true' : '');
        $request = $this->post($path, '[' . implode(',', $texts) . ']', 'application/cloudevents-batch+json');
        return $this->call($request, function (\stdClass $answer): BatchReceipt {
            $numbers = [$answer->accepted ?? null, $answer->duplicates ?? null, $answer->last_position ?? null];
            self::require(array_filter($numbers, 'is_int') === $numbers && is_array($answer->rejected ?? null));
            $rejected = array_map(fn (\stdClass $one) => new RejectedEvent($one->index, readErrors($one)), $answer->rejected);
            return new BatchReceipt($numbers[0], $numbers[1], $numbers[2], $rejected);
        });
    }

    /**
     * The pages of a contract's events, in order.
     *
     * @param string $after the cursor to go on from; empty: the beginning.
     * @param int $wait 0: end with the first empty page. Else wait so many seconds (at most 60) for each page, and never end.
     * @param int $limit most events in a page, at most 1,000. Small pages are for bad lines.
     * @return \Generator<Page>
     */
    public function feed(string $contract, string $after = '', int $wait = 0, int $limit = self::LIMIT): \Generator
    {
        return $this->readPages("/v1/feeds/$contract", 'events', $after, $wait, $limit);
    }

    /**
     * The pages of the records that changed since a cursor, each in its newest state; the last page is empty.
     *
     * @return \Generator<Page>
     */
    public function records(string $contract, string $after, int $limit = self::LIMIT): \Generator
    {
        return $this->readPages("/v1/records/$contract", 'records', $after, 0, $limit);
    }

    /**
     * The pages of all records. Go on with `records` and the last page's `next`.
     *
     * A record that changes meanwhile comes again; `data` null deletes it.
     *
     * @return \Generator<Page>
     */
    public function snapshot(string $contract, int $limit = self::LIMIT): \Generator
    {
        return $this->records($contract, '', $limit);
    }

    /**
     * The answer to a question, live from an agency.
     *
     * @param array<string, mixed>|object $question
     */
    public function ask(string $contract, array|object $question): \stdClass
    {
        $request = $this->post("/v1/queries/$contract", Events::writeJson((object) $question), 'application/json');
        return $this->call($request, fn (\stdClass $answer) => $answer);
    }

    /** @return \Generator<Page> */
    private function readPages(string $path, string $member, string $after, int $wait, int $limit): \Generator
    {
        do {
            $query = "?limit=$limit&after=" . rawurlencode($after) . ($wait > 0 ? "&wait=$wait" : '');
            $request = ['GET', $path . $query, null, [], self::TIMEOUT + $wait];
            $page = $this->call($request, function (\stdClass $answer) use ($member): Page {
                self::require(is_array($answer->$member ?? null) && is_string($answer->next ?? null));
                return new Page($answer->$member, $answer->next);
            });
            yield $page;
            $after = $page->next;
        } while ($page->events !== [] || $wait > 0);
    }

    /** @return array{string, string, string, list<string>, int} */
    private function post(string $path, string $body, string $contentType): array
    {
        return ['POST', $path, $body, ["Content-Type: $contentType"], self::TIMEOUT];
    }

    /**
     * What `$read` makes of the answer. Every request is safe to repeat: an event is known by its id.
     *
     * @template T
     * @param array{string, string, string|null, list<string>, int} $request
     * @param callable(\stdClass): T $read
     * @return T
     */
    private function call(array $request, callable $read): mixed
    {
        [$method, $path, $body, $headers, $timeout] = $request;
        $isRenewed = false;
        for ($tries = 1; true; $tries++) {
            try {
                $authorised = [...$headers, 'Authorization: Bearer ' . $this->authorise()];
                $response = $this->send($method, $path, $body, $authorised, $timeout);
                if ($response->status === 401 && !$isRenewed) {
                    [$isRenewed, $this->token] = [true, ''];
                    $tries--;
                    continue;
                }
                return $read($response->readAnswer());
            } catch (Unreachable $failure) {
                ($this->pause)($this->choosePause($tries, $failure));
            }
        }
    }

    /**
     * Seconds before the next try.
     *
     * Full jitter after Brooker, "Exponential Backoff And Jitter" (2015), so that apps which failed together spread out.
     *
     * @throws Unreachable there is no next try.
     */
    private function choosePause(int $tries, Unreachable $failure): float
    {
        if ($tries >= self::TRIES || $failure->retryAfter > self::LONGEST_PAUSE) {
            throw $failure;
        }
        $most = min(self::LONGEST_PAUSE, self::FIRST_PAUSE * 2 ** $tries);
        return $failure->retryAfter ?? $most * random_int(0, 1000) / 1000;
    }

    /** A token that lasts long enough for a request. */
    private function authorise(): string
    {
        $askedAt = hrtime(true) / 1e9;
        if ($this->token === '' || $askedAt >= $this->renewAt) {
            $pair = rawurlencode($this->clientId) . ':' . rawurlencode($this->clientSecret);
            $headers = ['Authorization: Basic ' . base64_encode($pair), 'Content-Type: application/x-www-form-urlencoded'];
            $response = $this->send('POST', '/oauth/token', 'grant_type=client_credentials', $headers, self::TIMEOUT);
            [$this->token, $seconds] = $response->readToken();
            $this->renewAt = $askedAt + $seconds - self::MARGIN;
        }
        return $this->token;
    }

    /**
     * Send one request.
     *
     * @param list<string> $headers
     * @param int $timeout seconds without a byte after which the request has failed.
     * @throws Unreachable no whole answer came.
     */
    private function send(string $method, string $path, ?string $body, array $headers, int $timeout): Response
    {
        $fields = [];
        curl_reset($this->curl);
        curl_setopt_array($this->curl, [
            CURLOPT_URL => rtrim($this->url, '/') . $path,
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => [...$headers, 'Expect:'],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_CONNECTTIMEOUT => self::TIMEOUT,
            CURLOPT_LOW_SPEED_LIMIT => 1,
            CURLOPT_LOW_SPEED_TIME => $timeout,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_ENCODING => '',
            CURLOPT_HEADERFUNCTION => function (\CurlHandle $curl, string $line) use (&$fields): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $fields[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ] + ($body === null ? [] : [CURLOPT_POSTFIELDS => $body]));
        $text = curl_exec($this->curl);
        if (!is_string($text)) {
            throw new Unreachable('The connection to the bus broke.');
        }
        return new Response(curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE), $fields, $text);
    }

    private static function require(bool $isRight): void
    {
        if (!$isRight) {
            throw new Unreachable("The answer has not the shape of the bus's answers.");
        }
    }
}
