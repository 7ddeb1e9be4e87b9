/** Moments at which the host worker of a deployment is killed, and what must be true then and in the end. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTS_FOLDER } from '../../images/part-file.ts';
import { copyWorkflowId } from '../../model/names.ts';
import type { Behaviour } from '../support/image-server.ts';
import { until } from '../support/until.ts';
import type { EndToEnd, Image } from './lab.ts';
import type { Moment, MortalHost } from './mortal-hosts.ts';

const MIB = 1_048_576;
/** Bytes that a death may cost: one checkpoint, and what is under way in a connection. */
export const LOST_BY_A_DEATH = (64 + 8) * MIB;
const AGAIN = 1.05;

export interface DeadlyFile {
  readonly kind: 'raw' | 'packed';
  readonly format: 'RAW' | 'QCOW2';
  /** As the origin has it. */
  readonly sent: Buffer;
  readonly image: Buffer;
}

/** One after the other, in processes that follow each other. */
type Death =
  | (Moment & { readonly at?: undefined })
  /** The origin gives so many bytes of an answer and holds back the rest, without bytes the headers, too. */
  | { readonly at: 'origin'; readonly bytes?: number }
  /** Temporal has the result of the download, and the database does not take it. */
  | { readonly at: 'told' };

export interface Point {
  readonly phase: 'probe' | 'download' | 'hash' | 'decompress' | 'inspect' | 'publish' | 'record';
  readonly name: string;
  readonly only?: DeadlyFile['kind'];
  deaths(file: DeadlyFile): readonly Death[];
}

const at =
  (...deaths: readonly Death[]) =>
  (): readonly Death[] =>
    deaths;
const imageName = ({ kind }: DeadlyFile): string => (kind === 'raw' ? '\\.part$' : '\\.inflated$');
/** The n-th look of the inspection at the complete image. */
const look =
  (when: Moment['when'], nth: number) =>
  (file: DeadlyFile): readonly Death[] => [
    {
      call: 'read',
      path: imageName(file),
      when,
      nth,
      ...(file.kind === 'raw' ? { size: file.sent.length } : {}),
    },
  ];
const tidied = ({ kind }: DeadlyFile): number => (kind === 'raw' ? 2 : 3);
const inFolder = `${PARTS_FOLDER}/[^/]*$`;
const secondCheckpoint: Death = { call: 'rename', path: '\\.json$', when: 'after', nth: 2 };

