"""A contract's data as types of a programming language, one file for each schema.

Python comes from a kept generator. TypeScript and PHP have templates of the bus: no kept generator for them runs without npm.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from bus.contracts.codegen.php import write_php
from bus.contracts.codegen.python import GeneratedUnsafe, GeneratorMissing, write_python
from bus.contracts.codegen.typescript import write_typescript
from bus.contracts.codegen.words import describe_source
from bus.contracts.document import Contract, Kind
from bus.contracts.schemas import Schema
from bus.contracts.titles import make_type_name

__all__ = ["GeneratedUnsafe", "GeneratorMissing", "Language", "generate_models"]


class Language(StrEnum):
    """The programming language of the types."""

    PYTHON = "python"
    TYPESCRIPT = "typescript"
    PHP = "php"


def generate_models(contract: Contract, language: Language = Language.PYTHON) -> Mapping[str, str]:
    """The files for a contract version, by name. A query has one for the question and one for the answer.

    Raises:
        GeneratorMissing: Python is asked for, and the extra `codegen` is not installed.
        GeneratedUnsafe: a text of the contract became code.
    """
    stem = re.sub(r"\W", "_", contract.name)
    domain, _, noun = contract.name.partition(".")
    name = make_type_name(noun)
    if contract.kind is Kind.QUERY:
        parts = {"_request": ("Request", contract.sent), "_answer": ("Answer", contract.shown)}
    else:
        parts = {"": ("", contract.sent)}
    ending = _ENDINGS[language]
    return {
        f"{stem}{part}{ending}": _write(contract, language, schema, name + word, make_type_name(domain))
        for part, (word, schema) in parts.items()
    }


_ENDINGS = {Language.PYTHON: ".py", Language.TYPESCRIPT: ".ts", Language.PHP: ".php"}


def _write(contract: Contract, language: Language, schema: Schema, name: str, domain: str) -> str:
    source = describe_source(contract)
    match language:
        case Language.PYTHON:
            return write_python(schema, name, source)
        case Language.TYPESCRIPT:
            return write_typescript(schema, name, source)
        case Language.PHP:
            # A namespace for each file: two schemas may have an object with the same name.
            return write_php(schema, name, f"Bus\\{domain}\\{name}", source)
    assert_never(language)
