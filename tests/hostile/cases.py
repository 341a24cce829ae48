"""Two hundred hostile or broken inputs: models, data, claims files and reports, fuzzed and written by hand."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FIXTURES = Path(__file__).parent.parent / "fixtures"
ALLOWED = (2, 3)
"""A mistake in the input, or a model that crashed or is NaN. What is not refused at all must be harmless."""


@dataclass(frozen=True)
class Case:
    """A command line in a folder with hostile files.

    Attributes:
        name: kind and number.
        files: path in the folder -> content.
        arguments: of `aeverify`.
        codes: exit codes that are right.
    """

    name: str
    files: dict[str, bytes]
    arguments: tuple[str, ...]
    codes: tuple[int, ...] = ALLOWED

    @property
    def kind(self) -> str:
        """The first part of the name."""
        return self.name.partition("-")[0]


class Payload:
    """Unpickling this would create the file `canary`."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        import os

        return os.system, ("touch canary",)


def cases() -> list[Case]:
    """All of them, the same every time."""
    return [*safetensors(), *onnx_graphs(), *archives(), *arrays(), *tables(), *plans(), *reports()]


def numbered(kind: str, inputs: Iterator[tuple[dict[str, bytes], tuple[str, ...]]], codes: tuple[int, ...] = ALLOWED):
    for i, (files, arguments) in enumerate(inputs):
        yield Case(f"{kind}-{i:02}", files, arguments, codes)


def check(model: str, *options: str, on: str = "circle") -> tuple[str, ...]:
    return ("check", model, "--on", on, "--claim", "theorem-1", "--out", "out", "--quiet", *options)


def fuzzed(content: bytes, count: int, seed: int, first: int = 0, last: int | None = None) -> Iterator[bytes]:
    """Copies with bytes flipped, cut off, doubled or zeroed between two places."""
    rng = np.random.Generator(np.random.PCG64(seed))
    end = len(content) if last is None else min(last, len(content))
    for i in range(count):
        data = bytearray(content)
        at = int(rng.integers(first, end))
        if i % 4 == 0:
            for j in rng.integers(first, end, size=8):
                data[j] ^= int(rng.integers(1, 256))
        elif i % 4 == 1:
            del data[at:]
        elif i % 4 == 2:
            data[at:at] = data[at : at + 64]
        else:
            data[at : at + 16] = bytes(16)
        yield bytes(data)


# ------------------------------------------------------------------------------------------------------ safetensors


def packed(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def described(description: object, tensors: dict[str, tuple[int, ...]] | None = None, **metadata: str) -> bytes:
    """A well-formed file of zeros with that description of an architecture."""
    header: dict[str, Any] = {"__metadata__": {"aeverify": json.dumps(description), "name": "x", **metadata}}
    body = 0
    for name, shape in (tensors or {}).items():
        size = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [body, body + size]}
        body += size
    return packed(header, bytes(body))