export const POINTS: readonly Point[] = [
  { phase: 'probe', name: 'the origin holds the headers', deaths: at({ at: 'origin' }) },
  { phase: 'probe', name: 'half of the head is there', deaths: at({ at: 'origin', bytes: 30_000 }) },
  {
    phase: 'download',
    name: 'the folder of part files was made',
    deaths: at({ call: 'mkdir', path: `${PARTS_FOLDER}$`, when: 'after' }),
  },
  {
    phase: 'download',
    name: 'the part file was made',
    deaths: at({ call: 'open', path: '\\.part$', when: 'after' }),
  },
  { phase: 'download', name: 'the origin holds the headers', deaths: at({ at: 'origin' }) },
  {
    phase: 'download',
    name: 'the origin holds the last byte',
    deaths: ({ sent }) => [{ at: 'origin', bytes: sent.length - 1 }],
  },
  {
    phase: 'download',
    name: 'half of a piece is written',
    deaths: ({ sent }) => [{ call: 'write', path: '\\.part$', when: 'half', size: sent.length * 0.6 }],
  },
  {
    phase: 'download',
    name: 'a checkpoint is not synced',
    deaths: at({ call: 'datasync', path: '\\.part$', when: 'before', nth: 2 }),
  },
  {
    phase: 'download',
    name: 'a checkpoint is written beside the last one',
    deaths: at({ call: 'rename', path: '\\.json$', when: 'before', nth: 2 }),
  },
  { phase: 'download', name: 'a checkpoint is in place', deaths: at(secondCheckpoint) },
  {
    phase: 'hash',
    name: 'all is written, not all is hashed',
    deaths: ({ sent }) => [{ call: 'readSync', path: '\\.part$', when: 'before', size: sent.length }],
  },
  {
    phase: 'hash',
    name: 'bytes of a predecessor are hashed',
    deaths: at(secondCheckpoint, { call: 'readSync', path: '\\.part$', when: 'before', nth: 20 }),
  },
  {
    phase: 'hash',
    name: 'bytes of a predecessor are cut to its checkpoint',
    deaths: at(secondCheckpoint, { call: 'truncate', path: '\\.part$', when: 'after' }),
  },
  {
    phase: 'decompress',
    name: 'the program was started',
    only: 'packed',
    deaths: at({ call: 'spawn', path: 'xz$', when: 'after' }),
  },
  {
    phase: 'decompress',
    name: 'the third piece of what the program wrote is hashed',
    only: 'packed',
    deaths: at({ call: 'readSync', path: '\\.inflated$', when: 'before', nth: 3 }),
  },
  {
    phase: 'decompress',
    name: 'the head of what was unpacked is read',
    only: 'packed',
    deaths: at({ call: 'read', path: '\\.inflated$', when: 'before' }),
  },
  { phase: 'inspect', name: 'the first look begins', deaths: look('before', 1) },
  { phase: 'inspect', name: 'the second look ends', deaths: look('after', 2) },
  {
    phase: 'publish',
    name: 'the file has its mode',
    deaths: (file) => [{ call: 'chmod', path: imageName(file), when: 'after' }],
  },
  {
    phase: 'publish',
    name: 'the file is synced',
    deaths: (file) => [{ call: 'sync', path: imageName(file), when: 'after' }],
  },
  {
    phase: 'publish',
    name: 'it is about to be linked',
    deaths: at({ call: 'link', path: '.', when: 'before' }),
  },
  { phase: 'publish', name: 'it is linked', deaths: at({ call: 'link', path: '.', when: 'after' }) },
  {
    phase: 'publish',
    name: 'one of its temporary names is gone',
    deaths: at({ call: 'unlink', path: inFolder, when: 'after' }),
  },
  {
    phase: 'record',
    name: 'all is done, nobody is told',
    deaths: (file) => [{ call: 'unlink', path: inFolder, when: 'after', nth: tidied(file) }],
  },
  { phase: 'record', name: 'the database does not take it', deaths: at({ at: 'told' }) },
];

/** @throws whatever is not as it must be */
export async function dieAndGoOn(
  lab: EndToEnd,
  host: MortalHost,
  { point, file }: { readonly point: Point; readonly file: DeadlyFile },
): Promise<void> {
  const path = `/${point.phase}-${point.name}`.replaceAll(' ', '-');
  const run: Run = { lab, host, file, path };
  const deaths = point.deaths(file);
  serve(run);
  await rm(join(host.pool.path, PARTS_FOLDER), { recursive: true, force: true });
  const probing = point.phase === 'probe';
  const image = await (probing ? registerDying(run, deaths) : register(run));
  try {
    await deploy(run, image, probing ? [] : deaths);
  } finally {
    await host.forget();
    await host.start();
    await lab.delete('RAW', image.id);
  }
  expect(await published(run)).toEqual([]);
}

interface Run {
  readonly lab: EndToEnd;
  readonly host: MortalHost;
  readonly file: DeadlyFile;
  /** At the origin. */
  readonly path: string;
}

function register({ lab, host, file, path }: Run): Promise<Image> {
  return lab.register({ url: lab.server.url(path), format: file.format, zoneid: host.zoneId });
}

/** The caller is answered, whatever it is; the same call works once the host is back. */
async function registerDying(run: Run, [death]: readonly Death[]): Promise<Image> {
  if (death === undefined) return register(run);
  const dies = await arm(run, death);
  const asked = register(run).catch((error: unknown) => error as Error);
  await dies();
  await run.host.start();
  const answer = await asked;
  if (!(answer instanceof Error)) return answer;
  expect(answer.message).toContain('No host could look at the URL');
  return until('the registration works', () => register(run).catch(() => undefined));
}

