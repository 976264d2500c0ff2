#!/bin/sh
# Holds the CUDA provider of onnxruntime to the libraries of the base image, when the image is built: a provider of one
# CUDA version in an image of another would only fail when the first model is opened.
# usage: check-accelerator.sh cpu|cuda DIRECTORY
set -eu

[ "$1" = cuda ] || exit 0

provider=$2/libonnxruntime_providers_cuda.so
for file in "$provider" "$2/libonnxruntime_providers_shared.so"; do
  [ -e "$file" ] && continue
  echo "$file: expected the CUDA provider, found nothing" >&2
  exit 1
done

libraries=$(ldd "$provider")
wanted=$(echo "$libraries" | sed -n 's/.*libcudart\.so\.\([0-9]*\).*/\1/p')
# NVIDIA's images say their version in CUDA_VERSION.
version=${CUDA_VERSION:-none}
if [ "${version%%.*}" != "$wanted" ]; then
  echo "$provider: expected a base image of CUDA ${wanted:-?}, found CUDA $version" >&2
  exit 1
fi

# libcuda.so.1 is the driver's: the host brings it when the container starts.
missing=$(echo "$libraries" | grep 'not found' | grep -v 'libcuda\.so\.1 ' || true)
if [ -n "$missing" ]; then
  echo "$provider: expected all its libraries in the base image, missing:" >&2
  echo "$missing" >&2
  exit 1
fi

# Opened by name at run time, so the provider does not list it; without it there are no convolutions.
if ! ldconfig -p | grep -q 'libcudnn\.so\.'; then
  echo "cuDNN: expected libcudnn.so in the base image, found none" >&2
  exit 1
fi
echo "CUDA $version fits $provider"
