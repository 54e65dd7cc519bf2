-- The three roles of SchoolsBuddy. Plain SQL for a superuser connected to SchoolsBuddy's own database; run it as often
-- as you like. It sets no password: the local stack and docker-compose.yml do that beside it.
--
--   schoolsbuddy_owner   owns the database and migrates it; CREATEDB for the databases of the tests
--   schoolsbuddy_app     the site and the workers; owns nothing, so row-level security always binds it
--   schoolsbuddy_reader  reads across schools; nobody signs in as it, the site takes it with SET ROLE and gives it back

DO $$
DECLARE
    wanted text;
BEGIN
    IF current_database() IN ('postgres', 'template0', 'template1') THEN
        RAISE EXCEPTION 'connect to the database of SchoolsBuddy, not to %', current_database();
    END IF;
    FOREACH wanted IN ARRAY ARRAY['schoolsbuddy_owner', 'schoolsbuddy_app', 'schoolsbuddy_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;

-- Said again on every run, so that an attribute given by hand does not stay.
ALTER ROLE schoolsbuddy_owner LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE schoolsbuddy_app LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE schoolsbuddy_reader NOLOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS;

-- INHERIT FALSE: the site never reads across schools by accident, only after saying SET ROLE.
GRANT schoolsbuddy_reader TO schoolsbuddy_app WITH INHERIT FALSE, SET TRUE, ADMIN FALSE;

DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO schoolsbuddy_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    -- TEMPORARY: the sync copies a roster into a staging table of its own session.
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO schoolsbuddy_app', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO schoolsbuddy_app, schoolsbuddy_reader;
