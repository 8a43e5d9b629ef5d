"""Checks .onnx files with ONNX's own checker and its strict shape inference (Debian: python3-onnx).

python3 check-onnx.py FILE…  prints one line a file; exit 1 where one of them is invalid.
"""
import sys

import onnx

failed = 0
for path in sys.argv[1:]:
    model = onnx.load(path)
    try:
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        types = {info.name: info.type for info in inferred.graph.value_info}
        known = {info.name for info in inferred.graph.output}
        missing = [name for node in model.graph.node for name in node.output if name not in types and name not in known]
        if missing:
            raise ValueError(f"no shape was inferred for {missing}")
        print(f"ok {path}")
    except Exception as error:
        failed += 1
        print(f"invalid {path}: {error}")
sys.exit(1 if failed else 0)
