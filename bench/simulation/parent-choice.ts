/** Which host is the next parent: least depth first, then fewest uploads, then the one that came first. */
interface Deep {
  readonly depth: number;
}

export class ParentChoice<N extends Deep> {
  readonly #uploads: number;
  readonly #used = new Map<N, number>();
  /** By depth, then by uploads in use: hosts with a free upload. */
  readonly #free: Set<N>[][] = [];

  constructor(uploads: number) {
    this.#uploads = uploads;
  }

  add(node: N): void {
    this.#used.set(node, 0);
    this.#at(node.depth, 0).add(node);
  }

  /** Takes an upload of the best host; undefined when none is free. */
  take(): N | undefined {
    for (const byUse of this.#free) {
      const [node] = byUse?.find((some) => some.size > 0) ?? [];
      if (node === undefined) continue;
      this.#move(node, 1);
      return node;
    }
    return undefined;
  }

  giveBack(node: N): void {
    this.#move(node, -1);
  }

  #move(node: N, by: 1 | -1): void {
    const used = this.#used.get(node) ?? 0;
    this.#used.set(node, used + by);
    if (used < this.#uploads) this.#at(node.depth, used).delete(node);
    if (used + by < this.#uploads) this.#at(node.depth, used + by).add(node);
  }

  #at(depth: number, used: number): Set<N> {
    const byUse = (this.#free[depth] ??= []);
    while (byUse.length <= used) byUse.push(new Set());
    return byUse[used] as Set<N>;
  }
}
