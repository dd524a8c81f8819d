<?php

// Does with the PHP client what it reads from its input, line by line.

declare(strict_types=1);

use Lamongan\Bus\{Bus, BusError, CursorGone, Delivery, Refused, Spool, SpoolFull, Unreachable};

use function Lamongan\Bus\verifyWebhook;

require __DIR__ . '/vendor/autoload.php';

set_error_handler(fn (int $level, string $text) => throw new ErrorException($text));

class HandlerFailed extends Exception
{
}

final class Driver
{
    public array $pauses = [];
    private Bus $bus;
    private ?Spool $spool = null;
    private array $place;

    public function do(stdClass $step): mixed
    {
        return match ($step->op) {
            'open' => $this->open($step),
            'spool.reopen' => $this->reopen(),
            'publish' => $this->bus->publish($step->event),
            'publish_batch' => $this->bus->publishBatch($step->events, $step->partial ?? false),
            'feed' => $this->take($this->bus->feed($step->contract, $step->after ?? '', $step->wait ?? 0, $step->limit ?? Bus::LIMIT), $step),
            'records' => $this->take($this->bus->records($step->contract, $step->after), $step),
            'snapshot' => $this->take($this->bus->snapshot($step->contract, $step->after ?? '', $step->limit ?? Bus::LIMIT), $step),
            'copy' => $this->copy($step->contract, $step->limit),
            'count_snapshot' => $this->count($step->contract),
            'pull' => $this->bus->pull($step->subscription, $step->limit ?? Bus::MOST, $step->wait ?? 0, $step->lease ?? Bus::LEASE),
            'ack' => $this->bus->ack($step->subscription, $step->leases ?? [], $step->deliveries ?? []),
            'nack' => $this->bus->nack($step->subscription, $step->leases ?? [], $step->deliveries ?? [], $step->reason ?? '', $step->delay ?? null),
            'extend' => $this->bus->extend($step->subscription, $step->leases, $step->seconds),
            'seek' => $this->bus->seek($step->subscription, $step->to),
            'handle_each' => $this->handleEach($step),
            'ask' => $this->bus->ask($step->contract, $step->question),
            'verify_webhook' => verifyWebhook($step->secret, (array) $step->headers, $step->body),
            'spool.publish' => $this->spool->publish($step->event, $step->key ?? null),
            'spool.send' => $this->spool->send(),
            'spool.list_refused' => $this->spool->listRefused(),
            'spool.mend' => $this->spool->mend($step->number, $step->event),
            'spool.mend_as_it_was' => $this->mendAsItWas($step->number),
            'spool.drop' => $this->spool->drop($step->number),
            'spool.fill' => $this->fill($step),
        };
    }

    private function open(stdClass $step): void
    {
        $this->bus = new Bus($step->url, $step->id, $step->secret, $step->source, function (float $seconds): void {
            $this->pauses[] = $seconds;
        });
        $names = ['max_bytes' => 'maxBytes', 'max_age' => 'maxAge'];
        $this->place = ['path' => $step->spool];
        foreach ($step->options as $name => $value) {
            $this->place[$names[$name]] = $value;
        }
        $this->reopen();
    }

    private function reopen(): void
    {
        $this->spool = null;
        $this->spool = new Spool(...$this->place, bus: $this->bus);
    }

    private function take(Generator $pages, stdClass $step): array
    {
        $taken = [];
        foreach ($pages as $page) {
            $taken[] = $page;
            if (count($taken) === ($step->pages ?? 99)) {
                break;
            }
        }
        return $taken;
    }

    /** The keys of all records, as a program gets them that goes on where it stopped. */
    private function copy(string $contract, int $limit): array
    {
        [$subjects, $after] = [[], ''];
        while (true) {
            try {
                foreach ($this->bus->snapshot($contract, $after, $limit) as $page) {
                    array_push($subjects, ...array_column($page->events, 'subject'));
                    $after = $page->next;
                }
                return $subjects;
            } catch (Unreachable) {
                continue;
            }
        }
    }

    private function count(string $contract): int
    {
        $count = 0;
        foreach ($this->bus->snapshot($contract) as $page) {
            $count += count($page->events);
        }
        return $count;
    }

    private function handleEach(stdClass $step): array
    {
        [$handled, $failed] = [[], []];
        $handle = function (Delivery $delivery) use ($step, &$handled): void {
            usleep((int) (($step->takes ?? 0) * 1e6));
            if (in_array($delivery->event->id, $step->fails ?? [], true)) {
                throw new class extends HandlerFailed {
                };
            }
            $handled[] = $delivery->event->id;
        };
        $note = function (Delivery $delivery) use (&$failed): void {
            $failed[] = $delivery->event->id;
        };
        $options = array_intersect_key((array) $step, ['subscription' => 0, 'limit' => 0, 'wait' => 0, 'lease' => 0]);
        try {
            $done = $this->bus->handleEach(...$options, handle: $handle, onFailure: ($step->goes_on ?? false) ? $note : null);
            return (array) plain($done) + ['handled' => $handled, 'failed' => $failed];
        } catch (HandlerFailed) {
            return ['error' => 'HandlerFailed', 'handled' => $handled];
        }
    }

    private function mendAsItWas(int $number): void
    {
        foreach ($this->spool->listRefused() as $refused) {
            $refused->number === $number && $this->spool->mend($number, $refused->event);
        }
    }

    private function fill(stdClass $step): array
    {
        $step->event->data->fill = str_repeat('x', $step->bytes ?? 0);
        for ($count = 0; $count < $step->most; $count++) {
            try {
                $this->spool->publish($step->event);
            } catch (SpoolFull) {
                return ['filled' => true, 'count' => $count];
            }
        }
        return ['filled' => false, 'count' => $count];
    }
}

/** A value of the client as JSON, with the words of the cases. */
function plain(mixed $value): mixed
{
    if ($value instanceof BusError) {
        return (new ReflectionClass($value))->getShortName();
    }
    if (is_array($value)) {
        return array_map('plain', $value);
    }
    if (!is_object($value) || $value instanceof stdClass) {
        return $value;
    }
    $members = new stdClass();
    foreach (get_object_vars($value) as $name => $member) {
        $members->{strtolower(preg_replace('/[A-Z]/', '_$0', $name))} = plain($member);
    }
    return $members;
}

$driver = new Driver();
while (($line = fgets(STDIN)) !== false) {
    $driver->pauses = [];
    try {
        $result = plain($driver->do(json_decode($line)));
    } catch (BusError $error) {
        $result = ['error' => plain($error), 'retry_after' => $error->retryAfter ?? null];
        if ($error instanceof CursorGone) {
            $result['next'] = $error->next;
        }
        if ($error instanceof Refused) {
            foreach (['status', 'type', 'title', 'detail', 'errors'] as $name) {
                $result[$name] = plain($error->$name);
            }
        }
    }
    echo json_encode(['result' => $result, 'pauses' => $driver->pauses]), "\n";
}
