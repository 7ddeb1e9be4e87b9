/**
 * A network of namespaces for labs: each host has a namespace with a link to one bridge, limited in both directions
 * by a token bucket (`tc tbf`), and a second link without a limit to this process, for Temporal. Nothing of it reaches
 * beyond this machine, and several networks can exist beside each other. It needs root.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { once } from 'node:events';

const run = promisify(execFile);

/** A limited link to the bridge. */
export interface Link {
  readonly address: string;
  /** Cuts the link, or mends it. */
  setLink(up: boolean): Promise<void>;
  /** @param mbit in each direction */
  setRate(mbit: number): Promise<void>;
}

export interface Place extends Link {
  readonly namespace: string;
  /** Command that runs a program there. */
  readonly within: readonly [string, ...string[]];
  /** Cuts the link to Temporal, or mends it. */
  setControlLink(up: boolean): Promise<void>;
}

export interface Network {
  /** @param mbit of the link, in each direction */
  addPlace(mbit: number): Promise<Place>;
  /** A link for a server of this process. Once. @param mbit in each direction */
  addLink(mbit: number): Promise<Link>;
  /** A port of this machine's loopback, as places reach it. @returns `address:port` */
  reach(port: number): Promise<string>;
  /**
   * Bytes that left a place over TCP, each once. A link would also count what it lost and sent again; a server, what it gave
   * to the kernel and never left, since the client had closed the connection.
   */
  sentBytes(place: Place): Promise<number>;
  close(): Promise<void>;
}

/** The limited links of a network are in 10.77.N.0/24, those to this process in 10.78.N.0/24. */
const LIMITED = '10.77';
const CONTROL = '10.78';
const SUBNETS = 256;
/** The last of the addresses that hosts can have. */
const OUTSIDE = 254;

/** Whether this process may make one. */
export function canMakeNetworks(): boolean {
  const name = `b${process.pid.toString(36)}try`;
  const made = spawnSync('ip', ['netns', 'add', name], { stdio: 'ignore' }).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  return made;
}

