import { type Kysely, sql } from 'kysely';

/** The newest job of a resource is asked for by those who do not have its id. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index async_job_instance on async_job (instance_uuid, id)`.execute(db);
}
