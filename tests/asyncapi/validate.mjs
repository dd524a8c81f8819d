// Parses AsyncAPI documents with the official parser and prints what it made of each, by path.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const parser = new Parser();
const found = {};
for (const path of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(readFileSync(path, "utf8"));
  const operations = document === undefined ? [] : document.operations().all();
  found[path] = {
    diagnostics: diagnostics.map(({ code, severity, message, path }) => ({ code, severity, message, path })),
    operations: Object.fromEntries(operations.map((operation) => [operation.id(), operation.action()])),
  };
}
console.log(JSON.stringify(found));