export async function openNetwork(): Promise<Network> {
  const mark = `b${process.pid.toString(36)}`;
  const hub = `${mark}hub`;
  const control = `${mark}c`;
  const outside = `${mark}o`;
  const subnet = await freeSubnet();
  const names: string[] = [];
  const servers: { close(): void }[] = [];
  let count = 0;

  const close = async (): Promise<void> => {
    for (const server of servers) server.close();
    for (const name of [...names, hub]) await ip(['netns', 'del', name]).catch(() => undefined);
    for (const link of [control, outside]) await ip(['link', 'del', link]).catch(() => undefined);
  };
  try {
    await ipBatch([
      `netns add ${hub}`,
      `-n ${hub} link add data type bridge`,
      `-n ${hub} link set data up`,
      `link add ${control} type bridge`,
      `addr add ${CONTROL}.${subnet}.1/24 dev ${control}`,
      `link set ${control} up`,
    ]);
  } catch (error) {
    await close();
    throw error;
  }

  return {
    async addPlace(mbit) {
      count += 1;
      const n = count;
      const namespace = `${mark}n${n}`;
      const address = `${LIMITED}.${subnet}.${n}`;
      names.push(namespace);
      await ipBatch([
        `netns add ${namespace}`,
        `-n ${hub} link add p${n} type veth peer name data netns ${namespace}`,
        `-n ${hub} link set p${n} master data up`,
        `link add ${mark}p${n} type veth peer name control netns ${namespace}`,
        `link set ${mark}p${n} master ${control} up`,
        `-n ${namespace} link set lo up`,
        `-n ${namespace} addr add ${address}/24 dev data`,
        `-n ${namespace} link set data up`,
        `-n ${namespace} addr add ${CONTROL}.${subnet}.${n + 1}/24 dev control`,
        `-n ${namespace} link set control up`,
      ]);
      const ends = [['-n', namespace, 'data'] as const, ['-n', hub, `p${n}`] as const];
      for (const end of ends) await limit('add', end, mbit);
      return {
        namespace,
        address,
        within: ['ip', 'netns', 'exec', namespace],
        setLink: (up) => ip(['-n', hub, 'link', 'set', `p${n}`, up ? 'up' : 'down']),
        setControlLink: (up) => ip(['link', 'set', `${mark}p${n}`, up ? 'up' : 'down']),
        async setRate(rate) {
          for (const end of ends) await limit('change', end, rate);
        },
      };
    },
    async addLink(mbit) {
      const address = `${LIMITED}.${subnet}.${OUTSIDE}`;
      await ipBatch([
        `link add ${outside} type veth peer name outside netns ${hub}`,
        `-n ${hub} link set outside master data up`,
        `addr add ${address}/24 dev ${outside}`,
        `link set ${outside} up`,
      ]);
      const ends = [[outside] as const, ['-n', hub, 'outside'] as const];
      for (const end of ends) await limit('add', end, mbit);
      return {
        address,
        setLink: (up) => ip(['-n', hub, 'link', 'set', 'outside', up ? 'up' : 'down']),
        async setRate(rate) {
          for (const end of ends) await limit('change', end, rate);
        },
      };
    },
    async reach(port) {
      const relay = createServer((socket) => {
        const inner = createConnection(port, '127.0.0.1');
        for (const one of [socket, inner])
          one.on('error', () => [socket, inner].map((each) => each.destroy()));
        socket.pipe(inner).pipe(socket);
      });
      const address = `${CONTROL}.${subnet}.1`;
      relay.listen(0, address);
      await once(relay, 'listening');
      servers.push(relay);
      return `${address}:${(relay.address() as AddressInfo).port}`;
    },
    async sentBytes({ within: [program, ...args] }) {
      const { stdout } = await run(program, [...args, 'cat', '/proc/net/netstat']);
      return counterIn(stdout, 'TcpExt:', 'TCPOrigDataSent') * SEGMENT;
    },
    close,
  };
}

/** Bytes of data in a full segment: an MTU of 1500 without the headers of IPv4 and of TCP with time stamps. */
const SEGMENT = 1448;

/** A counter of a file that has, for each group, a line of names and then a line of values. */
function counterIn(text: string, group: string, name: string): number {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith(group))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf(name)]);
}

const ip = async (args: readonly string[]): Promise<void> => void (await run('ip', args));

/** A line of a batch cannot say in which namespace it runs, so that each line is a command of its own. */
async function ipBatch(lines: readonly string[]): Promise<void> {
  for (const line of lines) await ip(line.split(' '));
}

/** A device, after the options that name its namespace. */
type End = readonly [...string[], string];

/** A bucket of 20 ms, so that small answers pass at once. */
const limit = async (change: 'add' | 'change', end: End, mbit: number): Promise<void> => {
  const burst = Math.max(32, Math.ceil((mbit * 1000) / 8 / 50));
  const bucket = ['tbf', 'rate', `${mbit}mbit`, 'burst', `${burst}kb`, 'latency', '100ms'];
  await run('tc', [...end.slice(0, -1), 'qdisc', change, 'dev', String(end.at(-1)), 'root', ...bucket]);
};

/** A subnet that no other network of this machine has: test files run beside each other. */
async function freeSubnet(): Promise<number> {
  const { stdout } = await run('ip', ['-o', '-4', 'addr', 'show']);
  for (let n = 0; n < SUBNETS; n += 1) {
    const subnet = (process.pid + n) % SUBNETS;
    if (!stdout.includes(` ${CONTROL}.${subnet}.`)) return subnet;
  }
  throw new Error(`this machine has ${SUBNETS} networks of tests already`);
}

/** Starts a program in a place; its output is dropped. */
export function spawnIn(place: Pick<Place, 'within'>, command: readonly string[]): ChildProcess {
  const [program, ...args] = [...place.within, ...command] as [string, ...string[]];
  return spawn(program, args, { stdio: 'ignore' });
}
