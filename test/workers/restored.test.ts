import { randomUUID } from 'node:crypto';
import { recordInvite } from '../../db/hosts/invites.ts';
import { createOperatorRows } from '../support/operator-rows.ts';
import { freshDatabase } from '../support/postgres.ts';
import { run } from '../../workers/restored.ts';
import { readSettings } from '../../workers/settings.ts';

test('`bypass admin restored` settles a database, and says what it did', async () => {
  const database = await freshDatabase();
  const { db, url } = database;
  try {
    await createOperatorRows(db, { zone: 'zone-1', cluster: 'cluster-1' });
    await recordInvite(db, { id: randomUUID(), secretHash: 'hash', expiresHours: 24 });
    const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    await run(readSettings({ databaseUrl: url }, {}));
    expect(written.mock.calls.flat().join('')).toMatch(
      /restored to an earlier moment: 0 jobs of virtual machines ended, 1 unused invites were removed/,
    );
    written.mockRestore();
    expect(await db.selectFrom('host_invite').select('uuid').execute()).toEqual([]);
    expect(await db.selectFrom('event').select('type').execute()).toEqual([{ type: 'DATABASE.RESTORE' }]);
  } finally {
    await database.close();
  }
});
