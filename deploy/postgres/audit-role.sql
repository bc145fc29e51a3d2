-- The role of those who prove the books: it reads everything, and writes nothing but what an audit makes for itself, in
-- schemas that it creates (`shadow_…`) and in what is later added to the schema `audit`. The seals, and all that a
-- notary keeps, it reads only. Run it once as a superuser, after the services have started for the first time:
--
--   psql "$DATABASE_URL" --file deploy/postgres/audit-role.sql
--   psql "$DATABASE_URL" --command "CREATE ROLE nina LOGIN PASSWORD '…' IN ROLE carat_audit"
--
-- and give `carat audit` a DATABASE_URL with that name. Running it again changes nothing.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carat_audit') THEN
    CREATE ROLE carat_audit NOLOGIN;
  END IF;
  -- Schemas can be made, and nothing in those of others.
  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO carat_audit', current_database());
END $$;
GRANT pg_read_all_data TO carat_audit;
GRANT USAGE, CREATE ON SCHEMA audit TO carat_audit;
-- Whoever may create in `public` could put a function where others look for theirs.
REVOKE CREATE ON SCHEMA public FROM carat_audit;
