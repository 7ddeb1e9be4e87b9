/**
 * Who uses which cluster of a file, for a window of its clusters: what is beyond the window is counted in another
 * pass, so that memory does not grow with the file.
 */

/** Clusters; two bytes each. */
export const WINDOW = 16 * 1_048_576;
const PAGE = 4096;

const TABLE = 0x8000;
const L2_TABLE = 0x4000;
const IN_PLACE = 0x2000;
const COUNT = 0x1fff;

export interface Usage {
  readonly cluster: number;
  /** At most 8,191: more are not told apart. */
  readonly uses: number;
  /** A reference says that it is the only one, so that QEMU would write here without a copy. */
  readonly inPlace: boolean;
}

export class ClusterWindow {
  readonly first: number;
  readonly #cells: Uint16Array;
  readonly #touched: Uint8Array;

  constructor(first: number, clusters: number) {
    this.first = first;
    const length = Math.max(0, Math.min(WINDOW, clusters - first));
    this.#cells = new Uint16Array(length);
    this.#touched = new Uint8Array(Math.ceil(length / PAGE));
  }

  /** Claims a cluster for a table. @returns whether it was free, or is in another window */
  claim(cluster: number): boolean {
    const at = cluster - this.first;
    const cell = this.#cells[at];
    if (cell === undefined) return true;
    if ((cell & (TABLE | COUNT)) !== 0) return false;
    this.#set(at, TABLE | 1);
    return true;
  }

  /** Claims a cluster for an L2 table, which the L1 tables of snapshots may share; the active one has it first. */
  claimL2(cluster: number, active: boolean, inPlace: boolean): boolean {
    const at = cluster - this.first;
    const cell = this.#cells[at];
    if (cell === undefined) return true;
    if ((cell & COUNT) !== 0 && (active || (cell & L2_TABLE) === 0)) return false;
    this.#set(at, more(cell) | TABLE | L2_TABLE | (inPlace ? IN_PLACE : 0));
    return true;
  }

  /** Counts a use for the data of the disk. @returns whether no table lies there */
  use(cluster: number, inPlace: boolean): boolean {
    const at = cluster - this.first;
    const cell = this.#cells[at];
    if (cell === undefined) return true;
    if ((cell & TABLE) !== 0) return false;
    this.#set(at, more(cell) | (inPlace ? IN_PLACE : 0));
    return true;
  }

  *usages(): Generator<Usage> {
    for (let page = 0; page < this.#touched.length; page += 1) {
      if (this.#touched[page] === 0) continue;
      const end = Math.min(this.#cells.length, (page + 1) * PAGE);
      for (let at = page * PAGE; at < end; at += 1) {
        const cell = this.#cells[at] ?? 0;
        if (cell === 0) continue;
        yield { cluster: this.first + at, uses: cell & COUNT, inPlace: (cell & IN_PLACE) !== 0 };
      }
    }
  }

  #set(at: number, cell: number): void {
    this.#cells[at] = cell;
    this.#touched[(at / PAGE) | 0] = 1;
  }
}

/** One use more, the marks as they were. */
const more = (cell: number): number => ((cell & COUNT) === COUNT ? cell : cell + 1);
