<?php

// Everything here is newer than PHP 8.1.

readonly class A
{
}

class B
{
    public function f(): true
    {
        return json_validate('x');
    }

    public function g((X&Y)|null $a): null
    {
        return null;
    }
}

trait T
{
    const X = 1;
}