def safetensors() -> Iterator[Case]:
    good = (FIXTURES / "two_circles_paper_0.safetensors").read_bytes()
    header = 8 + struct.unpack("<Q", good[:8])[0]
    schema = "aeverify-model/1"
    linear = ["linear", 2, 1, True]
    handmade = [
        b"",
        b"\0" * 7,
        packed({}, length=2**63),
        packed({}, length=10**9),
        packed(b"[" * 100_000 + b"]" * 100_000),
        packed({"a": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}}, b"\0" * 4),
        packed({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**62]}}, b"\0" * 4),
        packed({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"\0" * 4),
        packed({"a": {"dtype": "COMPLEX", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 4),
        described({}),
        described([1, 2, 3]),
        described({"schema": "aeverify-model/99"}),
        described({"schema": schema, "kind": "python:os.system"}),
        described(
            {"schema": schema, "kind": "stack", "encoder": [["linear", 10**9, 10**9, True]], "decoder": [linear]}
        ),
        described({"schema": schema, "kind": "stack", "encoder": [linear] * 100_000, "decoder": [linear]}),
        described({"schema": schema, "kind": "stack", "encoder": [["eval", 0]], "decoder": [["exec", 0]]}),
        described({"schema": schema, "kind": "built", "spec": "convolutional:latent_dim=1,shape=[1,99999,99999]"}),
        described({"schema": schema, "kind": "built", "spec": "undercomplete:ambient_dim=2,hidden=[1000000,1000000]"}),
        described({"schema": schema, "kind": "built", "spec": "__import__('os').system('touch canary')"}),
        described({"schema": schema, "kind": "pca", "ambient_dim": 10**12, "latent_dim": 1}),
        described({"schema": schema, "kind": "memoriser", "points": -5, "ambient_dim": 2}),
        described(
            {"schema": schema, "kind": "stack", "encoder": [linear], "decoder": [["linear", 1, 2, True]]},
            {"encoder.0.weight": (1, 2), "encoder.0.bias": (1,), "decoder.0.weight": (2, 1), "decoder.0.bias": (2,)},
            fingerprint="0" * 64,
        ),
    ]
    inputs = [*handmade, *fuzzed(good, 14, 1, 8, header), *fuzzed(good, 8, 2, header)]
    yield from numbered(
        "safetensors", (({"m.safetensors": x}, check("m.safetensors", on="two_circles")) for x in inputs)
    )


# ------------------------------------------------------------------------------------------------------------- ONNX


def onnx_graphs() -> Iterator[Case]:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def tensor(name: str, array: Any) -> Any:
        return numpy_helper.from_array(np.asarray(array, dtype=np.float32), name)

    def integers(name: str, array: Any) -> Any:
        return numpy_helper.from_array(np.asarray(array, dtype=np.int64), name)

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])

    def model(nodes: list[Any], weights: list[Any] = (), opset: int = 17, domain: str = "", **extra: Any) -> Any:  # type: ignore[assignment]
        graph = helper.make_graph(nodes, "g", [x], [y], list(weights))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)], **extra)

    node = helper.make_node
    weights = [tensor("w", [[1.0], [0.0]]), tensor("v", [[1.0, 0.0]])]
    plain = [node("MatMul", ["x", "w"], ["z"]), node("Relu", ["z"], ["c"]), node("MatMul", ["c", "v"], ["y"])]
    good = model(plain, weights)

    def outside(location: str) -> Any:
        w = onnx.TensorProto()
        w.CopyFrom(weights[0])
        w.ClearField("raw_data")
        w.data_location = TensorProto.EXTERNAL
        w.external_data.add(key="location", value=location)
        return model(plain, [w, weights[1]])

    huge = onnx.TensorProto()
    huge.name, huge.data_type = "w", TensorProto.FLOAT
    huge.dims.extend([10**9, 10**9])
    hollow = onnx.TensorProto()
    hollow.name, hollow.data_type = "w", TensorProto.FLOAT
    hollow.dims.extend([2, 1])
    big = [integers("s", [10**6, 10**6])]
    body = helper.make_graph(
        [node("Identity", ["a"], ["b"])],
        "body",
        [helper.make_tensor_value_info(n, t, []) for n, t in (("i", TensorProto.INT64), ("k", TensorProto.BOOL))],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
    )
    nested: Any = helper.make_graph([node("Identity", ["x"], ["q"])], "deep", [], [y])
    for _ in range(60):
        nested = (
            helper.make_graph([node("If", ["t"], ["q"], then_branch=nested, else_branch=nested)], "deep", [], [y])
            if nested.ByteSize() < 200_000
            else nested
        )
    handmade = [
        b"",
        b"\x08",
        b"\xff" * 1000,
        b"onnx" * 5000,
        outside("../../../../etc/passwd").SerializeToString(),
        outside("/etc/passwd").SerializeToString(),
        outside("a/../../b").SerializeToString(),
        outside("missing.bin").SerializeToString(),
        model(plain, [huge, weights[1]]).SerializeToString(),
        model(plain, [hollow, weights[1]]).SerializeToString(),
        model([node("ConstantOfShape", ["s"], ["y"])], big).SerializeToString(),
        model([node("Expand", ["x", "s"], ["y"])], big).SerializeToString(),
        model([node("Tile", ["x", "s"], ["y"])], big).SerializeToString(),
        model([node("Evil", ["x"], ["y"], domain="com.evil")], domain="com.evil").SerializeToString(),
        model([node("Loop", ["n", "t", "x"], ["y"], body=body)]).SerializeToString(),
        model([node("If", ["t"], ["y"], then_branch=nested, else_branch=nested)]).SerializeToString(),
        model([node("Identity", ["y"], ["y"])]).SerializeToString(),
        model([node("Relu", ["nowhere"], ["y"])]).SerializeToString(),
        model(plain, weights, opset=999).SerializeToString(),
        model(plain, weights, opset=0).SerializeToString(),
        model(plain, [tensor("w", [[np.nan], [0.0]]), weights[1]]).SerializeToString(),
        model(plain, [tensor("w", [[3e38], [3e38]]), tensor("v", [[3e38, 3e38]])]).SerializeToString(),
        model([node("Reshape", ["x", "s"], ["y"])], [integers("s", [0, 0, -1, -1])]).SerializeToString(),
        model([node("Identity", ["x"], ["y"]) for _ in range(3000)]).SerializeToString(),
        model([node("PyOp", ["x"], ["y"], module="os", compute="system")]).SerializeToString(),
    ]
    graphs = numbered("onnx", (({"m.onnx": x}, check("m.onnx")) for x in handmade))
    yield from graphs
    # after a flipped bit in a weight it may still be a model
    harmless = (0, 1, 2, 3, 4)
    bits = fuzzed(good.SerializeToString(), 15, 3)
    yield from numbered("onnx-bits", (({"m.onnx": x}, check("m.onnx")) for x in bits), harmless)


