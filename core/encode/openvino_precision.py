"""Towers compiled by OpenVINO in a number format: bfloat16, float32, or float32 first and bfloat16 after.

The first layers of a convolutional tower work on large maps with weights of very unlike size, and lose the most in
bfloat16: with the embedded model's stem and first blocks in float32 the mean cosine rises from 0.994 to 0.9994 (96
drawings of openclipart), and nine tenths of the speed stay.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.encode.openvino_import import import_openvino

Compiled = Callable[[NDArray[Any]], NDArray[np.float32]]
#: Maps are large until their area is this part of the picture's.
_LARGE_MAP_SHARE = 16
_CUT_AFTER = frozenset({"Add", "Clamp", "Relu", "Swish", "HSwish", "Gelu"})


def list_precisions() -> Iterable[str]:
    """Number formats worth trying on this processor, fastest first."""
    openvino = import_openvino()

    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        yield "bf16"
        yield "mixed"
    yield "f32"


def compile_tower(folder: Path, name: str, precision: str) -> Compiled | None:
    """Compile a saved tower.

    Args:
        folder: Holds `name`.xml.
        name: "picture" or "text".
        precision: One of `list_precisions`.

    Returns:
        A function from one batch to its rows; None when "mixed" has no meaning for this tower.
    """
    openvino = import_openvino()

    core = openvino.Core()
    core.set_property({"CACHE_DIR": str(folder / "cache")})

    def compile_part(part: Any, number_format: str) -> Compiled:
        options = {"INFERENCE_PRECISION_HINT": number_format, "PERFORMANCE_HINT": "LATENCY"}
        compiled = core.compile_model(part, "CPU", options)
        return lambda batch: np.array(compiled(batch)[0], dtype=np.float32)

    if precision != "mixed":
        return compile_part(core.read_model(folder / f"{name}.xml"), precision)
    parts = _split(lambda: core.read_model(folder / f"{name}.xml"))
    if parts is None:
        return None
    first, second = compile_part(parts[0], "f32"), compile_part(parts[1], "bf16")
    return lambda batch: second(first(batch))


def _split(read: Callable[[], Any]) -> tuple[Any, Any] | None:
    """Cut a tower in two where its maps have become small; None where it has no such place."""
    openvino = import_openvino()

    whole, rest = read(), read()
    cut = _find_cut(whole)
    if cut is None:
        return None
    node = whole.get_ordered_ops()[cut]
    after = rest.get_ordered_ops()[cut]
    entry = openvino.op.Parameter(openvino.Type.f32, after.output(0).get_partial_shape())
    for target in list(after.output(0).get_target_inputs()):
        target.replace_source_output(entry.output(0))
    first = openvino.Model([node.output(0)], whole.get_parameters())
    return first, openvino.Model(rest.get_results(), [entry])


def _find_cut(model: Any) -> int | None:
    """Place, in order, of the node with the smallest output that everything after hangs on, at the wanted map size."""
    operations = model.get_ordered_ops()
    place = {operation.get_friendly_name(): at for at, operation in enumerate(operations)}
    depends: set[str] = set()
    last_use: dict[int, int] = {}
    for at, operation in enumerate(operations):
        sources = [value.get_source_output().get_node().get_friendly_name() for value in operation.inputs()]
        if operation.get_type_name() == "Parameter" or any(source in depends for source in sources):
            depends.add(operation.get_friendly_name())
        for source in sources:
            if source in depends:
                last_use[place[source]] = at
    area = _area(operations[min(last_use)].output(0).get_partial_shape(), channels_last=True)
    best: tuple[int, int] | None = None
    open_until = -1
    for at in sorted(last_use):
        # Everything before has been used up: whatever follows sees this output alone.
        is_cut = open_until <= at
        open_until = max(open_until, last_use[at])
        shape = operations[at].output(0).get_partial_shape()
        small = area and _area(shape) and area / _LARGE_MAP_SHARE / 2 < _area(shape) <= area / _LARGE_MAP_SHARE
        if is_cut and small and operations[at].get_type_name() in _CUT_AFTER:
            size = _area(shape) * shape[1].get_length()
            if best is None or size < best[0]:
                best = (size, at)
    return None if best is None else best[1]


def _area(shape: Any, *, channels_last: bool = False) -> int:
    """Height times width of a map (N, C, H, W), or (N, H, W, C); 0 for any other shape."""
    if shape.rank.is_dynamic or shape.rank.get_length() != 4:
        return 0
    sides = (shape[1], shape[2]) if channels_last else (shape[2], shape[3])
    return 0 if any(side.is_dynamic for side in sides) else sides[0].get_length() * sides[1].get_length()
