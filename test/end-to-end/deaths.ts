/** The moments at which a deployment's host worker is killed, and what must be true then and in the end. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTS_FOLDER } from '../../images/pools/files/part-file.ts';
import { copyWorkflowId } from '../../model/names.ts';
import type { Behaviour } from '../support/image-server.ts';
import { until } from '../support/until.ts';
import type { Template } from '../../model/api-answers.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import type { MortalHost } from './mortal-hosts.ts';
import type { Moment } from './planned-deaths.ts';

const MIB = 1_048_576;
/** Maximum number of bytes that a death costs: one checkpoint, and the bytes in a connection. */
export const LOST_BY_A_DEATH = (64 + 8) * MIB;
const AGAIN = 1.05;

export interface DeadlyFile {
  readonly kind: 'raw' | 'packed';
  readonly format: 'RAW' | 'QCOW2';
  /** The file at the origin. */
  readonly sent: Buffer;
  readonly image: Buffer;
}

/** Deaths of successive processes of the host. */
type Death =
  | (Moment & { readonly at?: undefined })
  /** The origin sends `bytes` of an answer and holds the rest; without `bytes` it holds the headers, too. */
  | { readonly at: 'origin'; readonly bytes?: number }
  /** Temporal has the result of the download, and the database is locked. */
  | { readonly at: 'recorded' };

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
/** The n-th read of the inspection. */
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

/** The program that links an open file (images/pools/files/publish.ts). */
export const BEFORE_LINK: Moment = { call: 'spawn', path: '^ln$', when: 'before' };
/** The moment before the sync of the pool's folder. */
export const AFTER_LINK: Moment = { call: 'sync', path: '/pool$', when: 'before' };

export const POINTS: readonly Point[] = [
  { phase: 'probe', name: 'the origin holds the headers', deaths: at({ at: 'origin' }) },
  { phase: 'probe', name: 'half of the head has arrived', deaths: at({ at: 'origin', bytes: 30_000 }) },
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
    name: 'all bytes are written and some are not hashed',
    deaths: ({ sent }) => [{ call: 'readSync', path: '\\.part$', when: 'before', size: sent.length }],
  },
  {
    phase: 'hash',
    name: 'bytes of an earlier attempt are hashed',
    deaths: at(secondCheckpoint, { call: 'readSync', path: '\\.part$', when: 'before', nth: 20 }),
  },
  {
    phase: 'hash',
    name: 'bytes of an earlier attempt are truncated to its checkpoint',
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
    name: 'the third piece of the unpacked bytes is hashed',
    only: 'packed',
    deaths: at({ call: 'readSync', path: '\\.inflated$', when: 'before', nth: 3 }),
  },
  {
    phase: 'decompress',
    name: 'the head of the unpacked file is read',
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
    name: 'the file is about to be linked',
    deaths: at(BEFORE_LINK),
  },
  { phase: 'publish', name: 'the file is linked', deaths: at(AFTER_LINK) },
  {
    phase: 'publish',
    name: 'one of the temporary names is removed',
    deaths: at({ call: 'unlink', path: inFolder, when: 'after' }),
  },
  {
    phase: 'record',
    name: 'everything is done and nothing is reported',
    deaths: (file) => [{ call: 'unlink', path: inFolder, when: 'after', nth: tidied(file) }],
  },
  { phase: 'record', name: 'the database does not record the result', deaths: at({ at: 'recorded' }) },
];

/** @throws the first violated expectation */
export async function dieAndGoOn(
  lab: EndToEnd,
  host: MortalHost,
  { point, file }: { readonly point: Point; readonly file: DeadlyFile },
): Promise<void> {
  const path = `/${point.phase}-${point.name}`.replaceAll(' ', '-');
  const run: Run = { lab, host, file, path, diesWhileItDownloads: point.phase === 'download' };
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
  /** Path at the origin. */
  readonly path: string;
  readonly diesWhileItDownloads: boolean;
}

function register({ lab, host, file, path }: Run): Promise<Template> {
  return lab.register({ url: lab.server.url(path), format: file.format, zoneid: host.zoneId });
}