# ------------------------------------------------------------------------------------------- pickles and zip archives


def zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def archives() -> Iterator[Case]:
    import torch

    evil = pickle.dumps(Payload(), protocol=2)

    def saved(thing: object) -> bytes:
        stream = io.BytesIO()
        torch.save(thing, stream)
        return stream.getvalue()

    state = saved({"encoder.0.weight": torch.zeros(1, 2)})
    bomb = zipped({"a/data.pkl": evil, "a/data/0": bytes(1 << 27)})
    contents = {
        "m.pkl": evil,
        "m.pickle": pickle.dumps([Payload()] * 3, protocol=5),
        "m.joblib": evil,
        "m.pt": zipped({"m/data.pkl": evil, "m/version": b"3", "m/byteorder": b"little"}, zipfile.ZIP_STORED),
        "nested.ckpt": zipped({"m/data.pkl": pickle.dumps({"state_dict": Payload()}, protocol=2), "m/version": b"3"}),
        "old.pt": pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + pickle.dumps(1001, protocol=2) + evil,
        "script.pt": zipped({"m/data.pkl": evil, "m/constants.pkl": evil, "m/code/__torch__.py": b"import os"}),
        "export.pt2": zipped({"models/model.json": b"{}", "archive_format": b"pt2", "data/x": evil}),
        "bomb.pt": bomb,
        "many.pt": zipped({f"m/{i}": b"" for i in range(25_000)}, zipfile.ZIP_STORED),
        "slip.pt": zipped({"../../evil": b"x", "/abs": b"x"}),
        "m.keras": zipped({"config.json": b'{"class_name": "Lambda"}', "model.weights.h5": b""}),
        "m.h5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "cut.pt": state[: len(state) // 2],
        "module.pt": saved(torch.nn.Linear(2, 2)),
        "empty.ckpt": saved({}),
        "list.pth": saved([1, 2, 3]),
        "text.pt": b"import os; os.system('touch canary')",
        "script.py": b"import os; os.system('touch canary')",
        "m.bin": b"\x00\x01\x02\x03" * 10,
    }
    inputs = [({n: c}, check(n, "--architecture", "mlp:hidden=[3]", "-m", "1")) for n, c in contents.items()]
    inputs += [({n: c}, check(n)) for n, c in list(contents.items())[:6]]
    inputs.append(({"evil.py": b"import os\nos.system('touch canary')\n"}, check("evil:factory")))
    yield from numbered("archive", iter(inputs))


