/** The verbs that templates and ISOs have in common: register, list, show, delete. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Template, Inspection, Mirror } from '../../model/api-answers.ts';
import { collect } from '../collect.ts';
import { verb } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import type { Session } from '../command.ts';
import { concludeDeployments, listDeployments, startDeployments } from '../deploying.ts';
import { remarkOn, stageOf, TONES } from '../deployments.ts';
import { CliError, exitCodes, UsageError } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { bytesCell, timeCell } from '../cells.ts';
import type { Cell } from '../cells.ts';
import { count, formatBytes } from '../format.ts';
import { listImages } from '../images.ts';
import type { ImageNoun } from '../images.ts';
import { describeInspection } from '../inspection.ts';
import { findImage, findZone, gather } from '../lookup.ts';
import type { Image } from '../lookup.ts';
import type { Column, TitledValue } from '../output.ts';
import { register, untilReady } from '../registering.ts';
import type { RegisterOptions } from '../registering.ts';
import type { Cli } from '../context.ts';
import { errorOf, hasFailed, waitForJob } from '../waiting.ts';

export function imageVerbs(parent: Command, cli: Cli, noun: ImageNoun, example: string): void {
  verb<[], RegisterOptions>(parent, cli, {
    usage: 'register',
    summary: `register ${article(noun)} by its URL; a host checks the URL, nothing is downloaded yet`,
    example,
    options: registerOptions(noun),
    help: 'Exit code 0: the URL was checked and accepted. An interrupt does not end the check.',
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
    summary: `show ${article(noun)}, and the pools that have a copy`,
    example: `${noun.noun} show ubuntu-24.04`,
    run: async (session, [text]) => runShow(session, await findImage(session.api, text, [noun])),
  });

  verb<[name: string], { readonly wait?: true } & YesOption>(parent, cli, {
    usage: `delete <${noun.noun}>`,
    summary: `delete ${article(noun)} and its copies on all pools`,
    example: `${noun.noun} delete ubuntu-24.04 --wait`,
    options: [new Option('--wait', 'wait until the copies are removed'), yesOption()],
    run: (session, [text], options) => runDelete(session, noun, text, options),
  });
}

const article = ({ noun, title }: ImageNoun): string => `${noun === 'iso' ? 'an' : 'a'} ${title}`;

function registerOptions({ noun }: ImageNoun): readonly Option[] {
  const format = new Option(
    '--format <format>',
    'QCOW2 or RAW; by the name in the URL when absent, else QCOW2',
  ).argParser(parseFormat);
  return [
    new Option('--name <name>', 'its name').makeOptionMandatory(),
    new Option('--url <url>', 'http, https, or a metalink (.metalink, .meta4)').makeOptionMandatory(),
    ...(noun === 'template' ? [format] : [new Option('--no-bootable', 'VMs cannot boot from it')]),
    new Option('--zone <zone>', 'name or id, or `all`; default: the only zone'),
    new Option(
      '--checksum <checksum>',
      '{SHA-256}hex, sha256:hex or the hexadecimal digits alone; also MD5, SHA-1, SHA-224, SHA-384, SHA-512',
    ),
    new Option(
      '--header <header>',
      "'Name: value' to send with every request; @FILE reads them from a file; may be repeated",
    ).argParser(collect),
    new Option('--os-type <type>', 'guest OS type, by description or id'),
    new Option('--display-text <text>', 'a description'),
    new Option('--arch <arch>', 'x86_64 or aarch64'),
    new Option('--public', 'others may use it'),
    new Option('--featured', 'shown first to others'),
    new Option('--key <key>', 'idempotency key: a second call with the same key registers nothing new'),
    new Option('--deploy', 'also deploy it on every pool of its zones'),
    new Option('--wait', 'with --deploy: wait until it is on every pool'),
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
  const image = await untilReady(session, await register(session, noun, options));
  const value = { [noun.noun]: image.answer };
  if (options.deploy === undefined) {
    out.done(describeRegistered(image), { ...value, jobids: [], deployments: [] });
    out.remark(`Deploy it on every pool: bypass deploy start ${image.name} --wait`);
    return exitCodes.ok;
  }
  if (out.format === 'table') out.done(describeRegistered(image), value);
  const targets = image.zones.map(({ id }) => ({ zoneId: id }));
  return concludeDeployments(session, image, await startDeployments(api, image.id, targets), wait, value);
}

function describeRegistered({ id, name, zones, answer }: Image): string {
  const where = zones.map((zone) => zone.name).join(', ');
  const size = answer.size === undefined ? '' : `, ${formatBytes(answer.size)}`;
  return `Registered ${name} (${id}) in zone ${where}: ${answer.format ?? ''}${size}`;
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
    value: ({ answer }) => (answer.isready ? 'yes' : 'no'),
    tone: ({ answer }) => (answer.isready ? 'good' : 'busy'),
  },
  { title: 'ZONE', value: ({ zones }) => zones.map(({ name }) => name).join(','), atLeast: 6, drop: 4 },
  { title: 'ACCOUNT', value: ({ answer }) => answer.account, drop: 1 },
  { title: 'CREATED', value: ({ answer }) => timeCell(answer.created), drop: 2 },
];

const sizeOf = (bytes: number | undefined): Cell | undefined => bytesCell(bytes || undefined);

const unknownSize = ({ isready }: Template): string | undefined =>
  isready ? 'known after the first deployment: the packed file does not announce it' : undefined;

/** The findings at the first URL that was reachable. */
const seenOf = ({ mirror = [] }: Template): Inspection | undefined =>
  mirror.find(({ reachable, inspection }) => reachable && inspection !== undefined)?.inspection;

