#!/bin/sh
# Copies the module of docker's command, whose login is in internal packages, and puts our main package into the copy.
set -eu
module="$(go mod download -json | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')"
cp -r "$module" "$1"
chmod -R u+w "$1"
cp "$1/vendor.mod" "$1/go.mod"
cp "$1/vendor.sum" "$1/go.sum"
mkdir "$1/cmd/login"
cp main.go "$1/cmd/login"
