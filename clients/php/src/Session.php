<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/**
 * What one client says to the bus: with a token, which is renewed, and again while the bus is away or busy.
 *
 * @internal
 */
final class Session
{
    private const TRIES = 5;
    private const FIRST_PAUSE = 0.5;
    /** Seconds. A longer `Retry-After` is told to the caller instead. */
    private const LONGEST_PAUSE = 60;
    private const TIMEOUT = 30;
    /** Seconds before its end at which a token is renewed. */
    private const MARGIN = 30;

    private readonly \CurlHandle $curl;
    private string $token = '';
    private float $renewAt = 0;

    public function __construct(
        private readonly string $url,
        private readonly string $clientId,
        private readonly string $clientSecret,
        private readonly \Closure $pause,
    ) {
        $this->curl = curl_init();
    }

    /**
     * What `$read` makes of the answer. Every request is safe to repeat: an event is known by its id.
     *
     * @template T
     * @param array{string, string, string|null, list<string>, int} $request
     * @param callable(\stdClass): T $read
     * @return T
     */
    public function call(array $request, callable $read): mixed
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
                $this->rest($tries, $failure);
            }
        }
    }

    /**
     * The parts of a stream of records.
     *
     * @return \Generator<string>
     */
    public function stream(string $path): \Generator
    {
        $transfer = null;
        try {
            do {
                $isRenewed = $transfer !== null;
                $transfer?->close();
                $headers = ['Accept: ' . Lines::NDJSON, 'Authorization: Bearer ' . $this->authorise()];
                $transfer = new Transfer($this->choose('GET', $path, null, $headers, self::TIMEOUT));
                $isStale = $transfer->readStatus() === 401 && !$isRenewed;
                $isStale && $this->token = '';
            } while ($isStale);
            if (!$transfer->isStream()) {
                $transfer->readWhole()->readAnswer();
                throw new Unreachable('The answer is no stream of records.');
            }
            yield from $transfer->readParts();
        } finally {
            $transfer?->close();
        }
    }

    /**
     * Pause before the next try.
     *
     * @throws Unreachable there is no next try.
     */
    public function rest(int $tries, Unreachable $failure): void
    {
        ($this->pause)($this->choosePause($tries, $failure));
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
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_HEADERFUNCTION => function (\CurlHandle $curl, string $line) use (&$fields): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $fields[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ] + $this->choose($method, $path, $body, $headers, $timeout));
        $text = curl_exec($this->curl);
        if (!is_string($text)) {
            throw new Unreachable('The connection to the bus broke.');
        }
        return new Response(curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE), $fields, $text);
    }

    /**
     * The options of curl for a request.
     *
     * @param list<string> $headers
     * @return array<int, mixed>
     */
    private function choose(string $method, string $path, ?string $body, array $headers, int $timeout): array
    {
        return [
            CURLOPT_URL => $this->url . $path,
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => [...$headers, 'Expect:'],
            CURLOPT_CONNECTTIMEOUT => self::TIMEOUT,
            CURLOPT_LOW_SPEED_LIMIT => 1,
            CURLOPT_LOW_SPEED_TIME => $timeout,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_ENCODING => '',
        ] + ($body === null ? [] : [CURLOPT_POSTFIELDS => $body]);
    }
}
