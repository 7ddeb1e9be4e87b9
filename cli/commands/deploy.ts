/** `bypass deploy`: bringing templates and ISOs onto storage pools: start, list, show, retry, cancel, remove. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Deployment } from '../../model/api-answers.ts';
import { collectList } from '../collect.ts';
import { noun, verb } from '../command.ts';
import type { Session } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { concludeDeployments, listDeployments, startDeployments } from '../deploying.ts';
import { targetsOf } from '../targets.ts';
import type { TargetOptions } from '../targets.ts';
import { progressOf, remarkOn, stageOf, stateOf, TONES } from '../deployments.ts';
import { CliError, exitCodes } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { bytesCell } from '../cells.ts';
import { formatBytes } from '../format.ts';
import { findImage, findPool, findZone } from '../lookup.ts';
import type { Image } from '../lookup.ts';
import type { Column } from '../output.ts';
import type { Cli } from '../context.ts';
import { wholeNumber } from '../whole-number.ts';
import { renderTimeline, timelineFields } from '../timeline.ts';

interface Filters {
  readonly template?: string;
  readonly pool?: string;
  readonly zone?: string;
  readonly state?: string;
}

interface StartOptions extends TargetOptions {
  readonly wait?: true;
}

const poolOption = (meaning: string): Option => new Option('--pool <pool>', meaning);
const waitOption = (): Option =>
  new Option('--wait', 'follow it to its end; Ctrl-C stops waiting, and cancels nothing');

export function deployCommands(program: Command, cli: Cli): void {
  const deploy = noun(program, 'deploy', 'deployments: bringing a template or ISO onto storage pools');

  verb<[template: string], StartOptions>(deploy, cli, {
    usage: 'start <template>',
    summary: 'bring a template or ISO onto one pool, or roll it out to many: some at a time',
    example: 'deploy start ubuntu-24.04 --pool local-1 --wait',
    options: [
      new Option(
        '--pool <pools>',
        'only these pools, by name or id: several with commas, or repeated',
      ).argParser(collectList),
      new Option('--zone <zone>', 'only the pools of this zone, by name or id'),
      new Option('--cluster <cluster>', 'only the pools of this cluster, by name or id'),
      new Option('--tag <tag>', 'only the pools with this storage tag'),
      new Option(
        '--at-once <n>',
        'of many pools, so many at a time; also limited by the settings of the zone',
      ).argParser(wholeNumber('--at-once', 'copies')),
      waitOption(),
    ],
    help: 'Without options: onto every pool of its zones. A roll-out can be paused and cancelled: bypass rollout.',
    run: async (session, [text], options) => {
      const image = await findImage(session.api, text);
      const started = await startDeployments(session.api, image.id, await targetsOf(session, image, options));
      return concludeDeployments(session, image, started, options.wait === true);
    },
  });

  verb<[], Filters>(deploy, cli, {
    usage: 'list',
    summary: 'list which template is on which pool, or on its way there',
    example: 'deploy list --state Creating',
    options: [
      new Option('--template <template>', 'only of this template or ISO, by name or id'),
      poolOption('only on this pool, by name or id'),
      new Option('--zone <zone>', 'only in this zone, by name or id'),
      new Option('--state <state>', 'Allocated, Creating, Ready, Failed or Destroying'),
    ],
    run: async ({ api, out }, _args, { template, pool, zone, state }) => {
      const filtered = [template, pool, zone, state].some((given) => given !== undefined);
      const rows = await listDeployments(api, {
        templateid: template === undefined ? undefined : (await findImage(api, template)).id,
        storageid: pool === undefined ? undefined : (await findPool(api, pool)).id,
        zoneid: zone === undefined ? undefined : (await findZone(api, zone)).id,
        state,
      });
      out.list({
        columns: COLUMNS,
        rows,
        none: filtered
          ? 'No deployment is like that. All of them: bypass deploy list'
          : 'Nothing is deployed. Begin with: bypass deploy start TEMPLATE',
      });
    },
  });

  verb<[template: string], { readonly pool?: string }>(deploy, cli, {
    usage: 'show <template>',
    summary: 'show where a template or ISO is or goes, with every attempt so far',
    example: 'deploy show ubuntu-24.04 --pool local-1',
    options: [poolOption('only on this pool, by name or id')],
    run: async ({ api, out }, [text], { pool }) => {
      const image = await findImage(api, text);
      const deployments = await deploymentsOf({ api }, image, pool);
      if (out.format !== 'table' || deployments.length === 0) {
        const none = `On no pool yet: bypass deploy start ${image.name}`;
        out.list({ columns: COLUMNS, rows: deployments, none });
        return;
      }
      for (const [i, deployment] of deployments.entries()) {
        if (i > 0) out.lines(['']);
        out.item(timelineFields(deployment), deployment);
        out.lines(renderTimeline(deployment, out.width, out.style));
      }
    },
  });

  verb<[template: string], { readonly pool?: string; readonly wait?: true }>(deploy, cli, {
    usage: 'retry <template>',
    summary: 'start again what failed or was cancelled; it goes on from the bytes that are there',
    example: 'deploy retry ubuntu-24.04 --wait',
    options: [poolOption('only on this pool, by name or id'), waitOption()],
    run: (session, [text], { pool, wait }) => retry(session, text, pool, wait === true),
  });

  verb<[template: string], { readonly pool: string } & YesOption>(deploy, cli, {
    usage: 'remove <template>',
    summary: 'remove a template or ISO from one pool: the copy, or the bytes that a stopped download kept',
    example: 'deploy remove ubuntu-24.04 --pool local-1',
    options: [poolOption('from this pool, by name or id').makeOptionMandatory(), yesOption()],
    run: async (session, [text], { pool, yes }) => {
      const { api, out } = session;
      const image = await findImage(api, text);
      const [copy] = await deploymentsOf(session, image, pool);
      if (copy === undefined) return;
      const size = copy.size || copy.bytes || 0;
      const what = size === 0 ? '' : ` (${stateOf(copy)}, ${formatBytes(size)})`;
      await confirm(session, `Remove ${image.name}${what} from pool ${copy.storagename}?`, { yes });
      const answer = await api.call<{ readonly displaytext?: string }>('cancelTemplateDeployment', {
        templateid: image.id,
        storageid: copy.storageid,
        cleanup: true,
      });
      out.done(answer.displaytext ?? `Removed ${image.name} from ${copy.storagename}`, answer);
    },
  });

  verb<[template: string], { readonly pool: string; readonly cleanup?: true }>(deploy, cli, {
    usage: 'cancel <template>',
    summary: 'stop a deployment for all who wait for it; the bytes stay for a later one',
    example: 'deploy cancel ubuntu-24.04 --pool local-1',
    options: [
      poolOption('on this pool, by name or id').makeOptionMandatory(),
      new Option('--cleanup', 'remove the bytes too'),
    ],
    run: async ({ api, out }, [text], { pool, cleanup }) => {
      const image = await findImage(api, text);
      const { id, name } = await findPool(api, pool);
      const answer = await api.call<{ readonly displaytext?: string }>('cancelTemplateDeployment', {
        templateid: image.id,
        storageid: id,
        cleanup,
      });
      out.done(answer.displaytext ?? `Cancelled the deployment of ${image.name} on ${name}`, answer);
    },
  });
}

const COLUMNS: readonly Column<Deployment>[] = [
  { title: 'TEMPLATE', value: (d) => d.templatename, atLeast: 12 },
  { title: 'POOL', value: (d) => d.storagename, atLeast: 8 },
  { title: 'STATE', value: stateOf, tone: (d) => TONES[stageOf(d)] },
  { title: 'DONE', value: (d) => (isUnderWay(d) ? `${progressOf(d).percent}%` : ''), right: true, drop: 3 },
  { title: 'SIZE', value: ({ size, total }) => bytesCell(size || total || undefined), right: true, drop: 2 },
  { title: 'HOST', value: (d) => d.hostname, atLeast: 8, drop: 4 },
  { title: 'ZONE', value: (d) => d.zonename, drop: 1 },
  { title: 'REMARK', value: remarkOn, atLeast: 14, drop: 5 },
];

const isUnderWay = (d: Deployment): boolean => ['running', 'waiting'].includes(stageOf(d));

/** Finds the pool among the deployments of the image, whose names are known already, so that no further call is needed. */
async function deploymentsOf(
  { api }: Pick<Session, 'api'>,
  image: Image,
  pool: string | undefined,
): Promise<readonly Deployment[]> {
  const all = await listDeployments(api, { templateid: image.id });
  if (pool === undefined) return all;
  const found = all.filter(({ storageid, storagename }) => storageid === pool || storagename === pool);
  if (found.length > 0) return found;
  const pools = all.map(({ storagename }) => storagename).join(', ') || 'none';
  throw new CliError(`${image.name} is neither on pool '${pool}' nor on its way there (its pools: ${pools})`);
}

async function retry(
  session: Session,
  text: string,
  pool: string | undefined,
  wait: boolean,
): Promise<ExitCode> {
  const { api, out } = session;
  const image = await findImage(api, text);
  const stopped = (await deploymentsOf(session, image, pool)).filter((deployment) =>
    ['failed', 'cancelled'].includes(stageOf(deployment)),
  );
  if (stopped.length === 0) {
    out.done(`No deployment of ${image.name} has failed or was cancelled: there is nothing to retry`, {
      template: { id: image.id, name: image.name },
      jobids: [],
      deployments: [],
    });
    return exitCodes.ok;
  }
  const zones = new Set(stopped.map(({ zoneid }) => zoneid));
  const targets = [...zones].map((zoneId) => ({
    zoneId,
    poolIds: stopped.filter(({ zoneid }) => zoneid === zoneId).flatMap(({ storageid }) => storageid ?? []),
  }));
  return concludeDeployments(session, image, await startDeployments(api, image.id, targets), wait);
}
