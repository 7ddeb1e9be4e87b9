/**
 * Files over NFS by libnfs's programs: in user space, nothing is mounted. The programs read from the beginning only and give
 * no validator, so a broken transfer starts again from byte 0.
 */
import { isIPv6 } from 'node:net';
import { ImageError } from '../../../../model/failures.ts';
import { displayUrl, parseImageUrl } from '../../../../model/url.ts';
import { BUDGETS } from '../../network/budgets.ts';
import type { Budgets } from '../../network/budgets.ts';
import { connectError } from '../../network/connect-errors.ts';
import { createEgressPolicy } from '../../network/egress-policy.ts';
import type { EgressOptions, EgressPolicy } from '../../network/egress-policy.ts';
import { requireNfsUrl } from './nfs-url.ts';
import { startProgram } from './program-stream.ts';
import type { ProgramStream } from './program-stream.ts';
import { firstBytes } from '../../first-bytes.ts';
import { RangeRefused } from '../../range.ts';
import { PROBE_LENGTH } from '../../protocol.ts';
import type {
  OpenedSource,
  OpenRequest,
  Protocol,
  Source,
  SourceFacts,
  SourceHead,
  SourceRequest,
} from '../../protocol.ts';

export interface NfsOptions extends Partial<Budgets>, EgressOptions {
  /** Replaces the policy that these options would make. */
  readonly egress?: EgressPolicy;
  /** Programs that read a file, and list a folder. */
  readonly nfsPrograms?: { readonly cat: string; readonly ls: string };
}

type NfsSettings = Required<Omit<NfsOptions, keyof EgressOptions>>;

const NO_RANGES = 'files on NFS are read from the beginning only';
/** Characters of a line of a listing. */
const LINE_LIMIT = 4096;

export const NFS: Protocol = {
  schemes: { nfs: 2049 },
  servicePorts: ['111', '2049'],
  ranges: false,
  credentials: [],
  openToUsers: false,
  program: { name: 'nfs-cat', purpose: 'fetch images from NFS', args: ['--help'], printsVersion: false },
  parse: requireNfsUrl,
  create: createNfsSource,
};

export function createNfsSource(options: NfsOptions = {}): Source {
  const programs = { cat: 'nfs-cat', ls: 'nfs-ls' };
  const egress = options.egress ?? createEgressPolicy(options, [NFS]);
  const settings: NfsSettings = { ...BUDGETS, nfsPrograms: programs, ...options, egress };
  return {
    probe: (request) => probe(request, settings),
    open: (request) => open(request, settings),
  };
}

async function probe(request: SourceRequest, settings: NfsSettings): Promise<SourceHead> {
  const source = await open(request, settings);
  try {
    const length = Math.min(PROBE_LENGTH, source.total || PROBE_LENGTH);
    return { ...factsOf(source), head: await firstBytes(source.body, length) };
  } finally {
    source.close();
  }
}

const factsOf = ({
  finalUrl,
  total,
  etag,
  lastModified,
  contentType,
  ranges,
}: OpenedSource): SourceFacts => ({
  finalUrl,
  total,
  etag,
  lastModified,
  contentType,
  ranges,
});

async function open(request: OpenRequest, settings: NfsSettings): Promise<OpenedSource> {
  request.signal.throwIfAborted();
  const url = parseNfsUrl(request.url);
  const about = { url: displayUrl(url.href) };
  if (request.range !== undefined) throw new RangeRefused(NO_RANGES, { changed: false, ...about });
  const address = await addressOf(url, settings);
  const total = await sizeOf(url, address, request.signal, settings);
  const { cat } = settings.nfsPrograms;
  const stream = startProgram(cat, [argument(url, address, url.pathname)], {
    budgets: settings,
    signal: request.signal,
    explain: (output, begun) => explain(output, begun, about),
  });
  if (request.resume !== undefined) request.onRestart?.(NO_RANGES);
  return {
    finalUrl: about.url,
    total,
    etag: undefined,
    lastModified: undefined,
    contentType: undefined,
    ranges: NFS.ranges,
    offset: 0,
    body: stream.body,
    arrived: () => stream.body.received,
    giveBack: () => undefined,
    close: () => stream.close(),
  };
}

