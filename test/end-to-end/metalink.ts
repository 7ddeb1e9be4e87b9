/** Registrations and deployments through metalinks with good and bad mirrors. */
import { readFile } from 'node:fs/promises';
import { rawDisk, sha256 } from '../support/images.ts';
import { metalink3, metalink4 } from '../support/metalinks.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';

const MIB = 1_048_576;
const DEAD = 'http://127.0.0.1:9/dead.img';
const body = rawDisk(4 * MIB);

/** @param opened returns the lab, once it is open */
export function metalinks(opened: () => EndToEnd): void {
  let lab: EndToEnd;
  beforeAll(() => {
    lab = opened();
  });

  const versions = [
    ['version 4, by priority', metalink4],
    ['version 3, by preference', metalink3],
  ] as const;
  test.each(casesOfForm(versions))(
    '%s: a dead first mirror is reported, the second one gives the file',
    async (_name, document) => {
      lab.server.serve('/good.img', { body });
      const urls = [DEAD, lab.server.url('/good.img')];
      lab.server.serve('/a.metalink', { body: document(urls, { size: body.length, sha256: sha256(body) }) });
      const image = await lab.register({ url: lab.server.url('/a.metalink') });
      expect(image).toMatchObject({ isready: true, size: body.length });
      const [deployed] = await lab.deploy(image.id);
      expect(deployed).toMatchObject({ state: 'Ready', sha256: sha256(body) });
      expect((await readFile(deployed?.localpath ?? '')).equals(body)).toBe(true);
    },
  );

  test('a metalink of bad URLs is refused with a reason for each, and leaves nothing', async () => {
    lab.server.serve('/gone.img', { status: 404 });
    lab.server.serve('/page.img', { body: Buffer.from('<!DOCTYPE html><title>Log in</title>') });
    const urls = [DEAD, lab.server.url('/gone.img'), lab.server.url('/page.img')];
    lab.server.serve('/bad.metalink', { body: metalink4(urls) });
    const refusal = await lab.refused({ url: lab.server.url('/bad.metalink'), name: 'only-bad' });
    expect(refusal.errorcode).toBe(530);
    for (const url of urls) expect(refusal.errortext).toContain(url);
    expect(refusal.errortext).toContain('404');
    expect(refusal.errortext).toContain('HTML');
    expect(await lab.templates({ name: 'only-bad' })).toEqual([]);
    expect(await lab.rowsNamed('only-bad')).toBe(0);
  });

  if (isFullRun)
    test('mirrors that disagree in size are refused before the transfer', async () => {
      lab.server.serve('/one.img', { body });
      lab.server.serve('/two.img', { body: rawDisk(5 * MIB) });
      const urls = [lab.server.url('/one.img'), lab.server.url('/two.img')];
      lab.server.serve('/differ.metalink', { body: metalink4(urls) });
      const refusal = await lab.refused({ url: lab.server.url('/differ.metalink') });
      expect(refusal.errortext).toMatch(/size/);
    });

  if (isFullRun)
    test("a user's checksum that contradicts the metalink's is refused", async () => {
      lab.server.serve('/good.img', { body });
      const document = metalink4([lab.server.url('/good.img')], { size: body.length, sha256: sha256(body) });
      lab.server.serve('/c.metalink', { body: document });
      const refusal = await lab.refused({
        url: lab.server.url('/c.metalink'),
        checksum: `{SHA-256}${'0'.repeat(64)}`,
      });
      expect(refusal.errortext).toMatch(/checksum/i);
    });

  test('a mirror that fails in mid-body is left for the next one, and the timeline shows both', async () => {
    lab.server.serve('/dies.img', (n) => (n === 0 ? { body } : { body, cutAfter: MIB, ranges: false }));
    lab.server.serve('/lives.img', { body });
    const urls = [lab.server.url('/dies.img'), lab.server.url('/lives.img')];
    lab.server.serve('/dies.metalink', {
      body: metalink4(urls, { size: body.length, sha256: sha256(body) }),
    });
    const image = await lab.register({ url: lab.server.url('/dies.metalink') });
    const [deployed] = await lab.deploy(image.id);
    expect(deployed).toMatchObject({ state: 'Ready', sha256: sha256(body) });
    const tries = deployed?.attempts.map(({ source, errorkind }) => [source, errorkind]) ?? [];
    expect(tries[0]).toEqual([urls[0], 'ConnectionLost']);
    expect(tries.at(-1)).toEqual([urls[1], undefined]);
  });
}