async function deploy(run: Run, image: Image, deaths: readonly Death[]): Promise<void> {
  const { lab, file } = run;
  const { pool, zoneId } = run.host;
  const seen = lab.server.seen(run.path);
  const before = seen.bytes;
  let dies = deaths[0] === undefined ? undefined : await arm(run, deaths[0]);
  const asked = { templateid: image.id, zoneid: zoneId, storageid: pool.id };
  const { jobid } = await lab.call<{ readonly jobid: string }>('prepareTemplate', asked);
  for (const next of [...deaths.slice(1), undefined]) {
    await dies?.(image);
    await absentOrWhole(run);
    dies = next === undefined ? undefined : await arm(run, next);
    await run.host.start();
  }
  expect(await lab.job(jobid, 240_000)).toMatchObject({ jobstatus: 1 });
  const [copy] = await lab.deployments({ templateid: image.id });
  expect(copy).toMatchObject({ state: 'Ready', downloadstate: 'DOWNLOADED' });
  expect(await published(run)).toEqual([copy?.installpath]);
  await absentOrWhole(run);
  expect(await lab.partsOf(pool)).toEqual([]);
  const most = AGAIN * file.sent.length + deaths.length * LOST_BY_A_DEATH;
  expect(seen.bytes - before).toBeLessThanOrEqual(most);
}

async function published({ host }: Run): Promise<readonly string[]> {
  return (await readdir(host.pool.path)).filter((name) => !name.startsWith('.bypass-'));
}

function serve({ lab, file, path }: Run, behaviour: Behaviour = {}): void {
  lab.server.serve(path, { body: file.sent, ...behaviour });
}

/** @returns what waits for the moment; the process is gone when that ends */
async function arm(run: Run, death: Death): Promise<(image?: Image) => Promise<void>> {
  const { host } = run;
  if (death.at === 'origin') {
    const held = holdBack(run, death.bytes);
    return async () => {
      await held();
      await host.kill();
      serve(run);
    };
  }
  if (death.at === undefined) {
    await host.plan(death);
    return () => host.planned();
  }
  await host.plan({ call: 'link', path: '.', when: 'before', signal: 'SIGSTOP' });
  return async (image) => {
    await host.planned();
    await dieWhenTold(run, image?.id ?? '');
  };
}

/** @returns what waits until the origin was asked and gave what it gives */
function holdBack(run: Run, bytes: number | undefined): () => Promise<void> {
  const seen = run.lab.server.seen(run.path);
  const before = { requests: seen.requests.length, bytes: seen.bytes };
  serve(run, bytes === undefined ? { silent: true } : { stallAfter: bytes });
  return async () => {
    await until('the origin is asked', () => seen.requests.length > before.requests);
    await until('the origin gave what it gives', () => seen.bytes >= before.bytes + (bytes ?? 0));
  };
}

/** It stands before the link: from there to the result nothing needs the row that is locked. */
async function dieWhenTold({ lab, host }: Run, templateId: string): Promise<void> {
  const [copy] = await lab.deployments({ templateid: templateId });
  const workflow = lab.temporal.workflow.getHandle(copyWorkflowId(templateId, host.pool.id));
  await lab.db.transaction().execute(async (tx) => {
    const row = tx
      .selectFrom('template_spool_ref')
      .select('id')
      .where('uuid', '=', copy?.id ?? '');
    await row.forUpdate().executeTakeFirstOrThrow();
    host.goOn();
    await until('the result is told', async () => {
      const { pendingActivities } = (await workflow.describe()).raw;
      return pendingActivities?.some(({ activityType }) => activityType?.name === 'finishCopy');
    });
    await host.kill();
  });
}

/** What bears a final name is the image, at every moment. */
async function absentOrWhole(run: Run): Promise<void> {
  for (const name of await published(run)) {
    const found = await readFile(join(run.host.pool.path, name));
    expect([name, found.length, found.equals(run.file.image)]).toEqual([name, found.length, true]);
  }
}