# ------------------------------------------------------------------------------------------------------------- data


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def saved_array(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def on_data(name: str, model: str = "model.safetensors") -> tuple[str, ...]:
    return ("check", model, "--on", name, "--out", "out", "--quiet")


def with_model(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"model.safetensors": (FIXTURES / "spiral_0.safetensors").read_bytes(), **files}


def arrays() -> Iterator[Case]:
    good = saved_array(np.random.Generator(np.random.PCG64(0)).normal(size=(50, 2)))
    shape = "{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}"
    stream = io.BytesIO()
    np.savez_compressed(stream, x=np.zeros((1 << 22, 4)))
    handmade = {
        "rows.npy": npy(shape.format("(1000000000, 2)")),
        "wide.npy": npy(shape.format("(2, 1000000000000)"), bytes(64)),
        "negative.npy": npy(shape.format("(-1, 2)"), bytes(64)),
        "overflow.npy": npy(shape.format("(4611686018427387905, 4)"), bytes(64)),
        "code.npy": npy(
            "{'descr': __import__('os').system('touch canary'), 'fortran_order': False, 'shape': (1, 2), }"
        ),
        "deep.npy": npy("{'descr': " + "[" * 50 + "]" * 50 + ", 'shape': (1, 2)}"),
        "object.npy": saved_array(np.array([[Payload(), 1]], dtype=object)),
        "text.npy": saved_array(np.array([["a", "b"]])),
        "complex.npy": saved_array(np.ones((5, 2), dtype=complex)),
        "nan.npy": saved_array(np.array([[np.nan, 1.0], [0.0, np.inf]])),
        "empty.npy": saved_array(np.zeros((0, 2))),
        "scalar.npy": saved_array(np.float64(1.0)),
        "one.npy": saved_array(np.zeros((1, 2))),
        "nothing.npy": b"",
        "magic.npy": b"\x93NUMPY\x09\x09\x10\x00",
        "bomb.npz": stream.getvalue(),
        "pickled.npz": zipped({"x.npy": saved_array(np.array([Payload()], dtype=object))}),
        "slip.npz": zipped({"../../x.npy": good}),
        "none.npz": zipped({}),
        "bad.npz": b"PK\x03\x04" + bytes(200),
        "fake.parquet": b"PAR1" + bytes(100) + b"PAR1",
    }
    inputs = [(with_model({n: c}), on_data(n)) for n, c in handmade.items()]
    inputs += [(with_model({"x.npy": x}), on_data("x.npy")) for x in fuzzed(good, 8, 4, 0, 128)]
    # a flipped byte in the numbers, or in the padding of the header, leaves a data set that can be judged
    harmless = (0, 1, 2, 3, 4)
    yield from (Case(c.name, c.files, c.arguments, harmless) for c in numbered("array", iter(inputs)))


def tables() -> Iterator[Case]:
    rows = b"\n".join(b"%d,%d" % (i % 7, i % 5) for i in range(50))
    handmade = {
        "formula.csv": b"x,y\n=cmd|'/C calc'!A0,1\n",
        "ragged.csv": b"1,2\n3\n4,5,6\n",
        "text.csv": b"x,y\n1,two\n",
        "nul.csv": b"x,y\n1,\0\n",
        "utf16.csv": "x,y\n1,2\n".encode("utf-16"),
        "latin.csv": b"x,y\n1,\xff\xfe\n",
        "huge_cell.csv": b"x,y\n1," + b"9" * 2_000_000 + b"\n",
        "huge_number.csv": b"x,y\n1,1e999\n2,3\n",
        "quotes.csv": b'x,y\n"1,2\n' * 1000,
        "header.csv": b"x,y\n",
        "empty.csv": b"",
        "wide.csv": b",".join([b"1"] * 200_000) + b"\n",
        "nan.csv": rows + b"\nnan,inf\n",
        "escape.csv": b"\x1b[2J\x1b]0;evil\x07,y\n1,2\n",
    }
    # names of columns may be anything, and one row is a data set of which nothing is said
    harmless = (0, 1, 2, 3, 4)
    yield from numbered("table", ((with_model({n: c}), on_data(n)) for n, c in handmade.items()), harmless)
    broken = {
        "pictures/a.png": b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0),
        "pictures/b.png": b"\x89PNG\r\n\x1a\n",
        "pictures/c.jpg": b"\xff\xd8\xff" + bytes(50),
    }
    yield from numbered("table-picture", ((with_model({n: c}), on_data("pictures")) for n, c in broken.items()))


# ------------------------------------------------------------------------------------------------------- claims files


PLAN = b'manifold = "circle"\nlatent_dim = 1\n[[models]]\noracle = "cut:half_width=0.01"\n[claims.theorem-1]\n'


