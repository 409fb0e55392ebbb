#!/bin/bash
# Run once by the postgres image, when its volume is empty: the two roles the site works as.
# Neither owns anything. The migrations grant them what they may do, and would make them too, but
# without the passwords they need over the network.
set -euo pipefail

# The passwords go through psql's environment: a command line can be read by everybody.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv web_password REG_WEB_PASSWORD
\getenv worker_password REG_WORKER_PASSWORD
CREATE ROLE reg_web LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'web_password';
CREATE ROLE reg_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'worker_password';
SQL
