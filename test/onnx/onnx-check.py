"""Holds ONNX files to the standard: `python onnx-check.py FILE...`; needs the package onnx."""

import sys
from collections import Counter
from pathlib import Path

import onnx


def shape(value):
    dims = value.type.tensor_type.shape.dim
    return "[" + ", ".join(d.dim_param or str(d.dim_value) for d in dims) + "]"


print(f"onnx {onnx.__version__}")
for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    known = {v.name for v in [*inferred.graph.value_info, *inferred.graph.output] if v.type.tensor_type.HasField("shape")}
    missing = [o for node in model.graph.node for o in node.output if o not in known]
    operators = Counter(node.op_type for node in model.graph.node)
    print(f"{Path(path).name}: checked; opset {model.opset_import[0].version}, IR {model.ir_version}, by {model.producer_name}")
    print("  nodes: " + ", ".join(f"{count} {name}" for name, count in sorted(operators.items())))
    print("  outputs: " + ", ".join(f"{v.name} {shape(v)}" for v in inferred.graph.output))
    print(f"  values whose shape was not inferred: {', '.join(missing) or 'none'}")
