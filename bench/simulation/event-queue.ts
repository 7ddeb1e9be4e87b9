/** Events in the order of their times: a binary heap. */
export interface Timed {
  /** Seconds since the beginning. */
  readonly at: number;
}

export class EventQueue<E extends Timed> {
  readonly #heap: E[] = [];

  push(event: E): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as E;
      if (parent.at <= event.at) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  /** Takes the earliest event. */
  pop(): E | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const next = this.#earlierBelow(at);
      if (next === undefined || (heap[next] as E).at >= last.at) break;
      heap[at] = heap[next] as E;
      at = next;
    }
    heap[at] = last;
    return first;
  }

  #earlierBelow(at: number): number | undefined {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const [one, two] = [this.#heap[left], this.#heap[right]];
    if (one === undefined) return undefined;
    return two !== undefined && two.at < one.at ? right : left;
  }
}
