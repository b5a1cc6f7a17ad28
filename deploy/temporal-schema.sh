#!/bin/sh
# Creates Temporal's two databases in PostgreSQL, or brings their schema up to this version. Running it again is harmless.
set -eu
SQL_PASSWORD=$(cat /run/secrets/postgres_password)
export SQL_PASSWORD

schema() {
    SQL_DATABASE=$1 temporal-sql-tool create-database
    SQL_DATABASE=$1 temporal-sql-tool setup-schema -v 0.0
    SQL_DATABASE=$1 temporal-sql-tool update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
