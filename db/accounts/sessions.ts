/** Who is logged in. */
import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { type User, users } from './accounts.ts';
import type { Queryable } from '../database.ts';

/** What the browser keeps: the token in a cookie that scripts cannot read, the key in each call. */
export interface SessionSecrets {
  readonly token: string;
  readonly key: string;
}

/** Seconds: however much it is used, who logged in logs in again after a day. */
const LONGEST = 86_400;
/** Seconds: a session that is in use is written down so often, not at each call. */
const NOTED_EVERY = 30;

const hash = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
const randomSecret = (): string => randomBytes(32).toString('base64url');

export async function openSession(db: Queryable, userId: number): Promise<SessionSecrets> {
  const secrets = { token: randomSecret(), key: randomSecret() };
  await db
    .insertInto('session')
    .values({ token_hash: hash(secrets.token), key_hash: hash(secrets.key), user_id: userId })
    .execute();
  return secrets;
}

/**
 * The user of a session that is still good; using it keeps it so.
 * @param idle seconds after which an unused session expires
 */
export async function findSession(
  db: Queryable,
  { token, key }: SessionSecrets,
  idle: number,
): Promise<User | undefined> {
  const row = await users(db)
    .innerJoin('session', 'session.user_id', 'user.id')
    .where('session.token_hash', '=', hash(token))
    .where('session.key_hash', '=', hash(key))
    .where('session.last_used', '>', sql<Date>`now() - ${idle} * interval '1 second'`)
    .where('session.created', '>', sql<Date>`now() - ${LONGEST} * interval '1 second'`)
    .select([
      'session.id as sessionId',
      sql<boolean>`session.last_used < now() - ${NOTED_EVERY} * interval '1 second'`.as('stale'),
    ])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { sessionId, stale, ...user } = row;
  if (stale) {
    await db
      .updateTable('session')
      .set({ last_used: sql`now()` })
      .where('id', '=', sessionId)
      .execute();
  }
  return user;
}

/** Those of the tokens whose sessions have not been ended. */
export async function openTokens(db: Queryable, tokens: readonly string[]): Promise<ReadonlySet<string>> {
  const byHash = new Map(tokens.map((token) => [hash(token), token]));
  const { rows } = await sql<{ readonly token_hash: string }>`
    select token_hash from session where token_hash = any(${[...byHash.keys()]}::text[])`.execute(db);
  return new Set(rows.flatMap(({ token_hash }) => byHash.get(token_hash) ?? []));
}

/** Ends a session, and takes the occasion to forget those that are over. */
export async function closeSession(db: Queryable, token: string, idle: number): Promise<void> {
  await db
    .deleteFrom('session')
    .where((where) =>
      where.or([
        where('token_hash', '=', hash(token)),
        where('last_used', '<', sql<Date>`now() - ${idle} * interval '1 second'`),
      ]),
    )
    .execute();
}
