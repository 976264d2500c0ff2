#!/bin/sh
# Adds the CUDA provider of onnxruntime to node_modules in the current directory.
# usage: add-accelerator.sh cpu|cuda DIRECTORY
# A provider that lies in DIRECTORY is taken; otherwise onnxruntime-node's own script downloads it from NuGet.
set -eu

into=node_modules/onnxruntime-node/bin/napi-v6/linux/x64

case "$1" in
cpu) exit 0 ;;
cuda) ;;
*)
  echo "ACCELERATOR: expected cpu or cuda, found $1" >&2
  exit 1
  ;;
esac

if [ -e "$2/libonnxruntime_providers_cuda.so" ]; then
  cp "$2/libonnxruntime_providers_cuda.so" "$2/libonnxruntime_providers_shared.so" "$into/"
else
  ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install.js
  rm -f "$into/libonnxruntime_providers_tensorrt.so"
fi
