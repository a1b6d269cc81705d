#!/bin/sh
# Installs the libraries of Standard Webhooks for other languages into a folder, as far as their tools are on the machine: .ci/run does so, and
# test/e2e/interoperability.test.ts finds them by BULLSEYE_LIBRARIES. What is there already is left as it is.
set -u
here=$(cd "$(dirname "$0")" && pwd)
folder=$1

# library <language> <tool> <command>: the command runs in the language's own folder, which is there afterwards if it has succeeded.
library() {
  [ -e "$folder/$1" ] && return
  command -v "$2" > /dev/null || { echo "Standard Webhooks for $1 is not tried: $2 is not on this machine."; return; }
  mkdir -p "$folder/$1.new"
  if (cd "$folder/$1.new" && eval "$3"); then mv "$folder/$1.new" "$folder/$1"; else echo "Standard Webhooks for $1 could not be installed."; fi
}

library python python3 'python3 -m pip install --quiet --disable-pip-version-check --upgrade --target . standardwebhooks==1.1.0'
library go go '{ [ -e go.mod ] || go mod init libraries; } && go get github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1'
library rust cargo "cp '$here/Cargo.toml' '$here/verify.rs' . && cargo fetch --quiet"
library java mvn 'mvn --quiet --batch-mode dependency:copy -Dartifact=com.standardwebhooks:standardwebhooks:1.1.1 -DoutputDirectory=.'
