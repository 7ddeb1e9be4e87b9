/** A kind of pool that only tests know: volumes by number, with a catalogue in memory. */
import { randomUUID } from 'node:crypto';
import { open, rename, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Provenance } from '../../images/fetch/sink.ts';
import type { GrowthObserver } from '../../images/growth-observer.ts';
import type { Part, PartRequest, Pool, PoolConfig, StoredFacts } from '../../images/pools/pool.ts';
import { addSpan, bytesIn, prefixOf, removeSpan } from '../../images/spans.ts';
import type { Span, Spans } from '../../images/spans.ts';

/**
 * Volumes by number in one folder, with a catalogue in memory: no part outlives its attempt, nothing is named by its
 * copy, and nothing is linked.
 */
export function openVolumes(config: PoolConfig): Promise<Pool> {
  const volumes = new Map<string, string>();
  const disks = new Map<string, string>();
  let count = 0;
  const newVolume = async (): Promise<{ readonly path: string; readonly file: FileHandle }> => {
    const path = join(config.path, `volume-${(count += 1)}`);
    return { path, file: await open(path, 'wx+') };
  };
  const factsOf = async (copyId: string, file: FileHandle): Promise<StoredFacts> => {
    const { size, blocks } = await file.stat();
    const localPath = volumes.get(copyId) ?? '';
    return { size, physicalSize: blocks * 512, installPath: copyId, localPath };
  };
  const pool: Pool = {
    id: randomUUID(),
    config,
    check: async () => undefined,
    report: async () => ({
      id: pool.id,
      name: config.name,
      type: config.type,
      scope: config.scope,
      path: config.path,
      capacity: 1e9,
      free: 1e9,
      mounted: true,
    }),
    async openPublished(copyId) {
      const path = volumes.get(copyId);
      if (path === undefined) return undefined;
      const file = await open(path);
      return { file, facts: () => factsOf(copyId, file) };
    },
    publishAgain: () => Promise.resolve(undefined),
    async openPart(request) {
      const { path, file } = await newVolume();
      return new VolumePart(file, request, {
        newVolume,
        async publish(published) {
          const final = join(config.path, `published-${volumes.size + 1}`);
          await rename(published === file ? path : join(config.path, `volume-${count}`), final);
          volumes.set(request.copyId, final);
          return { facts: await factsOf(request.copyId, published), foreign: [] };
        },
        remove: () => unlink(path),
      });
    },
    removeParts: async () => 0,
    async remove(copyId) {
      const path = volumes.get(copyId);
      if (path === undefined) return 0;
      await unlink(path);
      return Number(volumes.delete(copyId));
    },
    async openVolume(volumeId) {
      const path = disks.get(volumeId);
      if (path === undefined) return undefined;
      return { file: await open(path), path, firmwarePath: `${path}-firmware` };
    },
    async createVolume(volumeId, fill) {
      if (disks.has(volumeId)) return false;
      const { path, file } = await newVolume();
      try {
        await fill({ path, file });
      } finally {
        await file.close();
      }
      disks.set(volumeId, path);
      return true;
    },
    async removeVolume(volumeId) {
      const path = disks.get(volumeId);
      if (path === undefined) return 0;
      await unlink(path);
      return Number(disks.delete(volumeId));
    },
    files: async () => [],
    openFile: async () => undefined,
    removeFile: async () => undefined,
    backingName: (copyId) => basename(volumes.get(copyId) ?? ''),
  };
  return Promise.resolve(pool);
}

interface VolumeActions {
  newVolume(): Promise<{ readonly path: string; readonly file: FileHandle }>;
  readonly publish: Part['publish'];
  readonly remove: Part['remove'];
}

class VolumePart implements Part {
  readonly file: FileHandle;
  readonly #admission: boolean;
  readonly #actions: VolumeActions;
  readonly #observers: GrowthObserver[] = [];
  recorded: Provenance | undefined;
  held: Spans = [];
  #good: Spans = [];

  constructor(file: FileHandle, { admission }: PartRequest, actions: VolumeActions) {
    this.file = file;
    this.#admission = admission;
    this.#actions = actions;
  }

  get provenance(): Provenance | undefined {
    return this.recorded;
  }

  get heldBytes(): number {
    return bytesIn(this.held);
  }

  get position(): number {
    return prefixOf(this.#good);
  }

  async beginning(length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  }

  observe(observer: GrowthObserver): void {
    this.#observers.push(observer);
  }

  recordAs(provenance: Provenance): void {
    this.recorded = provenance;
  }

  async room(): Promise<void> {
    for (const observer of this.#observers) await observer.ready();
  }

  hasRoom(): boolean {
    return true;
  }

  async write(chunks: readonly Buffer[], position: number): Promise<void> {
    const bytes = Buffer.concat(chunks);
    await this.file.write(bytes, 0, bytes.length, position);
    const span = { first: position, end: position + bytes.length };
    this.held = addSpan(this.held, span);
    if (!this.#admission) this.admit(span);
    for (const observer of this.#observers) observer.written?.(span, this.held);
  }

  admit(span: Span): void {
    this.#good = addSpan(this.#good, span);
    for (const observer of this.#observers) observer.grown(this.position, this.recorded?.total ?? 0);
  }

  discard(span: Span): void {
    this.held = removeSpan(this.held, span);
  }

  settle(): Promise<void> {
    return this.file.datasync();
  }

  async restart(): Promise<void> {
    for (const observer of this.#observers) await observer.restarting();
    await this.file.truncate(0);
    this.held = this.#good = [];
  }

  async openScratch() {
    const { path, file } = await this.#actions.newVolume();
    return { file, remove: () => file.close().then(() => rm(path, { force: true })) };
  }

  readonly publish: Part['publish'] = (file, identity) => this.#actions.publish(file, identity);

  remove(): Promise<void> {
    return this.#actions.remove();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
