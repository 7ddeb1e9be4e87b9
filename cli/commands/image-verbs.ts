/** The verbs that templates and ISOs have in common: register, list, show, delete. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { ImageAnswer, InspectionAnswer, MirrorAnswer } from '../answers.ts';
import { collect } from '../collect.ts';
import { verb } from '../command.ts';
import type { Session } from '../command.ts';
import { concludeDeployments, listDeployments, startDeployments } from '../deploying.ts';
import { remarkOn, stageOf, TONES } from '../deployments.ts';
import { CliError, exitCodes, UsageError } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { bytesCell, timeCell } from '../cells.ts';
import type { Cell } from '../cells.ts';
import { formatBytes } from '../format.ts';
import { listImages } from '../images.ts';
import type { ImageNoun } from '../images.ts';
import { describeInspection } from '../inspection.ts';
import { findImage, findZone, gather } from '../lookup.ts';
import type { Image } from '../lookup.ts';
import type { Column, Field } from '../output.ts';
import { register, untilReady } from '../registering.ts';
import type { RegisterOptions } from '../registering.ts';
import type { Cli } from '../surroundings.ts';
import { errorOf, hasFailed, waitForJob } from '../waiting.ts';

export function imageVerbs(parent: Command, cli: Cli, noun: ImageNoun, example: string): void {
  verb<[], RegisterOptions>(parent, cli, {
    usage: 'register',
    summary: `register ${article(noun)} by its URL; a host checks the URL, nothing is downloaded yet`,
    example,
    options: registerOptions(noun),
    help: 'Exit code 0 says that the URL was checked and accepted, or that the check goes on (without --wait).',
    run: (session, _args, options) => runRegister(session, noun, options),
  });

  verb<[], { readonly zone?: string; readonly keyword?: string }>(parent, cli, {
    usage: 'list',
    summary: `list ${noun.title}s`,
    example: `${noun.noun} list --keyword ubuntu`,
    options: [
      new Option('--zone <zone>', 'only those of this zone, by name or id'),
      new Option('--keyword <text>', 'only those with this in their name'),
    ],
    run: async ({ api, out }, _args, { zone, keyword }) => {
      const zoneid = zone === undefined ? undefined : (await findZone(api, zone)).id;
      const rows = await listImages(api, noun, { zoneid, keyword });
      const none = `There is no ${noun.title} yet. Register one: bypass ${example}`;
      out.list({ columns: columnsOf(noun), rows: gather(noun, rows), none }, rows);
    },
  });

  verb<[name: string], object>(parent, cli, {
    usage: `show <${noun.noun}>`,
    summary: `show ${article(noun)}, and on which pools it lies`,
    example: `${noun.noun} show ubuntu-24.04`,
    run: async (session, [text]) => runShow(session, await findImage(session.api, text, [noun])),
  });

  verb<[name: string], { readonly wait?: true }>(parent, cli, {
    usage: `delete <${noun.noun}>`,
    summary: `delete ${article(noun)} and its copies on all pools`,
    example: `${noun.noun} delete ubuntu-24.04 --wait`,
    options: [new Option('--wait', 'until the copies are gone')],
    run: (session, [text], { wait }) => runDelete(session, noun, text, wait === true),
  });
}

const article = ({ noun, title }: ImageNoun): string => `${noun === 'iso' ? 'an' : 'a'} ${title}`;

function registerOptions({ noun }: ImageNoun): readonly Option[] {
  const format = new Option('--format <format>', 'QCOW2 or RAW').default('QCOW2').argParser(parseFormat);
  return [
    new Option('--name <name>', 'what to call it').makeOptionMandatory(),
    new Option('--url <url>', 'http, https, or a metalink (.metalink, .meta4)').makeOptionMandatory(),
    ...(noun === 'template' ? [format] : [new Option('--no-bootable', 'machines do not boot from it')]),
    new Option('--zone <zone>', 'name or id, or `all`; the only zone when there is one'),
    new Option('--checksum <checksum>', '{SHA-256}hex, or MD5, SHA-1, SHA-224, SHA-384, SHA-512'),
    new Option(
      '--header <header>',
      "'Name: value' to send with every request; @FILE reads them from a file; may be repeated",
    ).argParser(collect),
    new Option('--os-type <type>', 'guest OS type, by description or id'),
    new Option('--display-text <text>', 'a longer description'),
    new Option('--arch <arch>', 'x86_64 or aarch64'),
    new Option('--public', 'others may use it'),
    new Option('--featured', 'shown first to others'),
    new Option('--key <key>', 'the same call with the same key registers only once'),
    new Option('--deploy', 'then deploy it on every pool of its zones'),
    new Option('--wait', 'until it is registered and, with --deploy, on every pool'),
  ];
}

function parseFormat(text: string): string {
  const format = text.toUpperCase();
  if (format === 'QCOW2' || format === 'RAW') return format;
  throw new UsageError(
    `--format takes QCOW2 or RAW, not '${text}'${format === 'ISO' ? '; ISOs have `bypass iso register`' : ''}`,
  );
}

async function runRegister(session: Session, noun: ImageNoun, options: RegisterOptions): Promise<ExitCode> {
  const { api, out } = session;
  const wait = options.wait === true;
  const registered = await register(session, noun, options);
  const image = wait || options.deploy === true ? await untilReady(session, registered) : registered;
  const value = { [noun.noun]: image.answer };
  if (options.deploy === undefined) {
    out.done(describeRegistered(image), { ...value, jobids: [], deployments: [] });
    if (image.answer.isready === false)
      out.remark(`See what became of it: bypass ${noun.noun} show ${image.id}`);
    else out.remark(`Deploy it on every pool: bypass deploy start ${image.name} --wait`);
    return exitCodes.ok;
  }
  if (out.format === 'table') out.done(describeRegistered(image), value);
  const targets = image.zones.map(({ id }) => ({ zoneId: id }));
  return concludeDeployments(session, image, await startDeployments(api, image.id, targets), wait, value);
}

function describeRegistered({ id, name, zones, answer }: Image): string {
  const where = zones.map((zone) => zone.name).join(', ');
  const size = answer.size === undefined ? '' : `, ${formatBytes(answer.size)}`;
  const state = answer.isready === false ? 'its URL is still being checked' : `${answer.format ?? ''}${size}`;
  return `${answer.isready === false ? 'Registering' : 'Registered'} ${name} (${id}) in zone ${where}: ${state}`;
}

const columnsOf = ({ noun }: ImageNoun): readonly Column<Image>[] => [
  { title: 'NAME', value: ({ name }) => name, atLeast: 12 },
  { title: 'ID', value: ({ id }) => id, drop: 5 },
  ...(noun === 'iso'
    ? []
    : [{ title: 'FORMAT', value: ({ answer }: Image) => answer.format, drop: 3 } satisfies Column<Image>]),
  { title: 'SIZE', value: ({ answer }) => sizeOf(answer.size), right: true },
  {
    title: 'READY',
    value: ({ answer }) => (answer.isready === false ? 'no' : 'yes'),
    tone: ({ answer }) => (answer.isready === false ? 'busy' : 'good'),
  },
  { title: 'ZONE', value: ({ zones }) => zones.map(({ name }) => name).join(','), atLeast: 6, drop: 4 },
  { title: 'ACCOUNT', value: ({ answer }) => answer.account, drop: 1 },
  { title: 'CREATED', value: ({ answer }) => timeCell(answer.created), drop: 2 },
];

const sizeOf = (bytes: number | undefined): Cell | undefined => bytesCell(bytes || undefined);

const unknownSize = ({ isready }: ImageAnswer): string | undefined =>
  isready === true ? 'told by its first deployment: the packed file does not say' : undefined;

/** What was seen where it was reachable first. */
const seenOf = ({ mirror = [] }: ImageAnswer): InspectionAnswer | undefined =>
  mirror.find(({ reachable, inspection }) => reachable !== false && inspection !== undefined)?.inspection;

