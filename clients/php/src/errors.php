<?php

declare(strict_types=1);

/*
 * The errors of the client, one class for each thing that its user can do.
 *
 * BusError
 * ├── EventInvalid          mend the event; nothing was sent
 * ├── Refused               mend what `errors` points at
 * │   └── CursorGone        go on with `next`; if it is empty, read all records and replace your copy
 * ├── CredentialsRefused    check the client's id and secret
 * ├── Unreachable           try again later
 * ├── SnapshotInvalid       drop what came of the snapshot, and begin again
 * ├── SignatureInvalid      answer the webhook with 401
 * └── SpoolError            look at the spool's file
 *     └── SpoolFull         make room, or get a line
 */

namespace Lamongan\Bus;

/** One mistake and its place. */
final class FieldError
{
    /**
     * @param string $pointer JSON Pointer (RFC 6901) into the event; empty: the event as a whole.
     * @param string $detail what is wrong. It never holds the value.
     */
    public function __construct(public readonly string $pointer, public readonly string $detail)
    {
    }
}

/** The base of all errors of this client. */
class BusError extends \RuntimeException
{
}

/** The event cannot be sent: it has no type or source, or its data are not JSON. */
final class EventInvalid extends BusError
{
}

/** The bus refuses the request, and would refuse the same request again (RFC 9457). */
class Refused extends BusError
{
    /**
     * @param int $status the HTTP status.
     * @param string $type the problem's type, such as `urn:bus:problem:data-invalid`.
     * @param list<FieldError> $errors each mistake with its place.
     */
    public function __construct(
        public readonly int $status,
        public readonly string $type,
        public readonly string $title,
        public readonly string $detail,
        public readonly array $errors,
    ) {
        $places = array_map(fn (FieldError $error) => trim("$error->pointer $error->detail"), $errors);
        parent::__construct(trim("$status $title " . (implode('; ', $places) ?: $detail)));
    }
}

/**
 * What stood behind the cursor is gone: the contract keeps events no longer, or the bus was restored.
 */
final class CursorGone extends Refused
{
    /**
     * @param list<FieldError> $errors
     * @param string $next goes on with what is there; empty: read all records from the beginning, and replace your copy with them.
     */
    public function __construct(int $status, string $type, string $title, string $detail, array $errors, public readonly string $next)
    {
        parent::__construct($status, $type, $title, $detail, $errors);
    }
}

/** The bus does not accept the client's id and secret. */
final class CredentialsRefused extends BusError
{
}

/** No answer of the bus came, or the bus is busy. The request may have arrived; the same request is safe later. */
final class Unreachable extends BusError
{
    /** @param float|null $retryAfter seconds that the bus wants its caller to wait; null: it did not say. */
    public function __construct(string $detail, public readonly ?float $retryAfter = null)
    {
        parent::__construct($detail);
    }
}

/** The snapshot is not what the bus sent: something on the way changed it, or lost a part of it. */
final class SnapshotInvalid extends BusError
{
}

/** The bus did not sign this webhook, or signed it too long ago. */
final class SignatureInvalid extends BusError
{
}

/** The spool's file cannot be read or written. */
class SpoolError extends BusError
{
}

/** The spool takes no more events: it has its size or age, or the disk is full. */
final class SpoolFull extends SpoolError
{
}
