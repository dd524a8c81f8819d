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
    /** Deliveries of one pull. */
    public const MOST = 100;
    /** Seconds for which a pull holds its deliveries. */
    public const LEASE = 60.0;
    private const TIMEOUT = 30;

    private readonly Session $session;

    /**
     * @param string $url the bus's address.
     * @param string $clientId from the operator, with its secret.
     * @param string $source `source` of events that have none of their own, such as `/desa/kedungpring`.
     * @param callable(float): void|null $pause waits some seconds.
     */
    public function __construct(
        string $url,
        string $clientId,
        string $clientSecret,
        public readonly string $source = '',
        ?callable $pause = null,
    ) {
        if ($url === '' || $clientId === '' || $clientSecret === '') {
            throw new \InvalidArgumentException(
                'Bus needs url, clientId and clientSecret. Are BUS_URL, BUS_CLIENT_ID and BUS_CLIENT_SECRET set?',
            );
        }
        $pause = \Closure::fromCallable($pause ?? fn (float $seconds) => usleep((int) ($seconds * 1e6)));
        $this->session = new Session(rtrim($url, '/'), $clientId, $clientSecret, $pause);
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
        return $this->session->call($answer, function (\stdClass $answer): Receipt {
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
        return $this->session->call($request, function (\stdClass $answer): BatchReceipt {
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
        return $this->readPages('/v1/feeds/' . rawurlencode($contract), 'events', $after, $wait, $limit);
    }

    /**
     * The pages of the records that changed since a cursor, each in its newest state; the last page is empty.
     *
     * @return \Generator<Page>
     */
    public function records(string $contract, string $after, int $limit = self::LIMIT): \Generator
    {
        return $this->readPages('/v1/records/' . rawurlencode($contract), 'records', $after, 0, $limit);
    }

    /**
     * The pages of all records, from one stream. Go on with `records` and the last page's `next`.
     *
     * If the line breaks, the snapshot goes on behind its last record. A record that changes meanwhile comes again; `data`
     * null deletes it. At the end the bus's count and digest are checked.
     *
     * @param string $after `next` of a page, to go on with a snapshot that your program left.
     * @param int $limit most events in a page.
     * @return \Generator<Page>
     * @throws SnapshotInvalid count or digest are wrong; drop what came.
     */
    public function snapshot(string $contract, string $after = '', int $limit = self::LIMIT): \Generator
    {
        $path = '/v1/records/' . rawurlencode($contract) . '?trailer=true&after=';
        for ($tries = 1; true; $tries++) {
            try {
                $lines = new Lines($limit);
                foreach ($this->session->stream($path . rawurlencode($after)) as $part) {
                    foreach ($lines->read($part) as $page) {
                        [$after, $tries] = [$page->next, 0];
                        yield $page;
                    }
                }
                $last = $lines->end();
                if ($last !== null) {
                    [$after, $tries] = [$last->next, 0];
                    yield $last;
                }
                if ($lines->isWhole) {
                    return;
                }
                throw new Unreachable('The stream of records broke off.');
            } catch (Unreachable $failure) {
                $this->session->rest($tries, $failure);
            }
        }
    }

    /**
     * The next events of a subscription with the sink `{"pull": true}`. You hold them until you settle them.
     *
     * @param int $limit most events, at most 1,000.
     * @param int $wait seconds (at most 60) to wait for an event.
     * @param float $lease seconds for which you hold them. What you do not settle until then comes again.
     */
    public function pull(string $subscription, int $limit = self::MOST, int $wait = 0, float $lease = self::LEASE): Pulled
    {
        $path = self::place($subscription) . "/pull?limit=$limit&wait=$wait&lease=$lease";
        return $this->session->call(['POST', $path, '', [], self::TIMEOUT + $wait], function (\stdClass $answer): Pulled {
            self::require(is_array($answer->deliveries ?? null));
            return new Pulled($answer->lease ?? null, $answer->until ?? null, array_map(function (mixed $one): Delivery {
                self::require(is_string($one->id ?? null) && is_int($one->tries ?? null) && ($one->event ?? null) instanceof \stdClass);
                return new Delivery($one->id, $one->tries, $one->event);
            }, $answer->deliveries));
        });
    }

    /**
     * Acknowledge all of a lease, or single deliveries: they never come again. Each name gets its own result.
     *
     * @param list<string> $leases
     * @param list<string> $deliveries
     * @return list<Settlement>
     */
    public function ack(string $subscription, array $leases = [], array $deliveries = []): array
    {
        return $this->settle($subscription, 'ack', ['leases' => $leases, 'deliveries' => $deliveries]);
    }

    /**
     * Return what you could not do. It comes again.
     *
     * @param list<string> $leases
     * @param list<string> $deliveries
     * @param string $reason for you and the operator; write no personal data.
     * @param float|null $delay seconds until it comes again; null: longer with each try.
     * @return list<Settlement>
     */
    public function nack(
        string $subscription,
        array $leases = [],
        array $deliveries = [],
        string $reason = '',
        ?float $delay = null,
    ): array {
        $order = ['leases' => $leases, 'deliveries' => $deliveries, 'reason' => $reason, 'delay' => $delay];
        return $this->settle($subscription, 'nack', $order);
    }

    /**
     * Hold leases for longer: so many seconds from now.
     *
     * @param list<string> $leases
     * @return list<Settlement>
     */
    public function extend(string $subscription, array $leases, float $seconds): array
    {
        return $this->settle($subscription, 'extend', ['leases' => $leases, 'seconds' => $seconds]);
    }

    /**
     * Have a subscription go on from elsewhere. Events from there come again; what is owed before is given up.
     *
     * @param string|int $to a position, a time (RFC 3339), or `beginning`.
     * @throws Refused an earlier seek is still under way (409), or another reason.
     */
    public function seek(string $subscription, string|int $to): void
    {
        $order = Events::writeJson(['to' => $to]);
        $this->session->call($this->post(self::place($subscription) . '/seek', $order, 'application/json'), fn () => null);
    }

    /**
     * Pull, handle and acknowledge, until nothing is due. If `$handle` throws, its event is returned and comes again.
     *
     * The lease is extended while earlier events are handled. An event may come twice, with the same `id` of its delivery.
     *
     * @param callable(Delivery): mixed $handle it has to end within half of the lease.
     * @param int $limit most events of one pull; they are acknowledged together. 1: each by itself.
     * @param int $wait 0: end when nothing is due. Else wait so many seconds (at most 60) for each event, and never end.
     * @param callable(Delivery, \Throwable): mixed|null $onFailure is told of what `$handle` threw, and the loop goes on.
     *     Null: the loop ends with it.
     */
    public function handleEach(
        string $subscription,
        callable $handle,
        int $limit = self::MOST,
        int $wait = 0,
        float $lease = self::LEASE,
        ?callable $onFailure = null,
    ): Handled {
        [$acknowledged, $returned] = [0, 0];
        do {
            $pulled = $this->pull($subscription, $limit, $wait, $lease);
            $held = new Held($this, $subscription, $pulled, $lease);
            foreach ($pulled->deliveries as $index => $delivery) {
                if (!$held->stays()) {
                    break;
                }
                try {
                    $handle($delivery);
                    $held->done[] = $delivery->id;
                } catch (\Throwable $failure) {
                    $returned++;
                    $onFailure === null || $onFailure($delivery, $failure);
                    $held->giveBack([$delivery], $failure);
                    if ($onFailure === null) {
                        $held->acknowledge();
                        $held->giveBack(array_slice($pulled->deliveries, $index + 1), $failure, 0);
                        throw $failure;
                    }
                }
            }
            $acknowledged += $held->acknowledge();
        } while ($pulled->deliveries !== [] || $wait > 0);
        return new Handled($acknowledged, $returned);
    }

    /**
     * The answer to a question, live from an agency.
     *
     * @param array<string, mixed>|object $question
     */
    public function ask(string $contract, array|object $question): \stdClass
    {
        $request = $this->post('/v1/queries/' . rawurlencode($contract), Events::writeJson((object) $question), 'application/json');
        return $this->session->call($request, fn (\stdClass $answer) => $answer);
    }

    /** @return \Generator<Page> */
    private function readPages(string $path, string $member, string $after, int $wait, int $limit): \Generator
    {
        do {
            $query = "?limit=$limit&after=" . rawurlencode($after) . ($wait > 0 ? "&wait=$wait" : '');
            $request = ['GET', $path . $query, null, [], self::TIMEOUT + $wait];
            $page = $this->session->call($request, function (\stdClass $answer) use ($member): Page {
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
     * Send an order on what is held, and read what became of each name.
     *
     * @param array<string, mixed> $order
     * @return list<Settlement>
     */
    private function settle(string $subscription, string $what, array $order): array
    {
        $request = $this->post(self::place($subscription) . "/$what", Events::writeJson($order), 'application/json');
        return $this->session->call($request, function (\stdClass $answer): array {
            self::require(is_array($answer->results ?? null));
            return array_map(function (mixed $one): Settlement {
                $name = $one->lease ?? $one->delivery ?? null;
                self::require(is_string($name) && is_string($one->result ?? null));
                return new Settlement($name, $one->result, $one->detail ?? '');
            }, $answer->results);
        });
    }

    private static function place(string $subscription): string
    {
        return '/v1/subscriptions/' . rawurlencode($subscription);
    }

    private static function require(bool $isRight): void
    {
        if (!$isRight) {
            throw new Unreachable("The answer has not the shape of the bus's answers.");
        }
    }
}
