#!/bin/sh
# Where no registry of images can be reached: makes both base images of the Dockerfile from Debian's packages and npm's.
# Needs mmdebstrap, buildah, npm and root. Then:
#   infra/container/build.sh server --build-arg BASE=localhost/debian:13-slim \
#     --build-arg NODE_IMAGE=localhost/node:24-trixie-slim
# usage: debian-bases.sh [FILE of certificates that npm is to trust beside its own]
set -eu

npm_version=11.6.2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

debian() { # NAME PACKAGES
  # What Debian's own slim images leave out.
  mmdebstrap --quiet --variant=minbase ${2:+"--include=$2"} \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    trixie "$work/$1.tar" http://deb.debian.org/debian
}

debian base ''
base=$(buildah from scratch)
buildah add --quiet "$base" "$work/base.tar" /
buildah config --cmd /bin/sh --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
buildah commit --quiet --rm "$base" localhost/debian:13-slim

# As the official image: Node and npm under /usr/local.
npm install --prefix "$work/npm" --no-save --ignore-scripts "npm@$npm_version"
node=$(buildah from localhost/debian:13-slim)
buildah copy --quiet "$node" "$(readlink -f "$root/node_modules/.bin/node")" /usr/local/bin/node
buildah copy --quiet "$node" "$work/npm/node_modules/npm" /usr/local/lib/node_modules/npm
buildah run --isolation chroot "$node" ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
if [ $# -gt 0 ]; then
  buildah copy --quiet "$node" "$1" /usr/local/etc/extra-certificates.pem
  buildah config --env NODE_EXTRA_CA_CERTS=/usr/local/etc/extra-certificates.pem "$node"
fi
buildah commit --quiet --rm "$node" localhost/node:24-trixie-slim