/** Where there is only the one URL, nothing more is to be said of it. */
const mirrorFields = (mirrors: readonly MirrorAnswer[]): readonly Field[] =>
  mirrors.length < 2
    ? []
    : mirrors.map(({ url, priority, reachable, reason }, i) => ({
        title: i === 0 ? 'Mirrors' : '',
        value: `${priority ?? i + 1}. ${url}${reachable === false ? ` (${reason ?? 'unreachable'})` : ''}`,
        tone: reachable === false ? 'bad' : undefined,
      }));

async function runShow({ api, out }: Session, listed: Image): Promise<void> {
  // By its id the api tells more of it.
  const image = await findImage(api, listed.id, [listed.noun]);
  const deployments = await listDeployments(api, { templateid: image.id });
  const { answer } = image;
  const fields: readonly Field[] = [
    { title: 'Name', value: image.name, tone: 'strong' },
    { title: 'Id', value: image.id },
    { title: 'Text', value: answer.displaytext === image.name ? undefined : answer.displaytext },
    { title: 'URL', value: answer.url },
    ...mirrorFields(answer.mirror ?? []),
    { title: 'Format', value: answer.format },
    { title: 'Checksum', value: answer.checksum },
    { title: 'Size', value: sizeOf(answer.size) ?? unknownSize(answer) },
    { title: 'File', value: sizeOf(answer.physicalsize) },
    { title: 'Inspected', value: describeInspection(seenOf(answer)) },
    { title: 'Ready', value: answer.isready === false ? `no (${answer.status ?? 'being checked'})` : 'yes' },
    { title: 'Zones', value: image.zones.map(({ name }) => name).join(', ') },
    { title: 'OS type', value: answer.ostypename },
    { title: 'Account', value: answer.account },
    {
      title: 'Shared',
      value: [answer.ispublic && 'public', answer.isfeatured && 'featured'].filter(Boolean).join(', '),
    },
    { title: 'Tags', value: (answer.tags ?? []).map(({ key, value }) => `${key}=${value}`).join(', ') },
    { title: 'Created', value: timeCell(answer.created) },
    ...deployments.map((deployment, i) => {
      const stage = stageOf(deployment);
      const remark = remarkOn(deployment);
      const value = `${deployment.storagename}: ${stage}${remark === '' ? '' : ` (${remark})`}`;
      return { title: i === 0 ? 'Pools' : '', value, tone: TONES[stage] };
    }),
  ];
  out.item(fields, { ...answer, deployments });
  if (deployments.length === 0) out.remark(`On no pool yet: bypass deploy start ${image.name}`);
}

async function runDelete(session: Session, noun: ImageNoun, text: string, wait: boolean): Promise<void> {
  const { api, out } = session;
  const { id, name } = await findImage(api, text, [noun]);
  const { jobid } = await api.call<{ readonly jobid: string }>(noun.remove, { id });
  if (!wait) {
    out.done(`Deleting ${noun.title} ${name} and its copies: job ${jobid}`, { id, jobid });
    return;
  }
  const job = await waitForJob(session, jobid);
  if (hasFailed(job)) throw new CliError(errorOf(job));
  out.done(`Deleted ${noun.title} ${name} and its copies`, job);
}