function parseNfsUrl(text: string): URL {
  try {
    return parseImageUrl(text, [NFS]);
  } catch (error) {
    throw new ImageError('Unsupported', (error as Error).message, { url: displayUrl(text) });
  }
}

async function addressOf(url: URL, { dnsMs, egress }: NfsSettings): Promise<string> {
  try {
    const [first] = (await egress.route(url, dnsMs)).addresses;
    return first?.address ?? '';
  } catch (error) {
    throw connectError(error as Error, url);
  }
}

/** Names the address that the policy judged instead of the host, so that libnfs resolves nothing. */
function argument(url: URL, address: string, path: string): string {
  const version = url.searchParams.get('version') ?? '4';
  const port = url.port === '' ? '' : `&nfsport=${url.port}`;
  const mount = version === '3' && url.port !== '' ? `&mountport=${url.port}` : '';
  // libnfs takes IPv6 addresses without brackets.
  const host = isIPv6(address) ? address.toLowerCase() : address;
  return `nfs://${host}${path}?version=${version}${port}${mount}`;
}

/** Bytes of the file as its folder's listing has them; 0 when the folder may not be read. */
async function sizeOf(
  url: URL,
  address: string,
  signal: AbortSignal,
  settings: NfsSettings,
): Promise<number> {
  const at = url.pathname.lastIndexOf('/');
  const [folder, name] = [url.pathname.slice(0, at) || '/', url.pathname.slice(at + 1)];
  const about = { url: displayUrl(url.href) };
  const listing = startProgram(settings.nfsPrograms.ls, [argument(url, address, folder)], {
    budgets: settings,
    signal,
    explain: (output) => explain(output, false, about),
  });
  try {
    const entry = await findEntry(listing, name);
    if (entry === undefined) throw new ImageError('NotFound', 'is not there', about);
    if (entry.type === '-') return entry.size;
    const what = entry.type === 'd' ? 'a folder' : 'no regular file';
    throw new ImageError('NotFound', `is ${what}; name the file itself`, about);
  } catch (error) {
    if (error instanceof ImageError && error.kind === 'Refused') return 0;
    throw error;
  } finally {
    listing.close();
  }
}

interface Entry {
  readonly type: string;
  readonly size: number;
}

async function findEntry(listing: ProgramStream, name: string): Promise<Entry | undefined> {
  let rest = '';
  for await (const batch of listing.body) {
    const lines = (rest + Buffer.concat(batch).toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_LIMIT);
    for (const line of lines) {
      const match = /^(?<type>[-a-z])\S{9} +\d+ +-?\d+ +-?\d+ +(?<size>\d{1,15}) (?<name>.*)$/.exec(line);
      const { type = '', size = '', name: found } = match?.groups ?? {};
      if (found === name) return { type, size: Number(size) };
    }
  }
  return undefined;
}

/** Reads the error output of libnfs's programs. */
function explain(output: string, begun: boolean, about: { readonly url: string }): ImageError {
  const error = (kind: ImageError['kind'], sentence: string): ImageError =>
    new ImageError(kind, sentence, about);
  if (begun) return error('ConnectionLost', 'was cut off in the middle of the file');
  if (/ERR_NOENT\b/.test(output)) return error('NotFound', 'is not there');
  if (/ERR_(?:ISDIR|NOTDIR)\b/.test(output)) return error('NotFound', 'is a folder, or lies in what is none');
  if (/ERR_(?:ACCES|PERM|WRONGSEC)\b/.test(output)) return error('Refused', 'may not be read by this host');
  if (/mismatch|ERR_MINOR_VERS/i.test(output)) return error('ProtocolError', 'speaks another version of NFS');
  if (/nfs_service failed|start connection|connect/i.test(output)) {
    return error('Unreachable', 'has a server that does not take connections for NFS');
  }
  const code = /NFS[34]?ERR_[A-Z_]+/.exec(output)?.[0] ?? 'without saying why';
  return error('ProtocolError', `cannot be read over NFS (${code})`);
}
