/** What a fault run knows by itself: which images there are, and what clients were answered. */
import { createHash } from 'node:crypto';
import { bootDisk } from '../support/boot-images.ts';
import { rawDisk } from '../support/images.ts';
import type { Form } from './forms.ts';
import type { WantedMachine, WantedTemplate, Wishes } from './wishes.ts';

export interface KnownTemplate {
  readonly wanted: Pick<WantedTemplate, 'name' | 'hasChecksum' | 'atMs' | 'wishes'>;
  readonly content: Buffer;
  readonly sha256: string;
  /** Once it is registered. */
  id?: string;
  /** Its deletion was accepted. */
  deleted: boolean;
  /** How often a copy of it was removed by wish, and may be fetched again. */
  removals: number;
}

export interface KnownMachine {
  readonly wanted: WantedMachine;
  readonly template: KnownTemplate;
  /** Once it is there. */
  id?: string | undefined;
  expunged: boolean;
}

export interface Truth {
  readonly templates: readonly KnownTemplate[];
  readonly machines: readonly KnownMachine[];
  /** Jobs that the api answered. */
  readonly jobs: Set<string>;
  /** SHA-256 of all images. */
  readonly hashes: ReadonlySet<string>;
}

const MACHINES_OF_A_TEMPLATE = 4;

export function knowAll(wishes: Wishes, form: Form): Truth {
  const templates = wishes.templates.map((wanted, n) => know(wanted, rawDisk(wanted.bytes, n + 1)));
  const boots = Array.from({ length: Math.ceil(form.machines / MACHINES_OF_A_TEMPLATE) }, (_, n) => {
    const name = `boot-${n + 1}`;
    return know({ name, hasChecksum: true, atMs: 0, wishes: [] }, bootDisk(`hello from ${name}`));
  });
  const machines = wishes.machines.map((wanted, n) => ({
    wanted,
    template: boots[n % boots.length] as KnownTemplate,
    expunged: false,
  }));
  const all = [...templates, ...boots];
  return { templates: all, machines, jobs: new Set(), hashes: new Set(all.map(({ sha256 }) => sha256)) };
}

function know(wanted: KnownTemplate['wanted'], content: Buffer): KnownTemplate {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { wanted, content, sha256, deleted: false, removals: 0 };
}
