/**
 * Counts the users of each cluster within a window of the file. Clusters beyond the window are counted in another pass, so that
 * memory does not grow with the file.
 */

/** Clusters of a window. Each takes two bytes, once a cluster of its page is used. */
export const WINDOW = 16 * 1_048_576;
const PAGE = 32_768;

const TABLE = 0x8000;
const L2_TABLE = 0x4000;
const IN_PLACE = 0x2000;
const COUNT = 0x1fff;

export interface Usage {
  readonly cluster: number;
  /** Number of users; counting stops at 8,191. */
  readonly uses: number;
  /** Whether a reference claims to be the only one: QEMU then writes to the cluster without copying it. */
  readonly inPlace: boolean;
}

export class ClusterWindow {
  readonly #clusters: number;
  readonly #pages = new Map<number, Uint16Array>();
  /** Cleared pages of an earlier window, for reuse. */
  readonly #spare: Uint16Array[] = [];
  /** Numbers of further windows that have uses. */
  readonly #elsewhere = new Set<number>();
  #first = 0;
  /** Whether uses outside the window are noted. True during the first visit, which sees all uses. */
  #recording = true;

  /** @param clusters number of clusters of the whole file */
  constructor(clusters: number) {
    this.#clusters = clusters;
  }

  /** Visits every window that has uses. Each visit reports all uses; the window counts those within it. */
  async each(visit: () => Promise<void>): Promise<void> {
    this.#elsewhere.clear();
    this.#recording = true;
    this.moveTo(0);
    await visit();
    this.#recording = false;
    for (const index of [...this.#elsewhere].sort((a, b) => a - b)) {
      if (index === 0) continue;
      this.moveTo(index * WINDOW);
      await visit();
    }
  }

  /** Clears the counts and moves to another part of the file. */
  moveTo(first: number): void {
    this.#first = first;
    for (const page of this.#pages.values()) this.#spare.push(page.fill(0));
    this.#pages.clear();
  }

  /** Claims a cluster for a table. @returns whether it was free, or is in another window */
  claim(cluster: number): boolean {
    if (!this.#covers(cluster)) return true;
    if ((this.#get(cluster) & (TABLE | COUNT)) !== 0) return false;
    this.#set(cluster, TABLE | 1);
    return true;
  }

  /** Claims a cluster for an L2 table, which L1 tables of snapshots may share with the active one. */
  claimL2(cluster: number, active: boolean, inPlace: boolean): boolean {
    if (!this.#covers(cluster)) return true;
    const cell = this.#get(cluster);
    if ((cell & COUNT) !== 0 && (active || (cell & L2_TABLE) === 0)) return false;
    this.#set(cluster, more(cell) | TABLE | L2_TABLE | (inPlace ? IN_PLACE : 0));
    return true;
  }

  /** Counts a use for the data of the disk. @returns whether no table claims the cluster */
  use(cluster: number, inPlace: boolean): boolean {
    if (!this.#covers(cluster)) return true;
    const cell = this.#get(cluster);
    if ((cell & TABLE) !== 0) return false;
    this.#set(cluster, more(cell) | (inPlace ? IN_PLACE : 0));
    return true;
  }

  /** The used clusters, in the order of the file. */
  *usages(): Generator<Usage> {
    for (const [index, page] of [...this.#pages].sort(([a], [b]) => a - b)) {
      for (let at = 0; at < PAGE; at += 1) {
        const cell = page[at] ?? 0;
        if (cell === 0) continue;
        const cluster = this.#first + index * PAGE + at;
        yield { cluster, uses: cell & COUNT, inPlace: (cell & IN_PLACE) !== 0 };
      }
    }
  }

  #covers(cluster: number): boolean {
    if (cluster >= this.#clusters) return false;
    if (cluster >= this.#first && cluster < this.#first + WINDOW) return true;
    if (this.#recording) this.#elsewhere.add(Math.floor(cluster / WINDOW));
    return false;
  }

  #get(cluster: number): number {
    const at = cluster - this.#first;
    return this.#pages.get(Math.floor(at / PAGE))?.[at % PAGE] ?? 0;
  }

  #set(cluster: number, cell: number): void {
    const at = cluster - this.#first;
    const index = Math.floor(at / PAGE);
    const page = this.#pages.get(index) ?? this.#spare.pop() ?? new Uint16Array(PAGE);
    this.#pages.set(index, page);
    page[at % PAGE] = cell;
  }
}

/** Adds one use and keeps the flags. */
const more = (cell: number): number => ((cell & COUNT) === COUNT ? cell : cell + 1);
