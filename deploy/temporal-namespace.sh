#!/bin/sh
# Makes the namespace and our search attributes where they are missing. Running it again is harmless.
# Needs TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and HISTORY_KEPT (for example 720h).
set -eu
tries_max=60

tries=0
until temporal operator cluster health > /dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge "$tries_max" ]; then
        echo "Temporal at $TEMPORAL_ADDRESS did not become healthy" >&2
        exit 1
    fi
    sleep 2
done

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1; then
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$HISTORY_KEPT"
fi

# A new namespace is known to the whole server after some seconds only.
tries=0
until known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" 2> /dev/null); do
    tries=$((tries + 1))
    [ "$tries" -lt "$tries_max" ] || { echo "the namespace $TEMPORAL_NAMESPACE cannot be read" >&2; exit 1; }
    sleep 2
done

for attribute in SeamlineReference:Keyword SeamlineStatus:Keyword SeamlineTeam:Keyword SeamlineCause:Keyword \
    SeamlineDue:Datetime; do
    name=${attribute%:*}
    # Unquoted, so that lines and columns become single spaces.
    # shellcheck disable=SC2086,SC2116
    case " $(echo $known) " in
        *" $name "*) ;;
        *) temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" \
            --type "${attribute#*:}" ;;
    esac
done
