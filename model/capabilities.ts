/** Capabilities that hosts report, and those that a job needs: a host is chosen by both. */
import type { HostCapabilities, ProgramReport } from './payloads.ts';
import { compressions } from './source.ts';
import { schemesOf } from './protocols.ts';
import type { Protocols } from './protocols.ts';
import { isShownUrl } from './url.ts';

/** Compressions that a system program unpacks. */
const UNPACKERS: Readonly<Record<string, string>> = { bzip2: 'bzip2', xz: 'xz', zstd: 'zstd' };

/** Fields of jobs that this release heeds, beyond those that every release knows. */
const FEATURES = [
  'policy',
  'timeouts',
  'limits',
  'certificates',
  'queries',
  'vms',
  'peers',
  'poolFiles',
  'pacedHash',
  'peerChanges',
  'healing',
] as const;
export type Feature = (typeof FEATURES)[number];

/** Of a host of this release with these protocols and programs. */
export function capabilitiesOf(programs: readonly ProgramReport[], protocols: Protocols): HostCapabilities {
  const installed = new Set(programs.flatMap(({ name, version }) => (version === undefined ? [] : [name])));
  const isUsable = (program: string | undefined): boolean => program === undefined || installed.has(program);
  const usable = protocols.filter(({ program }) => isUsable(program?.name));
  return {
    protocols: [...schemesOf(usable), 'metalink'],
    formats: ['QCOW2', 'RAW', 'ISO'],
    unpacks: compressions.filter((name) => isUsable(UNPACKERS[name])),
    features: FEATURES,
  };
}

export interface Needs {
  /** URL of the image. */
  readonly url: string;
  readonly format: string;
  /** Null where the file is not packed, or that is not known yet. */
  readonly compression: string | null;
}

/** The hosts that are capable; when none is, all of them: the host that tries reports by name what it lacks. */
export function preferCapable<H extends { readonly capabilities: HostCapabilities | null }>(
  hosts: readonly H[],
  needs: Needs,
): readonly H[] {
  const able = hosts.filter(({ capabilities }) => missingCapability(capabilities, needs) === undefined);
  return able.length > 0 ? able : hosts;
}

/**
 * @param able null for a host of a release that reports no capabilities: it may try
 * @returns the first capability that is missing, as the end of a sentence about the host
 */
export function missingCapability(able: HostCapabilities | null, needs: Needs): string | undefined {
  const { url, format, compression } = needs;
  const isWhole = !URL.canParse(url) || !isShownUrl(new URL(url));
  if (!isWhole && able?.features.includes('queries') !== true) return 'asks without the query of the URL';
  if (able === null) return undefined;
  const scheme = URL.canParse(url) ? new URL(url).protocol.slice(0, -1) : '';
  if (!able.protocols.includes(scheme)) return `cannot fetch by ${scheme}`;
  if (!able.formats.includes(format)) return `does not take ${format}`;
  return compression === null || able.unpacks.includes(compression)
    ? undefined
    : `cannot unpack ${compression}`;
}
