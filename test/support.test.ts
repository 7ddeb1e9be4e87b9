import { freshDatabase } from './support/postgres.ts';
import { testTemporal } from './support/temporal.ts';

test('a database and a namespace of its own', async () => {
  const [one, two] = await Promise.all([freshDatabase(), freshDatabase()]);
  const temporal = await testTemporal();
  try {
    expect(await one.db.selectFrom('guest_os').selectAll().execute()).not.toHaveLength(0);
    expect(one.url).not.toBe(two.url);
    const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({
      namespace: temporal.namespace,
    });
    expect(Object.keys(customAttributes)).toContain('PoolId');
  } finally {
    await Promise.all([one.close(), two.close(), temporal.close()]);
  }
});
