import { type Kysely, sql } from 'kysely';

/** API keys are kept as hashes; a host's request to join counts once. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table "user" rename column api_key to api_key_hash`.execute(db);
  await sql`
    update "user" set api_key_hash = encode(sha256(convert_to(api_key_hash, 'UTF8')), 'hex')`.execute(db);
  await sql`alter table host add column joined_at timestamptz, add column joined_run text`.execute(db);
}
