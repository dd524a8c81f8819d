"""`python -m bus.declared > schemas/adapter.schema.json`: writes the JSON Schema of adapter documents anew."""

from bus import json
from bus.declared import write_schema

print(json.dump_pretty(write_schema()))  # noqa: T201 - the schema is what the call is for
