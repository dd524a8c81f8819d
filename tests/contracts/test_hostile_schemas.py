"""Contract documents that mean harm: each is refused clearly, soon, and without taking memory."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bus.contracts.document import load_contract, parse_contract_text
from bus.contracts.errors import DocumentInvalid
from tests.contracts.hostile import HOSTILE

_SECONDS = 10
_MEGABYTES = 400

_READ_ALL = """
import resource
from bus.contracts.document import parse_contract_text
from bus.contracts.errors import DocumentInvalid
from tests.contracts.hostile import HOSTILE

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for text in HOSTILE.values():
    try:
        parse_contract_text(text)
    except DocumentInvalid:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_soon(name: str) -> None:
    began = time.process_time()
    with pytest.raises(DocumentInvalid) as refused:
        parse_contract_text(HOSTILE[name])
    assert time.process_time() - began < _SECONDS
    assert len(refused.value.detail) < 1000


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_soon(name: str, tmp_path: Path) -> None:
    file = tmp_path / "jahat.yaml"
    file.write_bytes(HOSTILE[name])
    began = time.process_time()
    with pytest.raises(DocumentInvalid):
        load_contract(file)
    assert time.process_time() - began < _SECONDS


@pytest.mark.process
def test_all_of_them_take_little_memory() -> None:
    # In a process of its own: what the libraries allocate outside Python is only seen there.
    done = subprocess.run([sys.executable, "-c", _READ_ALL], capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) < _MEGABYTES
