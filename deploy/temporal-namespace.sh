#!/bin/sh
# Creates the namespace of Bypass if it does not exist. The control worker creates the search attributes.
# Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, as Temporal's CLI does.
set -eu

: "${TEMPORAL_ADDRESS:?is not set; it is the host:port of the Temporal server}"
namespace=${TEMPORAL_NAMESPACE:-default}
tries=60

until temporal operator cluster health >/dev/null 2>&1; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then
    echo "Temporal at $TEMPORAL_ADDRESS did not become healthy" >&2
    exit 1
  fi
  sleep 2
done

if temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1; then
  echo "Namespace $namespace is there"
else
  temporal operator namespace create --namespace "$namespace" --retention "${TEMPORAL_RETENTION:-30d}"
fi

# All parts of the server know a new namespace only after some seconds.
until temporal workflow list --namespace "$namespace" --limit 1 >/dev/null 2>&1; do
  tries=$((tries - 1))
  if [ "$tries" -le 0 ]; then
    echo "Namespace $namespace does not answer" >&2
    exit 1
  fi
  sleep 2
done
