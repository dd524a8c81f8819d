"""The page of a simulator for people: its operations, its faults, and how to switch them on."""

from collections.abc import Mapping
from html import escape
from typing import Any

CONTROL_TAG = "simulator"
"""Tags the operations that every simulator has beside the agency's."""

_PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
td,th{{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}}
code,pre{{background:#eee;padding:.1rem .3rem}}</style></head>
<body><h1>{title}</h1>
<p>Tiruan sistem instansi untuk pengembangan. Semua data rekaan. Deskripsi mesin:
<a href="/_simulator/openapi.json">openapi.json</a> ·
<a href="/_simulator/state">keadaan</a> · <a href="/_simulator/received">yang diterima</a> ·
<a href="/_simulator/requests?bodies=true">permintaan</a> · <a href="/_simulator/faults">gangguan</a></p>
<h2>Operasi</h2><table>{operations}</table>
<h2>Gangguan</h2>
<pre>curl -X POST {address}_simulator/faults -H 'content-type: application/json' -d '{{"name": "down", "count": 3}}'
curl -X DELETE {address}_simulator/faults</pre>
<p>Pilihan: <code>path</code>, <code>method</code>, <code>share</code> (0–1), <code>count</code>, <code>seconds</code>,
<code>lasts</code> (detik).</p>
<table>{faults}</table></body></html>
"""
_METHODS = ("get", "put", "post", "patch", "delete")


def write_simulator_page(document: Mapping[str, Any], faults: Mapping[str, str], address: str) -> str:
    """The page in HTML.

    Args:
        document: the simulator's OpenAPI document; operations with the tag `CONTROL_TAG` are not the agency's.
        faults: each fault and its description.
        address: where the simulator is, with a slash at the end.
    """
    operations = [
        _write_row(f"{method.upper()} {path}", (described.get("description") or described.get("summary", "")).strip())
        for path, item in document["paths"].items()
        for method, described in item.items()
        if method in _METHODS and CONTROL_TAG not in described.get("tags", ())
    ]
    return _PAGE.format(
        title=escape(document["info"]["title"]),
        address=escape(address),
        operations="\n".join(operations),
        faults="\n".join(_write_row(name, text) for name, text in faults.items()),
    )


def _write_row(name: str, text: str) -> str:
    return f"<tr><td><code>{escape(name)}</code></td><td>{escape(text)}</td></tr>"