/** Lines for the mirrors; none when the image has only one URL, which is shown already. */
const mirrorFields = (mirrors: readonly Mirror[]): readonly TitledValue[] =>
  mirrors.length < 2
    ? []
    : mirrors.map(({ url, priority, reachable, reason }, i) => ({
        title: i === 0 ? 'Mirrors' : '',
        value: `${priority ?? i + 1}. ${url}${reachable ? '' : ` (${reason ?? 'unreachable'})`}`,
        tone: reachable ? undefined : 'bad',
      }));

async function runShow({ api, out }: Session, listed: Image): Promise<void> {
  // Looked up by id, a template has more fields than in a list.
  const image = await findImage(api, listed.id, [listed.noun]);
  const deployments = await listDeployments(api, { templateid: image.id });
  const { answer } = image;
  const fields: readonly TitledValue[] = [
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
    { title: 'Ready', value: answer.isready ? 'yes' : `no (${answer.status ?? 'being checked'})` },
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

async function runDelete(
  session: Session,
  noun: ImageNoun,
  text: string,
  { wait = false, yes }: { readonly wait?: boolean } & YesOption,
): Promise<void> {
  const { api, out } = session;
  const { id, name } = await findImage(api, text, [noun]);
  if (session.cli.ask !== undefined && yes !== true) {
    const copies = (await listDeployments(api, { templateid: id })).map(({ storagename }) => storagename);
    const lost =
      copies.length === 0 ? '' : ` and its ${count(copies.length, 'copy', 'copies')} (${copies.join(', ')})`;
    await confirm(session, `Delete ${noun.title} ${name}${lost}?`, { yes });
  }
  const { jobid } = await api.call<{ readonly jobid: string }>(noun.remove, { id });
  if (!wait) {
    out.done(`Deleting ${noun.title} ${name} and its copies: job ${jobid}`, { id, jobid });
    return;
  }
  const job = await waitForJob(session, jobid);
  if (hasFailed(job)) throw new CliError(errorOf(job));
  out.done(`Deleted ${noun.title} ${name} and its copies`, job);
}
