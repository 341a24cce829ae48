"""ONNX models: read within limits, run by onnxruntime, and rebuilt as torch modules where every operator has one."""