def plans() -> Iterator[Case]:
    handmade = [
        b"",
        b"\xff\xfe\x00",
        b"a = " + b"[" * 100_000 + b"]" * 100_000,
        b"a = " + b"{b = " * 3000 + b"1" + b"}" * 3000,
        b"a." * 5000 + b"b = 1",
        b"x = 1\n" * 10,
        b"# " + b"x" * 2_000_000,
        b"a = " + b"9" * 100_000,
        b"manifold = 5\nlatent_dim = 'x'\nseed = -1\nalpha = nan\n",
        PLAN.replace(b'"circle"', b"\"__import__('os').system('touch canary')\""),
        PLAN.replace(b'"circle"', b'"circle:radius=nan"'),
        PLAN.replace(b'"circle"', b'"circle:radius=1e308"'),
        PLAN.replace(b'"circle"', b'"sphere:dim=100000000"'),
        PLAN.replace(b'"circle"', b'"product:factors=[' + b'\\"circle\\",' * 500 + b'\\"circle\\"]"'),
        PLAN.replace(b'"circle"', b'"scaled:base=' + b'\\"scaled:base=' * 400 + b'"'),
        PLAN.replace(b"latent_dim = 1", b"latent_dim = 99999999999999999999"),
        PLAN.replace(b"cut:half_width=0.01", b"cut:half_width=nan"),
        PLAN.replace(b"cut:half_width=0.01", b"os:system"),
        PLAN.replace(b'oracle = "cut:half_width=0.01"', b'file = "/dev/zero"'),
        PLAN.replace(b'oracle = "cut:half_width=0.01"', b'file = "/proc/self/environ"'),
        PLAN.replace(b'oracle = "cut:half_width=0.01"', b'file = "\\u0000"'),
        PLAN.replace(b'oracle = "cut:half_width=0.01"', b'baseline = "../../../etc/passwd"'),
        PLAN.replace(b"[claims.theorem-1]", b"[claims.'../../x']"),
        PLAN.replace(b"[claims.theorem-1]", b"[claims]"),
        PLAN + b"epsilon = inf\n",
        PLAN + b"[claims.theorem-2]\nepsilon = nan\n",
        PLAN + b"[claims.theorem-2]\ndelta = -1\n",
        PLAN + b"[[ignore]]\nclaim = 'theorem-1'\n",
        PLAN + b"[[ignore]]\nclaim = 'theorem-1'\nreason = ''\nuntil = 2020-99-99\n",
        PLAN + b"[measure]\nsamples = 1000000000000\n",
        PLAN + b"[measure]\nenclosure_seconds = -5\n",
        PLAN + b"[gate]\nbaseline = 'nowhere.json'\n",
        PLAN + b"[budget]\nseconds = 0\n",
        PLAN + b"[data]\npath = 'x.npy'\n",
        PLAN + b"\x1b[31mred = 1\n",
    ]
    yield from numbered(
        "plan", (({"c.toml": x}, ("check", "--claims", "c.toml", "--out", "out", "--quiet")) for x in handmade)
    )


# ------------------------------------------------------------------------------------------------------------ reports


def reports() -> Iterator[Case]:
    good = (Path(__file__).parent.parent / "golden" / "report.json").read_bytes()
    document = json.loads(good)

    def changed(*path: Any, to: Any) -> bytes:
        copy = json.loads(good)
        place = copy
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        return json.dumps(copy).encode()

    first = next(i for i, v in enumerate(document["verdicts"]) if v.get("witness"))
    handmade = [
        b"",
        b"null",
        b"[]",
        b"{" * 100_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'{"schema": NaN}',
        b'{"schema": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        changed("schema", to="aeverify-report/99"),
        changed("verdicts", to={}),
        changed("verdicts", 0, "outcome", to="MAYBE"),
        changed("verdicts", 0, "claim", to=None),
        changed("verdicts", first, "witness", to=17),
        changed("verdicts", first, "witness", "points", to=[[1]]),
        changed("provenance", to=[]),
        changed("models", 0, to="x") if document.get("models") else b"{}",
    ]
    commands = [("report", "r.json"), ("replay", "r.json"), ("diff", "r.json", "r.json")]
    inputs = [({"r.json": x}, commands[i % 3]) for i, x in enumerate(handmade)]
    inputs += [({"r.json": x}, commands[i % 3]) for i, x in enumerate(fuzzed(good, 9, 5))]
    harmless = (0, 1, 2, 3, 4)
    for i, (files, arguments) in enumerate(inputs):
        # what is still a report after a byte in a text was flipped is shown or compared
        yield Case(f"report-{i:02}", files, arguments, harmless if i >= len(handmade) else ALLOWED)
    sources = [
        "../../../etc/passwd",
        "/dev/zero",
        "os:system",
        "models/m.pkl",
        "http://example.com/x",
        "\x1b[2J",
        "x" * 10_000,
    ]
    for i, source in enumerate(sources):
        copy = json.loads(good)
        for model in copy["models"]:
            model["source"] = source
        files = {"r.json": json.dumps(copy).encode(), "models/m.pkl": pickle.dumps(Payload(), protocol=2)}
        yield Case(f"report-source-{i}", files, ("replay", "r.json"), (2, 3, 4))
    script = good.decode().replace("theorem", "<script>alert(1)</script>")
    yield Case(
        "report-script-0", {"r.json": script.encode()}, ("report", "r.json", "--format", "html"), (0, 1, 2, 3, 4)
    )
