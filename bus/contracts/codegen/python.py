"""Python models of a contract's data, made by datamodel-code-generator: pydantic v2.

Models say what typing can say. What it cannot (conditions, dependencies, formats of our own) the gate still checks.
"""

import ast
import warnings
from typing import Final

from bus import json
from bus.contracts.flat import flatten
from bus.contracts.schemas import Schema, subschemas
from bus.contracts.titles import name_objects
from bus.problem import Refused
from bus.texts import escape_unseen_in_lines

_WORDS: Final = frozenset(
    {
        *("$ref", "$defs", "title", "description", "examples", "deprecated", "readOnly", "writeOnly"),
        *("type", "enum", "const", "format", "pattern", "multipleOf", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
        *("properties", "patternProperties", "additionalProperties", "propertyNames", "required"),
        *("minProperties", "maxProperties", "allOf", "anyOf", "oneOf"),
    }
)
"""Keywords that become types. The generator has keywords of its own, such as modules to import: a schema may not use them.

`default` is left out: a model would add members to data that are read and written again.
"""
_DECLARATIONS: Final = (ast.ImportFrom, ast.ClassDef, ast.AnnAssign, ast.Assign, ast.Expr, ast.Pass)
_MODULES: Final = frozenset(
    {"__future__", "typing", "enum", "datetime", "decimal", "uuid", "ipaddress", "pydantic", "collections.abc"}
)
_CALLS: Final = frozenset(
    {"ConfigDict", "Field", "StringConstraints", "RootModel", "constr", "conint", "confloat", "condecimal", "conlist"}
)
"""The functions that a generated module may call."""


class GeneratedUnsafe(Refused):
    """A text of the contract became code in the generated module."""

    slug = "generated-unsafe"


class GeneratorMissing(Refused):
    """The code generator is not installed: pip install 'bus-lamongan[codegen]'."""

    slug = "generator-missing"


def write_python(schema: Schema, class_name: str, source: str) -> str:
    """A Python module with a pydantic model of the whole schema, and one for each object in it.

    Args:
        class_name: the name of the whole's model.
        source: what the module says of where it comes from.

    Raises:
        GeneratorMissing: the extra `codegen` is not installed.
        GeneratedUnsafe: a text of the schema became code.
    """
    try:
        import datamodel_code_generator as generator
        from datamodel_code_generator.enums import DataModelType
        from datamodel_code_generator.format import Formatter
    except ImportError:
        raise GeneratorMissing("Install the generator first: pip install 'bus-lamongan[codegen]'") from None
    with warnings.catch_warnings():
        # The generator warns of each constraint that a type cannot express, such as a date's length.
        warnings.simplefilter("ignore")
        text = generator.generate(
            json.dumps(_keep_typed_part(schema, class_name)).decode(),
            input_file_type=generator.InputFileType.JsonSchema,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=generator.PythonVersion.PY_311,
            class_name=class_name,
            custom_file_header=f'"""{source}"""',
            disable_timestamp=True,
            formatters=[Formatter.BUILTIN],
            enum_field_as_literal=generator.LiteralType.All,
            # A URL type would change the text: it parses the address and writes it again.
            type_mappings=["email=string", "uri=string"],
            allow_population_by_field_name=True,
            collapse_root_models=True,
            field_constraints=True,
            use_annotated=True,
            use_schema_description=True,
            use_field_description=True,
            use_standard_collections=True,
            use_union_operator=True,
            use_title_as_name=True,
        )
    _check_inert(str(text))
    return str(text)


def _check_inert(module: str) -> None:
    """Refuse a module whose import does more than declare classes: its texts come from a document of others.

    Raises:
        GeneratedUnsafe: a text of the document became code.
    """
    tree = ast.parse(module)
    imported = {one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    called = {ast.unparse(one.func) for one in ast.walk(tree) if isinstance(one, ast.Call)}
    plain = all(isinstance(one, _DECLARATIONS) for one in ast.walk(tree) if isinstance(one, ast.stmt))
    if not (plain and imported <= _MODULES and all(one in _CALLS or one.endswith(".model_rebuild") for one in called)):
        raise GeneratedUnsafe(
            "The generator made code of a text in the contract; nothing was written. Tell the operator."
        )


def _keep_typed_part(schema: Schema, class_name: str) -> Schema:
    part = flatten(schema)
    names = name_objects(part, class_name)
    for _, inner in list(subschemas(part)):
        for word in inner.keys() - _WORDS:
            del inner[word]
        if "description" in inner:
            inner["description"] = escape_unseen_in_lines(str(inner["description"]))
        inner.pop("title", None)
        if id(inner) in names:
            # The generator names a class by its title.
            inner["title"] = names[id(inner)]
    return part
