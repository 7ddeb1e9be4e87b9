/**
 * A simulation of an image that spreads over a zone: who fetches from whom, and when each host has it. It is a discrete-event
 * program; between two events every host receives at a constant rate.
 *
 * A host that serves shares its link among the hosts that take from it. One that has caught up with its parent receives as
 * fast as the parent does, and leaves the rest of the link to the others. Events are: a host begins, a host catches up with
 * its parent, a host has everything. After each, the rates of the hosts below are computed anew.
 *
 * Who fetches from whom follows the choice of the control side (db/spread/source-choice.ts): one copy at the origin, and
 * for the others the host of least depth with a free upload. Nothing fails here.
 */
import { EventQueue } from './event-queue.ts';
import { ParentChoice } from './parent-choice.ts';
import { shareLink } from './share-link.ts';

export interface SimulationOptions {
  readonly hosts: number;
  /** Bytes of the image. */
  readonly size: number;
  /** Bytes per second of the origin's line, and of each host's link in each direction. */
  readonly originRate: number;
  readonly hostRate: number;
  /** Uploads of a host at a time. */
  readonly uploads: number;
  /** Seconds between two choices of the control side. */
  readonly choiceSeconds: number;
  /** Seconds from the choice until the first byte arrives. */
  readonly beginSeconds: number;
  /** Seconds from the last byte at a host until the last byte at a host that follows it. */
  readonly hopSeconds: number;
}

export interface SimulationResult {
  readonly originBytes: number;
  /** Seconds until half of the hosts, and all of them, have the image. */
  readonly half: number;
  readonly all: number;
  /** Hosts between the last one and the origin. */
  readonly depth: number;
  readonly events: number;
}

/** A host that receives, or the origin. */
interface Node {
  readonly id: number;
  readonly depth: number;
  readonly parent: Node | undefined;
  /** Bytes of its link for those who take from it. */
  readonly uplink: number;
  /** Who takes from it now. */
  readonly takers: Set<Node>;
  position: number;
  /** Bytes per second now. */
  rate: number;
  /** Time of `position`. */
  since: number;
  /** Raised with each change of its rate, so that earlier events do not count any more. */
  version: number;
  caughtUp: boolean;
  /** When it had everything. */
  ended: number | undefined;
}

type Event =
  | { readonly at: number; readonly kind: 'ask'; readonly id: number }
  | { readonly at: number; readonly kind: 'begin'; readonly node: Node }
  | {
      readonly at: number;
      readonly kind: 'caught up' | 'done';
      readonly node: Node;
      readonly version: number;
    };

export function simulate(options: SimulationOptions): SimulationResult {
  const { size, hosts, choiceSeconds, beginSeconds, hopSeconds, uploads, hostRate, originRate } = options;
  const queue = new EventQueue<Event>();
  const choice = new ParentChoice<Node>(uploads);
  const origin = nodeOf(-1, undefined, originRate);
  Object.assign(origin, { position: size, ended: -Infinity });
  const waiting: number[] = [];
  const ended: number[] = [];
  let [now, originBytes, deepest, events] = [0, 0, 0, 0];

  const ask = (id: number): void => {
    const parent = id === 0 ? origin : choice.take();
    if (parent === undefined) {
      waiting.push(id);
      return;
    }
    const node = nodeOf(id, parent, hostRate);
    deepest = Math.max(deepest, node.depth);
    choice.add(node);
    queue.push({ at: now + beginSeconds, kind: 'begin', node });
  };

  const end = (node: Node): void => {
    const { parent } = node;
    if (parent === undefined) return;
    // A host that follows another one has the last byte later than that one.
    const earliest = (parent.ended ?? now) + hopSeconds;
    if (earliest > now) {
      queue.push({ at: earliest, kind: 'done', node, version: node.version });
      return;
    }
    ended.push(now);
    Object.assign(node, { position: size, rate: 0, since: now, caughtUp: false, ended: now });
    parent.takers.delete(node);
    if (parent === origin) originBytes += size;
    else choice.giveBack(parent);
    updateBelow(parent, { now, size, hostRate, queue });
    updateBelow(node, { now, size, hostRate, queue });
    const next = waiting.shift();
    if (next !== undefined) ask(next);
  };

  for (let id = 0; id < hosts; id += 1) queue.push({ at: id * choiceSeconds, kind: 'ask', id });
  for (let event = queue.pop(); event !== undefined; event = queue.pop()) {
    if ('version' in event && event.version !== event.node.version) continue;
    events += 1;
    now = event.at;
    if (event.kind === 'ask') ask(event.id);
    else if (event.kind === 'begin') {
      event.node.since = now;
      event.node.parent?.takers.add(event.node);
      updateBelow(event.node.parent ?? origin, { now, size, hostRate, queue });
    } else if (event.kind === 'caught up') {
      event.node.caughtUp = true;
      updateBelow(event.node.parent ?? origin, { now, size, hostRate, queue });
    } else end(event.node);
  }
  return {
    originBytes,
    half: ended[Math.ceil(hosts / 2) - 1] ?? 0,
    all: ended[hosts - 1] ?? Infinity,
    depth: deepest,
    events,
  };
}

const nodeOf = (id: number, parent: Node | undefined, uplink: number): Node => ({
  id,
  depth: parent === undefined ? -1 : parent.depth + 1,
  parent,
  uplink,
  takers: new Set(),
  position: 0,
  rate: 0,
  since: 0,
  version: 0,
  caughtUp: false,
  ended: undefined,
});

interface World {
  readonly now: number;
  readonly size: number;
  readonly hostRate: number;
  readonly queue: EventQueue<Event>;
}

/** Computes the rates of those who take from a node anew, then of those below them whose own source changed its rate. */
function updateBelow(node: Node, world: World): void {
  const changed = [node];
  for (let above = changed.pop(); above !== undefined; above = changed.pop()) {
    const takers = [...above.takers];
    for (const taker of takers) advance(taker, world);
    advance(above, world);
    const rates = shareLink(
      above.uplink,
      takers.map((taker) => limitOf(taker, above, world)),
    );
    for (const [index, taker] of takers.entries()) {
      const rate = rates[index] ?? 0;
      const isOther = rate !== taker.rate;
      Object.assign(taker, { rate, caughtUp: taker.caughtUp && rate >= above.rate && above.rate > 0 });
      expect(taker, above, world);
      if (isOther && taker.takers.size > 0) changed.push(taker);
    }
  }
}

function advance(node: Node, { now, size }: World): void {
  Object.assign(node, {
    position: Math.min(size, node.position + node.rate * (now - node.since)),
    since: now,
  });
}

const isComplete = (node: Node, { size }: World): boolean => node.position >= size;

const limitOf = (taker: Node, above: Node, world: World): number =>
  taker.caughtUp && !isComplete(above, world) ? Math.min(world.hostRate, above.rate) : world.hostRate;

/** Puts the next event of a node into the queue. */
function expect(node: Node, above: Node, world: World): void {
  node.version += 1;
  const { now, size, queue } = world;
  const { version } = node;
  const gap = above.position - node.position;
  const faster = node.rate - above.rate;
  if (!node.caughtUp && !isComplete(above, world) && faster > 0) {
    queue.push({ at: now + Math.max(0, gap) / faster, kind: 'caught up', node, version });
  }
  if (node.rate > 0)
    queue.push({ at: now + (size - node.position) / node.rate, kind: 'done', node, version });
}
