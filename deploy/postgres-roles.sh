#!/bin/sh
# The postgres image runs this once, for a new data folder. It makes a role and a database for Bypass, and a role and two
# databases for Temporal, so that neither can read the other's data.
set -eu

psql --set ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" \
  --set bypass_password="$BYPASS_DATABASE_PASSWORD" --set temporal_password="$TEMPORAL_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE bypass LOGIN PASSWORD :'bypass_password';
CREATE DATABASE bypass OWNER bypass;
REVOKE CONNECT ON DATABASE bypass FROM PUBLIC;

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility FROM PUBLIC;
SQL
