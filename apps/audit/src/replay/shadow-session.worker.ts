import pg from 'pg';

/** A session that reads everything and can write nothing but `audit` and `shadow_*`: Postgres refuses the rest. */
export interface ShadowSession {
  query<R>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** All of `work` or nothing of it. `snapshot`: whatever it asks, it is answered as of its first question. */
  transaction<T>(work: () => Promise<T>, seeing?: 'latest' | 'snapshot'): Promise<T>;
  close(): Promise<void>;
}

/** The database cannot be had in the way that a replay needs it. */
export class SessionRefused extends Error {}

const ROLE = 'carat_audit';

const WRITABLE = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'audit' AND n.nspname !~ '^(shadow_|pg_|information_schema$)'
    AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') LIMIT 1`;

/**
 * Opens a session for a replay. Where the URL's own user could write to a service's table, the session gives that up
 * and acts as the role `carat_audit`; a user that may make roles makes it, for the embedded Postgres has nobody else.
 * @throws SessionRefused when the session could write elsewhere all the same; the error of the connection
 */
export async function openShadowSession(databaseUrl: string): Promise<ShadowSession> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'carat-replay',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // What breaks between two questions is told by the next one.
  client.on('error', () => undefined);
  const query: ShadowSession['query'] = async (text, values) => (await client.query(text, values && [...values])).rows;
  try {
    await client.connect();
    if (await writable(query)) await actAsAudit(query);
    const name = await writable(query);
    if (name !== undefined) throw new SessionRefused(`the role ${ROLE} may write to ${name}, so nothing is replayed`);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return {
    query,
    async transaction(work, seeing = 'latest') {
      await query(seeing === 'latest' ? 'BEGIN' : 'BEGIN ISOLATION LEVEL REPEATABLE READ');
      try {
        const done = await work();
        await query('COMMIT');
        return done;
      } catch (error) {
        await query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
    close: () => client.end(),
  };
}

const writable = async (query: ShadowSession['query']): Promise<string | undefined> =>
  (await query<{ name: string }>(WRITABLE))[0]?.name;

async function actAsAudit(query: ShadowSession['query']): Promise<void> {
  const [known] = await query<{ may: boolean }>(
    `SELECT pg_has_role(oid, 'MEMBER') AS may FROM pg_roles WHERE rolname = $1`,
    [ROLE],
  );
  if (known === undefined) await makeRole(query);
  else if (!known.may)
    throw new SessionRefused(`the user of DATABASE_URL may not act as the role ${ROLE}: GRANT ${ROLE} to it`);
  const [{ lacks, database }] = (await query(
    `SELECT NOT has_database_privilege($1, current_database(), 'CREATE') AS lacks,
            quote_ident(current_database()) AS database`,
    [ROLE],
  )) as [{ lacks: boolean; database: string }];
  if (lacks) await query(`GRANT CREATE ON DATABASE ${database} TO ${ROLE}`);
  await query(`SET ROLE ${ROLE}`);
}

const ALREADY_THERE = new Set(['42710', '23505']);

async function makeRole(query: ShadowSession['query']): Promise<void> {
  try {
    await query(`CREATE ROLE ${ROLE} NOLOGIN`);
    await query(`GRANT pg_read_all_data TO ${ROLE}`);
  } catch (error) {
    if (ALREADY_THERE.has(String((error as { code?: string }).code))) return;
    throw new SessionRefused(`there is no role ${ROLE}, and it cannot be made: ${(error as Error).message}`);
  }
}
