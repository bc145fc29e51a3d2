#!/bin/sh
# `gift-service` starts that service; anything else is run as it stands, for example `npx carat keys list`.
set -eu
cd /carat
main="apps/${1:-gift-service}/dist/main.js"
case "${1:-gift-service}" in
  *-service | ops-console | fake-provider) exec node --enable-source-maps "$main" ;;
  notary) exec node --enable-source-maps apps/audit/dist/main.js ;;
  *) exec "$@" ;;
esac
