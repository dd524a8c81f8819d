<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/** An event that you hold. */
final class Delivery
{
    /**
     * @param string $id names the delivery in `ack` and `nack`. An event that comes again has the same id.
     * @param int $tries how often it was pulled, with this time.
     * @param \stdClass $event the CloudEvent, as your grant shows it.
     */
    public function __construct(public readonly string $id, public readonly int $tries, public readonly \stdClass $event)
    {
    }
}

/** What you pulled. */
final class Pulled
{
    /**
     * @param string|null $lease names all of it in `ack`, `nack` and `extend`; null: there is nothing.
     * @param string|null $until when it comes again (RFC 3339); null: there is nothing.
     * @param list<Delivery> $deliveries
     */
    public function __construct(
        public readonly ?string $lease,
        public readonly ?string $until,
        public readonly array $deliveries,
    ) {
    }
}

/** What became of one lease or one delivery that you named. */
final class Settlement
{
    /**
     * @param string $name the lease's or the delivery's id.
     * @param string $result `acknowledged`, `returned` or `extended`: done. `settled`: it was done before. `ended`,
     *     `of-another`, `not-held` or `unknown`: you do not hold it.
     * @param string $detail what the result means; empty if it is done.
     */
    public function __construct(public readonly string $name, public readonly string $result, public readonly string $detail)
    {
    }
}

/** What `handleEach` did. */
final class Handled
{
    /**
     * @param int $acknowledged events that were handled. If a lease ended too early, its event comes again and is not counted.
     * @param int $returned events whose handler threw. They come again.
     */
    public function __construct(public readonly int $acknowledged, public readonly int $returned)
    {
    }
}

/**
 * What one pull holds.
 *
 * @internal
 */
final class Held
{
    /** @var list<string> ids of the deliveries that were handled. */
    public array $done = [];
    private float $leasedAt;

    public function __construct(
        private readonly Bus $bus,
        private readonly string $subscription,
        private readonly Pulled $pulled,
        private readonly float $seconds,
    ) {
        $this->leasedAt = hrtime(true) / 1e9;
    }

    /** Whether the lease goes on; it is extended when half of it is over. If it has ended, others may hold its deliveries. */
    public function stays(): bool
    {
        $now = hrtime(true) / 1e9;
        if ($now - $this->leasedAt <= $this->seconds / 2) {
            return true;
        }
        $this->leasedAt = $now;
        $results = $this->bus->extend($this->subscription, [(string) $this->pulled->lease], $this->seconds);
        return array_filter($results, fn (Settlement $one) => $one->result !== 'extended') === [];
    }

    /** The number of deliveries that never come again. */
    public function acknowledge(): int
    {
        if ($this->done === []) {
            return 0;
        }
        $results = $this->bus->ack($this->subscription, deliveries: $this->done);
        return count(array_filter($results, fn (Settlement $one) => in_array($one->result, ['acknowledged', 'settled'], true)));
    }

    /**
     * Return deliveries. The reason is the kind of the failure: its text may hold personal data.
     *
     * @param list<Delivery> $deliveries
     */
    public function giveBack(array $deliveries, \Throwable $failure, ?float $delay = null): void
    {
        if ($deliveries !== []) {
            // The name of a class without a name goes on with a NUL and a path.
            $reason = strtok((new \ReflectionClass($failure))->getShortName(), "@\0");
            $this->bus->nack($this->subscription, deliveries: array_column($deliveries, 'id'), reason: $reason, delay: $delay);
        }
    }
}
