/**
 * Statements that PostgreSQL prepares: each connection reads and plans the same text only once, and most of what a short
 * statement costs is that. PostgreSQL plans anew what a migration changed; where the columns of a result would change, it
 * refuses the statement instead, so that statements with `*` are not prepared.
 */
import type { PoolClient } from 'pg';
import type { PostgresPoolClient } from 'kysely';

/** Each connection keeps its plans, so that texts which vary without end must not all be prepared. */
const MAX_TEXTS = 400;
const ALL_COLUMNS = /(?:select|returning) \*|\.\*/;

/** Text → its name. All connections of the process share the names. */
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_TEXTS || ALL_COLUMNS.test(text)) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}

const preparing = new WeakMap<PoolClient, PostgresPoolClient>();

/** The same connection, which prepares what has parameters. */
export function preparingClient(client: PoolClient): PostgresPoolClient {
  const known = preparing.get(client);
  if (known !== undefined) return known;
  const query = (text: string, values: readonly unknown[]): Promise<unknown> => {
    const name = values.length === 0 ? undefined : nameOf(text);
    return client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
  };
  const made = { query, release: () => client.release() } as PostgresPoolClient;
  preparing.set(client, made);
  return made;
}
