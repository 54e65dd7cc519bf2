-- Run once by the postgres image, after tenants/roles.sql, when the data volume is new. The passwords come from the
-- container's environment and appear in no command line.
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
ALTER ROLE schoolsbuddy_owner PASSWORD :'owner_password';
ALTER ROLE schoolsbuddy_app PASSWORD :'app_password';
