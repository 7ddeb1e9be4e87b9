import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { randomUUID } from 'node:crypto';
import { openCopy } from '../../db/copies/copies.ts';
import { evidenceRow } from '../../db/evidence.ts';
import { attemptsOf, listDeployments } from '../../db/copies/listing.ts';
import { failCopy, finishCopy, recordAttempt } from '../../db/copies/outcomes.ts';
import type { ImageEvidence } from '../../model/evidence.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

let lab: DbLab;
beforeAll(async () => {
  lab = await openDbLab();
});
afterAll(() => lab.close());

const qcow2: ImageEvidence = {
  looked: 'file',
  fileSize: 600,
  found: ['qcow2'],
  qcow2: {
    version: 3,
    clusterSize: 65_536,
    virtualSize: 2 ** 40,
    l1Entries: 1,
    refcountTable: 65_536,
    refcountBits: 16,
    snapshots: 0,
    features: ['lazy refcounts'],
    compression: 'zlib',
    tables: { l2Tables: 1, dataClusters: 2, compressedClusters: 0, zeroClusters: 0 },
  },
};

const gpt = (name: string, count: number): ImageEvidence => ({
  looked: 'head',
  fileSize: 0,
  found: ['raw'],
  partitionTable: {
    kind: 'gpt',
    sectorSize: 512,
    partitions: Array.from({ length: count }, (_, i) => ({
      number: i + 1,
      type: 't',
      start: 0,
      size: 1,
      name,
    })),
  },
});

const stored = (given: unknown): unknown => JSON.parse(evidenceRow(given as ImageEvidence) ?? 'null');

describe('evidence as it is stored', () => {
  test.each([qcow2, gpt('root', 2)])('is what was found', (evidence) => {
    expect(stored(evidence)).toEqual(evidence);
  });

  test('is printable and small, whatever a file or a host says', () => {
    const name = `\u001b[2J${'é'.repeat(1000)}`;
    const row = evidenceRow(gpt(name, 5000));
    expect(row?.length).toBeLessThan(4000);
    expect(row).toMatch(/^[\x20-\x7e]*$/);
    const features = Array.from({ length: 10_000 }, () => 'bit');
    expect(stored({ ...qcow2, qcow2: { ...qcow2.qcow2, features } })).toMatchObject({
      qcow2: { features: Array.from({ length: 32 }, () => 'bit') },
    });
    expect(stored({ ...qcow2, more: 'x'.repeat(1e6) })).toEqual(qcow2);
  });

  test.each([
    [undefined],
    [null],
    ['text'],
    [{}],
    [{ ...qcow2, found: 7 }],
    [{ ...qcow2, fileSize: Infinity }],
  ])('is null when the input is no evidence: %j', (given) => {
    expect(evidenceRow(given as unknown as ImageEvidence)).toBeNull();
  });
});

test('evidence is kept with the copy, and with tries whose file was refused', async () => {
  const host = await lab.addHost();
  const pool = await lab.addPool(host.uuid);
  const { uuid: templateId } = await lab.addTemplate();
  const copy = { templateId, poolId: pool.id };
  const { copyId } = await openCopy(lab.db, copy, 'w', PROTOCOLS);
  const now = new Date().toISOString();
  const refused = {
    source: 'http://a/',
    startedAt: now,
    endedAt: now,
    bytes: 1,
    failure: { kind: 'HostileImage', message: 'has a backing file' },
    evidence: gpt('root', 1),
  } as const;
  const outcome = () => ({ copy, outcomeId: randomUUID(), workflowId: 'w' });
  const attempt = { attemptId: randomUUID(), hostId: host.uuid, hostName: 'h', tries: [refused] };
  await recordAttempt(lab.db, copy, attempt);
  const row = async () => (await listDeployments(lab.db, { templateId }, { limit: 1, offset: 0 })).rows[0];
  expect(await row()).toMatchObject({ evidence: null });

  await finishCopy(lab.db, outcome(), {
    attempt: { ...attempt, tries: [] },
    result: {
      v: 1,
      hostId: host.uuid,
      size: 600,
      physicalSize: 512,
      virtualSize: 600,
      fetched: 600,
      sha256: 'ab',
      evidence: qcow2,
      installPath: copyId,
      localPath: `/pool/${copyId}`,
      tries: [],
      pool,
    },
  });
  const found = await row();
  expect(found).toMatchObject({ evidence: qcow2 });
  expect(await attemptsOf(lab.db, [found?.id ?? 0], 5)).toMatchObject([{ evidence: refused.evidence }]);

  // It says nothing of the next file.
  await lab.db
    .updateTable('template_spool_ref')
    .set({ state: 'Failed' })
    .where('uuid', '=', copyId)
    .execute();
  await openCopy(lab.db, copy, 'w', PROTOCOLS);
  await failCopy(lab.db, outcome(), { code: 530, text: 'gone' });
  expect(await row()).toMatchObject({ evidence: null });
});
