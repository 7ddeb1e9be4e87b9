/** `bypass pool`: list, maintenance, tag, files, cleanup, remove-files. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { AsyncJob, CleanedFile, StoragePool, StoragePoolFile } from '../../model/api-answers.ts';
import type { ApiClient } from '../client.ts';
import { noun, verb } from '../command.ts';
import type { Session } from '../command.ts';
import { bytesCell } from '../cells.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { CliError, exitCodes, UsageError } from '../errors.ts';
import { findPool, findZone, listPools } from '../lookup.ts';
import { settle } from '../waiting.ts';
import { parseOnOff } from '../on-off.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';

export function poolCommands(program: Command, cli: Cli): void {
  const pool = noun(program, 'pool', 'storage pools: where images lie');
  verb<[], object>(pool, cli, {
    usage: 'list',
    summary: 'list storage pools, and how full they are',
    example: 'pool list',
    run: async ({ api, out }) => {
      const rows = await listPools(api);
      out.list({
        columns: COLUMNS,
        rows,
        none: 'There is no storage pool yet: hosts bring them when they join',
      });
    },
  });

  verb<[pool: string, state: string], object>(pool, cli, {
    usage: 'maintenance <pool> <on|off>',
    summary: 'let nothing new be deployed to a pool, or again; what runs goes on',
    example: 'pool maintenance shared on',
    run: async ({ api, out }, [text, state]) => {
      const { id, name } = await findPool(api, text);
      const begins = parseOnOff(state);
      const answer = await api.call(begins ? 'enableStorageMaintenance' : 'cancelStorageMaintenance', { id });
      out.done(`Maintenance of pool ${name} ${begins ? 'began' : 'ended'}`, answer);
    },
  });

  verb<[pool: string, tags: string], object>(pool, cli, {
    usage: 'tag <pool> <tags>',
    summary: 'replace the tags of a pool',
    example: 'pool tag shared ssd,fast',
    run: async ({ api, out }, [text, tags]) => {
      const { id, name } = await findPool(api, text);
      const answer = await api.call('updateStoragePool', { id, tags });
      out.done(`Pool ${name} is tagged ${tags}`, answer);
    },
  });

  verb<[pool?: string], object>(pool, cli, {
    usage: 'files [pool]',
    summary: 'list the files of pools that Bypass does not need, as the last cleanup found them',
    example: 'pool files shared',
    run: async ({ api, out }, [text]) => {
      const pools = text === undefined ? await listPools(api) : [await findPool(api, text)];
      const rows = await listFiles(api, text === undefined ? undefined : pools[0]?.id);
      out.list({ columns: FILE_COLUMNS, rows, none: noFiles(pools) });
    },
  });

  verb<[pool?: string], CleanupOptions>(pool, cli, {
    usage: 'cleanup [pool]',
    summary: 'compare the files of a pool with what is known, and remove what ended downloads left',
    example: 'pool cleanup shared --dry-run',
    options: [
      new Option('--zone <zone>', 'all pools of this zone, by name or id'),
      new Option('--dry-run', 'show what would go, and remove nothing'),
    ],
    help: `Copies that no virtual machine uses go as well, where the setting storage.template.cleanup.enabled is true.
Files that Bypass does not know stay: bypass pool remove-files removes them.`,
    run: async (session, [text], { zone, dryRun = false }) => {
      if ((text === undefined) === (zone === undefined))
        throw new UsageError('give a pool, or --zone for all pools of a zone');
      const pools =
        text === undefined
          ? await poolsOfZone(session.api, (await findZone(session.api, zone ?? '')).id)
          : [await findPool(session.api, text)];
      const jobs = [];
      for (const { id } of pools)
        jobs.push(await session.api.call<Begun>('cleanupStoragePool', { id, dryrun: dryRun }));
      const ended = await outcomes(session, jobs);
      const rows = ended.flatMap(cleanedOf);
      session.out.list({ columns: CLEANED_COLUMNS, rows, none: 'There is nothing to remove' });
      const more = ended.reduce((sum, { jobresult }) => sum + (jobresult?.storagepoolcleanupmore ?? 0), 0);
      if (more > 0) session.out.remark(`There are ${more} more, which are not listed`);
    },
  });

  verb<[pool: string, files: readonly string[]], YesOption>(pool, cli, {
    usage: 'remove-files <pool> <files...>',
    summary: 'remove files that Bypass does not know, and that nothing uses',
    example: 'pool remove-files shared old.qcow2',
    options: [yesOption()],
    run: async (session, [text, names], { yes }) => {
      const { api, out } = session;
      const { id, name } = await findPool(api, text);
      const found = await listFiles(api, id);
      const files = names.map((one) => {
        const file = found.find((other) => other.name === one || other.id === one);
        if (file !== undefined) return file;
        throw new CliError(
          `the last cleanup found no file '${one}' on pool ${name}: bypass pool files ${name}`,
        );
      });
      const what = files.length === 1 ? `'${files[0]?.name}'` : `${files.length} files`;
      await confirm(session, `Remove ${what} from pool ${name}?`, { yes });
      const fileids = files.map((file) => file.id).join(',');
      const job = await api.call<Begun>('removeStoragePoolFiles', { id, fileids });
      const rows = (await outcomes(session, [job])).flatMap(cleanedOf);
      out.list({ columns: CLEANED_COLUMNS, rows, none: 'Nothing was removed' });
      return rows.some(({ action }) => action === 'Kept') ? exitCodes.failed : exitCodes.ok;
    },
  });
}

interface CleanupOptions {
  readonly zone?: string;
  readonly dryRun?: true;
}

interface Begun {
  readonly jobid: string;
}

const listFiles = (api: ApiClient, storageid: string | undefined): Promise<readonly StoragePoolFile[]> =>
  api.list('listStoragePoolFiles', 'storagepoolfile', { storageid });

/** What to say where the list is empty: a cleanup found none, or none has run yet. */
function noFiles(pools: readonly StoragePool[]): string {
  const unseen = pools.filter(({ lastcleanup }) => lastcleanup === undefined);
  const [first] = unseen;
  if (first === undefined) return 'The last cleanup found no file that Bypass does not need';
  const [what, how] =
    unseen.length === 1 ? [`pool ${first.name}`, first.name] : [`${unseen.length} pools`, '--zone <zone>'];
  return `No cleanup of ${what} has run yet: bypass pool cleanup ${how} runs one`;
}

