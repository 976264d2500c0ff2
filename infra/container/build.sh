#!/bin/sh
# Builds an image from infra/container/Dockerfile with docker, or with buildah where docker has no daemon.
#
#   infra/container/build.sh server
#   infra/container/build.sh lambda --build-arg MODEL_DIR=models/im2txt
#   TAG=show-and-tell:cuda infra/container/build.sh server --build-arg ACCELERATOR=cuda \
#     --build-arg BASE=nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04
#
# usage: build.sh server|lambda [flags of `docker build`]
# The image is called $TAG; without it show-and-tell:server or show-and-tell:lambda.
set -eu

target=${1:?usage: build.sh server|lambda [flags of docker build]}
shift
root=$(cd "$(dirname "$0")/../.." && pwd)

if docker info >/dev/null 2>&1; then
  build='docker build'
elif command -v buildah >/dev/null; then
  # Docker's format: OCI's has no place for a health check.
  build='buildah build --format docker --layers'
  # As root without the rights that other kinds of isolation take, e.g. in a container.
  [ "$(id -u)" != 0 ] || build="$build --isolation chroot"
else
  echo 'build.sh: neither docker nor buildah is here' >&2
  exit 1
fi

exec $build --file "$root/infra/container/Dockerfile" --target "$target" --tag "${TAG:-show-and-tell:$target}" "$@" "$root"
