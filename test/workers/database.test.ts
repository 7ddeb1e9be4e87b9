import { sql } from 'kysely';
import { connectDatabase } from '../../workers/database.ts';
import { StartError } from '../../workers/start-error.ts';
import { readSettings } from '../../workers/settings.ts';
import { freshDatabase } from '../support/postgres.ts';

test('a process refuses a database from before the first release, with what to do in one line', async () => {
  const database = await freshDatabase({ empty: true });
  try {
    await sql`create table kysely_migration (name text)`.execute(database.db);
    await sql`insert into kysely_migration values ('0001-initial'), ('0002-compression')`.execute(
      database.db,
    );
    const connecting = connectDatabase(readSettings({ databaseUrl: database.url }, {}));
    await expect(connecting).rejects.toThrow(StartError);
    await expect(connecting).rejects.toThrow(
      /^This database was made before the first release of Bypass, .* drop it and create an empty one .*\(PostgreSQL at .*\)$/,
    );
  } finally {
    await database.close();
  }
});
