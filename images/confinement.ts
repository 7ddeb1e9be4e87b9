/**
 * Confines programs that process bytes of a source: no shell, nothing of this process's environment (which may hold
 * an API key, an invite or a proxy's password, and options such as XZ_OPT), and the user `nobody` where this process
 * may change users. The programs get files and pipes as open descriptors.
 */
import { readFileSync } from 'node:fs';

export interface Confinement {
  readonly shell: false;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** The kernel's overflow id, which distributions call `nobody`. */
const NOBODY = 65_534;

/** Numbers (capability.h) of the capabilities for starting a program as another user, and for killing it. */
const NEEDED = [5, 6, 7] as const;
const NAMES = ['CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'] as const;

/** @param path folders to look for programs in, as in PATH; default those of this process */
export const confined = (path?: string): Confinement => ({
  shell: false,
  cwd: '/',
  env: { PATH: path ?? process.env['PATH'] ?? '', LC_ALL: 'C' },
  ...(mayBecomeNobody() ? { uid: NOBODY, gid: NOBODY } : {}),
});

/** For the log: why programs run as root in spite of this; undefined when they do not. */
export function unconfinedReason(): string | undefined {
  if (process.getuid?.() !== 0 || mayBecomeNobody()) return undefined;
  return `decompressors and nfs-cat run as root, since this process lacks one of ${NAMES.join(', ')}`;
}

/** Cached, since it cannot change. Root in a container or in a restricted unit may lack the capabilities. */
let isPermitted: boolean | undefined;
const mayBecomeNobody = (): boolean => (isPermitted ??= process.getuid?.() === 0 && hasCapabilities());

function hasCapabilities(): boolean {
  const [, digits = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(ownStatus()) ?? [];
  const effective = BigInt(`0x${digits}`);
  return NEEDED.every((bit) => ((effective >> BigInt(bit)) & 1n) === 1n);
}

function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
