<?php

declare(strict_types=1);

namespace Lamongan\Bus;

/**
 * One HTTP request whose answer is read as it comes. It has a connection of its own, so that others can be sent meanwhile.
 *
 * @internal
 */
final class Transfer
{
    private readonly \CurlHandle $curl;
    private readonly \CurlMultiHandle $transfers;
    /** @var array<string, string> by their names in lower case. */
    private array $fields = [];
    private string $received = '';
    private bool $isOver = false;
    private bool $isGood = false;

    /**
     * @param array<int, mixed> $options of curl.
     */
    public function __construct(array $options)
    {
        $this->curl = curl_init();
        curl_setopt_array($this->curl, [
            CURLOPT_RETURNTRANSFER => false,
            CURLOPT_HEADERFUNCTION => $this->readField(...),
            CURLOPT_WRITEFUNCTION => $this->readPart(...),
        ] + $options);
        $this->transfers = curl_multi_init();
        curl_multi_add_handle($this->transfers, $this->curl);
    }

    /** End it, also in the middle of its answer. */
    public function close(): void
    {
        curl_multi_remove_handle($this->transfers, $this->curl);
        curl_multi_close($this->transfers);
    }

    /** The status, when the first part is there; 0: no answer came. */
    public function readStatus(): int
    {
        while (!$this->isOver && $this->received === '') {
            $this->go();
        }
        return curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE);
    }

    /** Whether the answer is a stream of records. */
    public function isStream(): bool
    {
        return $this->readStatus() === 200 && str_starts_with($this->fields['content-type'] ?? '', Lines::NDJSON);
    }

    /**
     * The parts of the answer, also if the line breaks.
     *
     * @return \Generator<string>
     */
    public function readParts(): \Generator
    {
        while (!$this->isOver || $this->received !== '') {
            if ($this->received === '') {
                $this->go();
                continue;
            }
            $part = $this->received;
            $this->received = '';
            yield $part;
        }
    }

    /**
     * The whole answer.
     *
     * @throws Unreachable no whole answer came.
     */
    public function readWhole(): Response
    {
        $text = implode('', iterator_to_array($this->readParts(), false));
        if (!$this->isGood) {
            throw new Unreachable('The connection to the bus broke.');
        }
        return new Response(curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE), $this->fields, $text);
    }

    /** Wait for more, at most for a second. */
    private function go(): void
    {
        curl_multi_exec($this->transfers, $running);
        if ($running > 0) {
            // 0 at once while a name is looked up: without the pause this would spin.
            $this->received === '' && curl_multi_select($this->transfers) <= 0 && usleep(1000);
            return;
        }
        $this->isOver = true;
        $this->isGood = (curl_multi_info_read($this->transfers)['result'] ?? null) === CURLE_OK;
    }

    private function readField(\CurlHandle $curl, string $line): int
    {
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        $this->fields[strtolower($name)] = trim($value);
        return strlen($line);
    }

    private function readPart(\CurlHandle $curl, string $part): int
    {
        $this->received .= $part;
        return strlen($part);
    }
}
