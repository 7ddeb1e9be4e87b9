import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLedger } from '../../../images/pools/ledger.ts';

const image = { sha256: 'ab'.repeat(32), size: 4096 };

describe('the images of a template in the ledger of a host', () => {
  let stateDir: string;
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'ledger-'));
  });
  afterEach(() => rm(stateDir, { recursive: true }));

  test('are those that this start of the host noted, and those of starts before, but for what was forgotten since', async () => {
    const [templateId, other] = [randomUUID(), randomUUID()];
    const [before, now, forgotten, elsewhere] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await openLedger(stateDir).noteImage(before, { ...image, templateId });
    const ledger = openLedger(stateDir);
    expect(await ledger.copiesOf(templateId)).toEqual([before]);
    for (const copyId of [now, forgotten]) await ledger.noteImage(copyId, { ...image, templateId });
    await ledger.noteImage(elsewhere, { ...image, templateId: other });
    await ledger.noteImage(randomUUID(), image);
    expect((await ledger.copiesOf(templateId)).toSorted()).toEqual([before, now, forgotten].toSorted());
    // Copies are removed by another thread, which has a ledger of its own.
    await openLedger(stateDir).forget(forgotten);
    expect((await ledger.copiesOf(templateId)).toSorted()).toEqual([before, now].toSorted());
    expect(await ledger.copiesOf(other)).toEqual([elsewhere]);
    expect(await ledger.copiesOf(randomUUID())).toEqual([]);
  });

  test('are found without reading the notes of all images again', async () => {
    const templateId = randomUUID();
    const ledger = openLedger(stateDir);
    const own = randomUUID();
    await ledger.noteImage(own, { ...image, templateId });
    expect(await ledger.copiesOf(templateId)).toEqual([own]);
    // A note that only a look at all of them would find.
    const folder = join(stateDir, 'copies');
    const unseen = JSON.stringify({ v: 1, image: { ...image, templateId } });
    await writeFile(join(folder, `${randomUUID()}.json`), unseen);
    expect(await ledger.copiesOf(templateId)).toEqual([own]);
    expect(await readdir(folder)).toHaveLength(2);
  });

  test('are read again after they could not be read', async () => {
    const templateId = randomUUID();
    const own = randomUUID();
    await openLedger(stateDir).noteImage(own, { ...image, templateId });
    const folder = join(stateDir, 'copies');
    await rename(folder, join(stateDir, 'away'));
    await writeFile(folder, 'no folder');
    const ledger = openLedger(stateDir);
    await expect(ledger.copiesOf(templateId)).rejects.toThrow('ENOTDIR');
    await rm(folder);
    await rename(join(stateDir, 'away'), folder);
    expect(await ledger.copiesOf(templateId)).toEqual([own]);
  });
});
