/** Registers a template or ISO: translates options into parameters of the api, and waits until the image can be deployed. */
import { readFile } from 'node:fs/promises';
import { formatByName } from '../model/format-by-name.ts';
import { parseHeaderDetail, HEADER_DETAIL, HeaderSyntaxError } from '../model/headers.ts';
import type { RecordedEvent, Template } from '../model/api-answers.ts';
import type { ApiClient, Parameters } from './client.ts';
import type { Session } from './command.ts';
import { CliError, UsageError } from './errors.ts';
import { listImages } from './images.ts';
import type { ImageNoun } from './images.ts';
import { findOsType, findZoneOrOnly, gather } from './lookup.ts';
import type { Image } from './lookup.ts';
import { waitFor } from './waiting.ts';

export interface RegisterOptions {
  readonly name: string;
  readonly url: string;
  readonly format?: string;
  readonly zone?: string;
  readonly checksum?: string;
  readonly header?: readonly string[];
  readonly osType?: string;
  readonly displayText?: string;
  readonly arch?: string;
  readonly public?: true;
  readonly featured?: true;
  /** For ISOs: false with --no-bootable. */
  readonly bootable?: boolean;
  readonly key?: string;
  readonly deploy?: true;
  readonly wait?: true;
}

/** The value of the zone parameter for all zones. */
const ALL_ZONES = '-1';

export async function register(session: Session, noun: ImageNoun, options: RegisterOptions): Promise<Image> {
  const { api } = session;
  const headers = await readHeaders(options.header ?? []);
  const all = options.zone?.toLowerCase() === 'all';
  const zoneid = all ? ALL_ZONES : (await findZoneOrOnly(api, options.zone)).id;
  const answer = await api.call<Readonly<Record<string, readonly Template[]>>>(noun.register, {
    name: options.name,
    displaytext: options.displayText ?? options.name,
    url: options.url,
    zoneid,
    directdownload: true,
    checksum: options.checksum,
    ostypeid: options.osType === undefined ? undefined : await findOsType(api, options.osType),
    arch: options.arch,
    ispublic: options.public,
    isfeatured: options.featured,
    customid: options.key,
    ...(noun.noun === 'template'
      ? { format: options.format ?? formatByName(options.url) ?? 'QCOW2', hypervisor: 'KVM' }
      : { bootable: options.bootable }),
    ...headers,
  });
  const [image] = gather(noun, answer[noun.key] ?? []);
  if (image === undefined) throw new CliError(`the api registered '${options.name}' but did not say as what`);
  return image;
}

/** Reads `Name: value`, or @FILE with one header a line: everybody on a machine can read secrets on a command line. */
export async function readHeaders(given: readonly string[]): Promise<Parameters> {
  const lines: string[] = [];
  for (const text of given) {
    if (text.startsWith('@')) lines.push(...(await readLines(text.slice(1))));
    else lines.push(text);
  }
  return Object.fromEntries(lines.map((line, i) => [`details[${i}].${HEADER_DETAIL}`, checkHeader(line)]));
}

async function readLines(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`the headers in ${file} cannot be read (${error.code ?? error.message})`);
  });
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function checkHeader(line: string): string {
  try {
    const { name, value } = parseHeaderDetail(HEADER_DETAIL, line);
    return `${name}:${value}`;
  } catch (error) {
    if (!(error instanceof HeaderSyntaxError)) throw error;
    const reason = line.includes(':') ? error.message : 'there is no colon in it';
    throw new UsageError(`--header takes 'Name: value': ${reason}`);
  }
}

/**
 * Waits until a registered image is ready. The api answers within seconds even if a slow source is still being checked.
 * @throws CliError with the reason when the registration failed
 */
export async function untilReady(session: Session, image: Image): Promise<Image> {
  if (image.answer.isready) return image;
  const { api } = session;
  const { noun, id, name } = image;
  const look = `The registration goes on: bypass ${noun.noun} show ${id}`;
  return waitFor(session, look, async ({ ask, pause, view }) => {
    view.say(`${name}: the URL is still being checked`);
    for (;;) {
      const [found] = gather(noun, await ask(() => listImages(api, noun, { ids: id })));
      if (found === undefined) throw new CliError(await reasonOf(api, image));
      if (found.answer.isready) return found;
      await pause();
    }
  });
}

async function reasonOf(api: ApiClient, { id, name, noun }: Image): Promise<string> {
  const events = await api.list<RecordedEvent>('listEvents', 'event', { resourceid: id });
  const reason = events.find(({ level, resourceid }) => level === 'ERROR' && resourceid === id)?.description;
  return reason ?? `${noun.title} ${name} was not registered: see \`bypass event list\` for the reason`;
}