const poolsOfZone = (api: ApiClient, zoneid: string): Promise<readonly StoragePool[]> =>
  api.list('listStoragePools', 'storagepool', { zoneid });

/** Waits for the jobs, one after the other. @throws CliError with the reason when one failed */
async function outcomes(session: Session, jobs: readonly Begun[]): Promise<readonly AsyncJob[]> {
  const ended: AsyncJob[] = [];
  for (const job of jobs) ended.push((await settle(session, job)) as AsyncJob);
  return ended;
}

const cleanedOf = ({ jobresult }: AsyncJob): readonly CleanedFile[] => jobresult?.storagepoolcleanup ?? [];

const FILE_COLUMNS: readonly Column<StoragePoolFile>[] = [
  { title: 'POOL', value: ({ storagename }) => storagename, atLeast: 8 },
  { title: 'NAME', value: ({ name }) => name, atLeast: 20 },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'TYPE', value: ({ type }) => type, drop: 1 },
  { title: 'SIZE', value: ({ size }) => bytesCell(size), right: true },
  { title: 'WRITTEN', value: ({ modified }) => modified, drop: 2 },
];

const CLEANED_COLUMNS: readonly Column<CleanedFile>[] = [
  { title: 'POOL', value: ({ storagename }) => storagename, atLeast: 8 },
  { title: 'NAME', value: ({ name }) => name, atLeast: 20 },
  { title: 'KIND', value: ({ kind }) => kind, drop: 2 },
  { title: 'SIZE', value: ({ size }) => bytesCell(size), right: true, drop: 3 },
  {
    title: 'ACTION',
    value: ({ action }) => WORDS[action] ?? action,
    tone: ({ action }) => (action === 'Kept' ? undefined : 'good'),
  },
  { title: 'WHY', value: ({ reason }) => reason, atLeast: 12, drop: 1 },
];

const WORDS: Readonly<Record<string, string>> = {
  Removed: 'removed',
  BeingRemoved: 'being removed',
  WouldBeRemoved: 'would be removed',
  Kept: 'stays',
};

const COLUMNS: readonly Column<StoragePool>[] = [
  { title: 'NAME', value: ({ name }) => name, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 3 },
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'SCOPE', value: ({ scope }) => scope, drop: 6 },
  { title: 'STATE', value: ({ state }) => state, tone: ({ state }) => (state === 'Up' ? 'good' : 'bad') },
  { title: 'FREE', value: (pool) => bytesCell(freeOf(pool)), right: true },
  { title: 'TOTAL', value: ({ disksizetotal }) => bytesCell(disksizetotal), right: true, drop: 5 },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6, drop: 4 },
  { title: 'CLUSTER', value: ({ clustername }) => clustername, drop: 2 },
  { title: 'TAGS', value: ({ tags }) => tags, atLeast: 8, drop: 3 },
  { title: 'PATH', value: ({ path }) => path, atLeast: 12, drop: 1 },
];

const freeOf = ({ disksizetotal, disksizeused }: StoragePool): number | undefined =>
  disksizetotal === undefined || disksizeused === undefined ? undefined : disksizetotal - disksizeused;
