#!/bin/sh
# Makes the folder of secrets that docker-compose.yml mounts. What is there already is left as it is.
#
#   deploy/make-secrets.sh [FOLDER]
#
# Only its owner can enter the folder. The files in it are readable by all, since each container mounts them by itself
# and runs as a user of its own.
set -eu
folder=${1:-secrets}

random() {
    [ -s "$folder/$1" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$folder/$1"
}

mkdir -p "$folder/worker" "$folder/api"
chmod 700 "$folder"
chmod 755 "$folder/worker" "$folder/api"
random postgres_password
random api/api__token
find "$folder" -type f -exec chmod 444 {} +
echo "$folder is ready: add one file a secret to worker/ (accounts) and api/ (webhook secrets)."
