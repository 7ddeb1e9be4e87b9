/**
 * Zombies: a host is suspended for longer than hosts may be silent, so that it counts as dead. Another host finishes the
 * download on their shared pool. Then the first host continues where it was suspended.
 */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { AFTER_LINK, BEFORE_LINK, LOST_BY_A_DEATH } from './deaths.ts';
import type { DeadlyFile } from './deaths.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { startMortalHost } from './mortal-hosts.ts';
import type { MortalHost } from './mortal-hosts.ts';
import type { Moment } from './planned-deaths.ts';

export interface Zombie {
  readonly name: string;
  moment(file: DeadlyFile): Moment;
  /** Maximum number of bytes that the other host fetches again. */
  readonly again: number;
}

export const ZOMBIES: readonly Zombie[] = [
  {
    name: 'half of a piece is written',
    moment: ({ sent }) => ({
      call: 'write',
      path: '\\.part$',
      when: 'half',
      size: sent.length * 0.6,
    }),
    again: LOST_BY_A_DEATH,
  },
  {
    name: 'the inspection begins',
    moment: ({ sent }) => ({ call: 'read', path: '\\.part$', when: 'before', size: sent.length }),
    again: 0,
  },
  {
    name: 'the file is about to be linked',
    moment: () => BEFORE_LINK,
    again: 0,
  },
  {
    name: 'the file is linked, and its temporary names still exist',
    moment: () => AFTER_LINK,
    again: 0,
  },
];

/** @throws the first violated expectation */
export async function standStillAndGoOn(
  lab: EndToEnd,
  zombie: Zombie,
  { name, file }: { readonly name: string; readonly file: DeadlyFile },
): Promise<void> {
  const kind = 'NetworkFilesystem:ZONE';
  const host = await startMortalHost(lab, { name, kind });
  let heir: MortalHost | undefined;
  try {
    const { pool, zoneId } = host;
    const url = lab.server.url(`/${name}`);
    lab.server.serve(`/${name}`, { body: file.sent });
    const image = await lab.register({ url, format: file.format, zoneid: zoneId });
    const before = lab.server.seen(`/${name}`).bytes;
    await host.plan({ ...zombie.moment(file), signal: 'SIGSTOP' });
    const asked = { templateid: image.id, zoneid: zoneId, storageid: pool.id };
    const { jobid } = await lab.call<{ readonly jobid: string }>('prepareTemplate', asked);
    await host.planned();
    heir = await startMortalHost(lab, { name: `${name}-heir`, kind, zoneId, path: pool.path });
    expect(await lab.job(jobid, 240_000)).toMatchObject({ jobstatus: 1 });
    const [copy] = await lab.deployments({ templateid: image.id });
    expect(copy).toMatchObject({ state: 'Ready', hostname: `${name}-heir` });
    const path = join(pool.path, copy?.installpath ?? '');
    const published = await stat(path);
    const held = await descriptors(host.pid(), pool.path);
    host.resume();
    const opened: Descriptor[] = [];
    await until('it is up again, and done with all files', async () => {
      const now = await descriptors(host.pid(), pool.path);
      opened.push(
        ...now.filter(
          ({ id, ino, writable }) => writable && ino === published.ino && !held.some((one) => one.id === id),
        ),
      );
      return now.length === 0 && (await lab.hosts()).find((one) => one.name === name)?.state === 'Up';
    });
    expect(opened).toEqual([]);
    const written = (await host.changes()).filter(
      (line) => line.includes(` ${published.ino} `) || line.endsWith(` ${path}`),
    );
    expect(written).toEqual([]);
    const { ino, size, mtimeMs } = await stat(path);
    expect({ ino, size, mtimeMs }).toEqual({
      ino: published.ino,
      size: published.size,
      mtimeMs: published.mtimeMs,
    });
    expect((await readFile(path)).equals(file.image)).toBe(true);
    expect((await readdir(pool.path)).filter((one) => !one.startsWith('.bypass-'))).toEqual([
      copy?.installpath,
    ]);
    expect(await lab.partsOf(pool)).toEqual([]);
    const fetched = lab.server.seen(`/${name}`).bytes - before;
    expect(fetched).toBeLessThanOrEqual(1.05 * file.sent.length + zombie.again);
  } finally {
    await heir?.kill();
    await host.kill();
  }
}

interface Descriptor {
  /** Descriptor and file, since a descriptor number can be reused for another file. */
  readonly id: string;
  readonly ino: number;
  readonly writable: boolean;
}

/** Files of a folder that a process has open, including unlinked ones. */
async function descriptors(pid: number, folder: string): Promise<readonly Descriptor[]> {
  const numbers = await readdir(`/proc/${pid}/fd`);
  const found = await Promise.all(
    numbers
      .map(async (n) => {
        const target = await readlink(`/proc/${pid}/fd/${n}`);
        if (!target.startsWith(`${folder}/`)) return undefined;
        const { ino } = await stat(`/proc/${pid}/fd/${n}`);
        const info = await readFile(`/proc/${pid}/fdinfo/${n}`, 'utf8');
        const flags = Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '0', 8);
        return { id: `${n} ${ino}`, ino, writable: (flags & 3) !== 0 };
      })
      .map((look) => look.catch(() => undefined)),
  );
  return found.filter((one) => one !== undefined);
}
