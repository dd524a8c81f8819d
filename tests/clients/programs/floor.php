<?php

// Prints what in the files named on the command line is newer than PHP 8.1, one finding a line.

declare(strict_types=1);

use PhpParser\{Node, NodeTraverser, NodeVisitorAbstract, ParserFactory};

require 'PhpParser/autoload.php';

/** Functions that came with PHP 8.2 and later. */
const NEWER = [
    'array_all', 'array_any', 'array_find', 'array_find_key', 'array_first', 'array_last', 'curl_upkeep', 'ini_parse_quantity', 'json_validate',
    'libxml_get_external_entity_loader', 'mb_ltrim', 'mb_rtrim', 'mb_str_pad', 'mb_trim', 'mb_lcfirst', 'mb_ucfirst', 'memory_reset_peak_usage',
    'mysqli_execute_query', 'odbc_connection_string_quote', 'openssl_cipher_key_length', 'posix_eaccess', 'posix_fpathconf',
    'posix_pathconf', 'posix_sysconf', 'request_parse_body', 'sodium_crypto_stream_xchacha20_xor_ic', 'str_decrement', 'str_increment',
    'stream_context_set_options',
];

final class Floor extends NodeVisitorAbstract
{
    public array $found = [];

    public function enterNode(Node $node): void
    {
        match (true) {
            $node instanceof Node\Stmt\Class_ && $node->isReadonly() => $this->note($node, 'readonly class'),
            $node instanceof Node\Stmt\ClassConst && ($node->type ?? null) !== null => $this->note($node, 'typed constant'),
            $node instanceof Node\Stmt\Trait_ => array_map(
                fn (Node $one) => $one instanceof Node\Stmt\ClassConst && $this->note($one, 'constant in a trait'), $node->stmts),
            $node instanceof Node\FunctionLike => $this->checkType($node, $node->getReturnType()),
            $node instanceof Node\Param, $node instanceof Node\Stmt\Property => $this->checkType($node, $node->type),
            $node instanceof Node\Expr\FuncCall && $node->name instanceof Node\Name && in_array((string) $node->name, NEWER, true)
                => $this->note($node, (string) $node->name),
            default => null,
        };
    }

    private function checkType(Node $node, mixed $type): void
    {
        if ($type instanceof Node\Identifier && in_array($type->toLowerString(), ['null', 'false', 'true'], true)) {
            $this->note($node, "type $type");
        }
        foreach ($type instanceof Node\UnionType ? $type->types : [] as $part) {
            if ($part instanceof Node\IntersectionType || strtolower((string) $part) === 'true') {
                $this->note($node, 'type of PHP 8.2');
            }
        }
    }

    private function note(Node $node, string $what): void
    {
        $this->found[] = "line {$node->getStartLine()}: $what";
    }
}

$parser = (new ParserFactory())->create(ParserFactory::ONLY_PHP7);
foreach (array_slice($argv, 1) as $file) {
    $floor = new Floor();
    $traverser = new NodeTraverser();
    $traverser->addVisitor($floor);
    $traverser->traverse($parser->parse(file_get_contents($file)));
    foreach ($floor->found as $finding) {
        echo "$file $finding\n";
    }
}
