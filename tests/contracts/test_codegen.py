"""Python models of contracts: they import, take what is valid, and refuse what typing can refuse."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bus.contracts.codegen import GeneratorMissing, generate_models
from bus.contracts.document import Contract
from bus.contracts.validation import Validator
from samples.data import InvalidSample, make_invalid_samples
from tests.builders import a_strict_contract
from tests.contracts.documents import ROOT, SHIPPED, shipped

pytestmark = pytest.mark.heavy

BY_NAME = {shipped(path).name: shipped(path) for path in SHIPPED}
Model = type[BaseModel]
Imported = Callable[[str, str], ModuleType]


@cache
def _models(name: str) -> dict[str, str]:
    """Made once for each contract, since the generator takes a second."""
    return dict(generate_models(BY_NAME[name]))


@pytest.fixture
def imported() -> Iterator[Imported]:
    """Imports a text as a module."""
    made: list[str] = []

    def imported(name: str, text: str) -> ModuleType:
        module = ModuleType(f"made_{name}")
        made.append(module.__name__)
        sys.modules[module.__name__] = module
        exec(compile(text, name, "exec"), module.__dict__)
        return module

    yield imported
    for name in made:
        del sys.modules[name]


def _model(imported: Imported, models: dict[str, str], ending: str, class_name: str) -> Model:
    file = next(name for name in models if name.endswith(ending))
    model: Model = getattr(imported(file, models[file]), class_name)
    return model


def _sent(imported: Imported, contract: Contract) -> Model:
    words = contract.name.partition(".")[2].split("-")
    class_name = "".join(word.capitalize() for word in words) + ("Request" if contract.answer else "")
    return _model(imported, _models(contract.name), "_request.py" if contract.answer else ".py", class_name)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_model_takes_the_examples_and_writes_what_the_gate_takes(imported: Imported, name: str) -> None:
    contract = BY_NAME[name]
    model = _sent(imported, contract)
    for example in contract.examples:
        data = example["request"] if contract.answer else example
        written = model.model_validate(data).model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert written == data
        assert Validator(contract.sent).is_valid(written)


@pytest.mark.parametrize("name", [name for name, contract in BY_NAME.items() if contract.answer])
def test_a_query_has_a_model_of_its_answer(imported: Imported, name: str) -> None:
    contract = BY_NAME[name]
    class_name = "".join(word.capitalize() for word in name.partition(".")[2].split("-"))
    model = _model(imported, _models(name), "_answer.py", f"{class_name}Answer")
    assert [model.model_validate(example["answer"]) for example in contract.examples]


BEYOND_TYPES = {
    "a death with the details of a birth",  # a condition on another field
    "money as text",  # pydantic reads numbers out of texts
    "the latitude first",  # an item's place in a list
}


@pytest.mark.parametrize("sample", make_invalid_samples(), ids=lambda sample: sample.why)
def test_the_model_refuses_what_typing_can_refuse(imported: Imported, sample: InvalidSample) -> None:
    model = _sent(imported, BY_NAME[sample.contract])
    if sample.why in BEYOND_TYPES:
        model.model_validate(sample.data)
    else:
        with pytest.raises(ValidationError):
            model.model_validate(sample.data)


HOSTILE = {
    "type": "object",
    "title": "import os",
    "description": '"""\nimport os\nos.abort()\n"""\\',
    "customTypePath": "os.abort",
    "properties": {
        'a"b': {
            "type": "string",
            "description": "'''\"\"\" \\",
            "default": '"); os.abort() #',
            "customBasePath": "os.x",
        },
        "class": {"type": "object", "customTypePath": "os.PathLike"},
        "anak": {"type": "array", "items": {"$ref": "#"}},
        "jenis": {"enum": ['"', "\n"]},
        "lain": {"$ref": "#/$defs/a.b"},
    },
    "$defs": {"a.b": {"type": "object", "properties": {"x": {"type": "integer"}}}},
}


def _an_event(schema: Any) -> Contract:
    return a_strict_contract(kind="event", key=None, classification="public", schema=schema, examples=None)


def test_no_text_of_a_schema_becomes_code(imported: Imported) -> None:
    models = dict(generate_models(_an_event(HOSTILE)))
    model = _model(imported, models, ".py", "Uji")
    data = {'a"b': "x", "class": {}, "anak": [{"jenis": "\n"}], "lain": {"x": 1}}
    assert model.model_validate(data).model_dump(by_alias=True, exclude_unset=True) == data
    lines = models["kependudukan_uji.py"].splitlines()
    assert not [line for line in lines if line.startswith(("import os", "from os"))]


@pytest.mark.parametrize("schema", [{}, {"type": "string"}, {"type": "array", "items": {"type": "integer"}}])
def test_data_need_not_be_an_object(imported: Imported, schema: Any) -> None:
    assert issubclass(_model(imported, dict(generate_models(_an_event(schema))), ".py", "Uji"), BaseModel)


def test_the_models_pass_mypy_strict(tmp_path: Path) -> None:
    for name in ("kependudukan.penduduk", "kependudukan.verifikasi-nik", "perizinan.izin", "pengaduan.laporan"):
        for file, text in _models(name).items():
            (tmp_path / file).write_text(text)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(ROOT / ".mypy_cache" / "models"),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datamodel_code_generator", None)
    with pytest.raises(GeneratorMissing, match=r"bus-lamongan\[codegen\]"):
        generate_models(a_strict_contract())