/** Expects an answer, success or failure; the same call works once the host is back. */
async function registerDying(run: Run, [death]: readonly Death[]): Promise<Template> {
  if (death === undefined) return register(run);
  const dies = await arm(run, death);
  const asked = register(run).catch((error: unknown) => error as Error);
  await dies();
  await run.host.start();
  const answer = await asked;
  if (answer instanceof Error) expect(answer.message).toContain('No host could look at the URL');
  else if ((await checked(run, answer)) === 'ready') return answer;
  return until('the registration works', async () => {
    const image = await register(run).catch(() => undefined);
    // A restarted host may take longer than the api waits before it answers.
    return image !== undefined && (await checked(run, image)) === 'ready' && image;
  });
}

/** Waits for the end of a registration that was answered while its check ran: the template is ready, or gone. */
const checked = ({ lab }: Run, { id }: Template): Promise<'ready' | 'gone'> =>
  until('the template is ready, or gone', async () => {
    const [now] = await lab.templates({ id });
    if (now === undefined) return 'gone';
    return now.isready && 'ready';
  });

async function deploy(run: Run, image: Template, deaths: readonly Death[]): Promise<void> {
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
  if (deaths.length > 0 && run.diesWhileItDownloads) {
    // The deployment continued when the host was back, not after Temporal's timeout for the dead process.
    const error = expect.stringContaining('was restarted during the download') as string;
    expect(copy?.attempts).toContainEqual(expect.objectContaining({ errorkind: 'HostGone', error }));
  }
  expect(await published(run)).toEqual([copy?.installpath]);
  await absentOrWhole(run);
  expect(await lab.partsOf(pool)).toEqual([]);
  const maxBytes = AGAIN * file.sent.length + deaths.length * LOST_BY_A_DEATH;
  expect(seen.bytes - before).toBeLessThanOrEqual(maxBytes);
}

async function published({ host }: Run): Promise<readonly string[]> {
  return (await readdir(host.pool.path)).filter((name) => !name.startsWith('.bypass-'));
}

function serve({ lab, file, path }: Run, behaviour: Behaviour = {}): void {
  lab.server.serve(path, { body: file.sent, ...behaviour });
}

/** @returns a function that waits for the moment, after which the process is dead */
async function arm(run: Run, death: Death): Promise<(image?: Template) => Promise<void>> {
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
  await host.plan({ ...BEFORE_LINK, signal: 'SIGSTOP' });
  return async (image) => {
    await host.planned();
    await dieWhenTold(run, image?.id ?? '');
  };
}

/** @returns a function that waits until the origin has sent its bytes */
function holdBack(run: Run, bytes: number | undefined): () => Promise<void> {
  const seen = run.lab.server.seen(run.path);
  const before = { requests: seen.requests.length, bytes: seen.bytes };
  serve(run, bytes === undefined ? { silent: true } : { stallAfter: bytes });
  return async () => {
    await until('the origin is asked', () => seen.requests.length > before.requests);
    await until('the origin gave what it gives', () => seen.bytes >= before.bytes + (bytes ?? 0));
  };
}

/** Locks the row while the host is suspended before the link: from there to the result no step needs the row. */
async function dieWhenTold({ lab, host }: Run, templateId: string): Promise<void> {
  const [copy] = await lab.deployments({ templateid: templateId });
  const workflow = lab.temporal.workflow.getHandle(copyWorkflowId(templateId, host.pool.id));
  await lab.db.transaction().execute(async (tx) => {
    const row = tx
      .selectFrom('template_spool_ref')
      .select('id')
      .where('uuid', '=', copy?.id ?? '');
    await row.forUpdate().executeTakeFirstOrThrow();
    host.resume();
    await until('the result is reported', async () => {
      const { pendingActivities } = (await workflow.describe()).raw;
      return pendingActivities?.some(({ activityType }) => activityType?.name === 'finishCopy');
    });
    await host.kill();
  });
}

/** Checks that a file with a final name is the image, at every moment. */
async function absentOrWhole(run: Run): Promise<void> {
  for (const name of await published(run)) {
    const found = await readFile(join(run.host.pool.path, name));
    expect([name, found.length, found.equals(run.file.image)]).toEqual([name, found.length, true]);
  }
}
