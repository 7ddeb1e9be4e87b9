/** Templates whose file is packed: what is planned for them, and what is learnt at the first deployment. */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { randomUUID } from 'node:crypto';
import { openCopy } from '../../db/copies/copies.ts';
import { finishCopy } from '../../db/copies/outcomes.ts';
import { completeRegistration } from '../../db/templates/registrations.ts';
import type { UrlReport } from '../../model/source.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

const url: UrlReport = {
  url: 'http://origin.test/d.raw.xz',
  priority: 1,
  reachable: true,
  size: 1000,
  ranges: true,
  virtualSize: 0,
  compression: 'xz',
};

const templateOf = (uuid: string) =>
  lab.db.selectFrom('vm_template').where('uuid', '=', uuid).selectAll().executeTakeFirstOrThrow();

test('room is reserved for the image beside its compressed file, and its size is known once it is unpacked', async () => {
  const host = await lab.addHost();
  const pool = await lab.addPool(host.uuid);
  const { uuid: templateId } = await lab.addTemplate();
  await completeRegistration(lab.db, templateId, {
    accepted: true,
    size: 1000,
    virtualSize: 0,
    compression: 'xz',
    unpackedSize: 4000,
    mirrors: [url],
  });
  expect(await templateOf(templateId)).toMatchObject({ size: 1000, virtual_size: 0, compression: 'xz' });
  const copy = { templateId, poolId: pool.id };
  const plan = await openCopy(lab.db, copy, 'w', PROTOCOLS);
  expect(plan).toMatchObject({ size: 1000, planned: 5000 });

  const attempt = { attemptId: randomUUID(), hostId: host.uuid, hostName: 'h', tries: [] };
  await finishCopy(
    lab.db,
    { copy, outcomeId: randomUUID(), workflowId: 'w' },
    {
      attempt,
      result: {
        v: 1,
        hostId: host.uuid,
        size: 4096,
        physicalSize: 2048,
        virtualSize: 4096,
        transferred: 1000,
        fetched: 1000,
        sha256: 'ab'.repeat(32),
        installPath: plan.copyId,
        localPath: `/pool/${plan.copyId}`,
        tries: [],
        pool,
      },
    },
  );
  expect(await templateOf(templateId)).toMatchObject({ size: 1000, virtual_size: 4096 });
});

test('a file that is not compressed needs space for itself only', async () => {
  const host = await lab.addHost();
  const pool = await lab.addPool(host.uuid);
  const { uuid: templateId } = await lab.addTemplate();
  expect(await openCopy(lab.db, { templateId, poolId: pool.id }, 'w', PROTOCOLS)).toMatchObject({
    planned: 600,
  });
});
