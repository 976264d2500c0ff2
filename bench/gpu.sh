#!/bin/sh
# What batches bring on a GPU: puts onnxruntime's CUDA provider in place, holds every caption to the processor's, and prints
# the table of `npm run bench -- throughput`. Needs Linux on x86-64, node_modules (npm ci), a driver, Python with pip, and CUDA 13
# with cuDNN 9, which pip brings for this run where they are missing.
#
#   bench/gpu.sh
#   bench/gpu.sh models/im2txt --workers 2,4 --batches 1,32 --seconds 20
#   bench/gpu.sh --execution-provider cpu --seconds 4
#
# usage: bench/gpu.sh [BUNDLE] [flags of `npm run bench -- throughput`]
# BUNDLE is fp32; without it a full im2txt network of random weights is made. The provider is taken from
# infra/container/cuda-provider if it lies there, else from the wheel onnxruntime-gpu; it stays in node_modules until `npm ci`.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
native=node_modules/onnxruntime-node/bin/napi-v6/linux/x64

fail() {
  echo "gpu.sh: $1" >&2
  exit 1
}

bundle=
case "${1:-}" in
'' | -*) ;;
*)
  bundle=$(cd "$1" 2>/dev/null && pwd) || fail "$1: expected a bundle, found no such directory"
  shift
  ;;
esac

provider=cuda
before=
for argument in "$@"; do
  case "$argument" in
  --execution-provider=*) provider=${argument#*=} ;;
  *) [ "$before" != --execution-provider ] || provider=$argument ;;
  esac
  before=$argument
done

cd "$root"
[ -e node_modules/onnxruntime-node/package.json ] || fail 'expected node_modules, found none: npm ci'
# npm's own Node 24, where there is one; ldconfig.
PATH=$root/node_modules/.bin:$PATH:/sbin
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Wheels for whichever Python, since only their libraries are used.
fetch() {
  python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --only-binary=:all: \
    --python-version 3.12 --target "$temporary/wheels" "$@"
}

# Names of libraries that the provider would not find. libcuda.so.1 is the driver's; cuDNN is opened by name when the provider runs.
missing_libraries() {
  ldd "$native/libonnxruntime_providers_cuda.so" |
    sed -n -e '/libcuda\.so\.1 /d' -e 's/^[[:space:]]*\(.*\) => not found.*/\1/p'
  for directory in $(echo "${LD_LIBRARY_PATH:-}" | tr ':' ' '); do
    [ ! -e "$directory/libcudnn.so.9" ] || return 0
  done
  ldconfig -p | grep -q 'libcudnn\.so\.9 ' || echo libcudnn.so.9
}

add_libraries_of() {
  for directory in "$1"/nvidia/*/lib; do
    [ ! -d "$directory" ] || LD_LIBRARY_PATH=$directory${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  done
  export LD_LIBRARY_PATH
}

if [ "$provider" = cuda ]; then
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "expected Linux on x86-64, found $(uname -sm)"
  device=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1) || device=
  [ -n "$device" ] || fail 'expected an NVIDIA GPU, nvidia-smi shows none; --execution-provider cpu measures the processor'
fi

if [ -n "$bundle" ]; then
  precision=$(sed -n 's/.*"precision": *"\([a-z0-9]*\)".*/\1/p' "$bundle/manifest.json" 2>/dev/null) || precision=
  [ "$provider" != cuda ] || [ "$precision" = fp32 ] ||
    fail "$bundle: expected an fp32 bundle for CUDA, found ${precision:-none}; show-and-tell import makes one"
fi

if [ "$provider" = cuda ]; then
  # Of the two files the one that is copied last.
  if [ ! -e "$native/libonnxruntime_providers_shared.so" ]; then
    from=infra/container/cuda-provider
    if [ ! -e "$from/libonnxruntime_providers_cuda.so" ]; then
      version=$(node -p 'require("./node_modules/onnxruntime-node/package.json").version')
      fetch --no-deps "onnxruntime-gpu==$version" ||
        fail "expected the wheel onnxruntime-gpu $version, pip found none; infra/container/cuda-provider says what may lie there instead"
      from=$temporary/wheels/onnxruntime/capi
    fi
    sh infra/container/add-accelerator.sh cuda "$from"
  fi
  if [ -n "$(missing_libraries)" ]; then
    for packages in $(python3 -c 'import sys; print("\n".join(sys.path))'); do add_libraries_of "$packages"; done
  fi
  if [ -n "$(missing_libraries)" ]; then
    # As the wheel onnxruntime-gpu asks for.
    fetch 'nvidia-cuda-runtime~=13.0' 'nvidia-cuda-nvrtc~=13.0' 'nvidia-cufft~=12.0' 'nvidia-curand~=10.0' \
      'nvidia-cudnn-cu13~=9.0' || fail "expected CUDA 13 and cuDNN 9, pip found none; missing: $(missing_libraries | tr '\n' ' ')"
    add_libraries_of "$temporary/wheels"
  fi
  echo "$device" >&2
  # A GPU is idle with few images.
  set -- --workers 1,2,4 --batches 1,8,32 "$@"
fi

if [ -z "$bundle" ]; then
  node test/full/make-bundles.ts "$temporary" --fp32 >&2
  bundle=$temporary/fp32
fi

node bench/main.ts throughput --model "$bundle" --execution-provider "$provider" "$@"
