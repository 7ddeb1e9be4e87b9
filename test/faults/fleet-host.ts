/**
 * A host of a fault run: a host worker in a network namespace, with a pool of its own in memory and one that it shares with its
 * cluster, and all that can be done to it.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errnoOf } from '../../platform/errno.ts';
import type { EndToEnd, RunningHost } from '../labs/end-to-end.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import type { Place } from '../labs/network.ts';

const run = promisify(execFile);

export interface FleetHost {
  readonly name: string;
  readonly place: Place;
  readonly ownPool: string;
  readonly sharedPool: string;
  /** State folder. */
  readonly state: string;
  readonly libvirt: LibvirtLab | undefined;
  /** 0 while it does not run. */
  pid(): number;
  kill(): Promise<void>;
  start(): Promise<void>;
  suspend(): void;
  resume(): void;
  /** Shifts its clock, while it runs. */
  shiftClock(seconds: number): Promise<void>;
  /** Fills its own pool, or frees it. */
  setFull(full: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface FleetHostOptions {
  readonly lab: EndToEnd;
  readonly name: string;
  readonly zone: string;
  readonly cluster: string;
  readonly place: Place;
  /** Temporal, as the place reaches it. */
  readonly temporal: string;
  /** Folder of the host. */
  readonly folder: string;
  readonly sharedPool: string;
  readonly poolMib: number;
  readonly libvirt: LibvirtLab | undefined;
  readonly log: string;
  readonly hasClock: boolean;
  /** Called when its process ended, and nobody had killed it. */
  readonly onCrash: () => void;
}

const DOOR = 7443;
const RESTART_MS = 1000;
const MIB = 1_048_576;

/** Of Debian's package libfaketime; undefined: the clock of a process cannot be shifted here. */
export const FAKETIME = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

export async function startFleetHost(options: FleetHostOptions): Promise<FleetHost> {
  const { lab, name, place, folder, sharedPool, libvirt } = options;
  const [ownPool, clock] = [join(folder, 'pool'), join(folder, 'clock')];
  await mkdir(ownPool, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${options.poolMib}m,mode=755`, 'tmpfs', ownPool]);
  await writeFile(clock, '+0');
  const filler = join(ownPool, '.bypass-filler');
  const invite = await lab.invite();
  const state = join(folder, 'state');
  const begin = (): Promise<RunningHost> =>
    lab.runHost({
      name,
      zone: options.zone,
      state,
      invite,
      pools: `own-${name}=Filesystem:HOST:${ownPool},shared-${options.cluster}=SharedMountPoint:CLUSTER:${sharedPool}:create`,
      within: place.within,
      log: options.log,
      env: { ...environmentOf(options), ...(options.hasClock ? clockOf(clock) : {}) },
    });
  let isClosed = false;
  let running: RunningHost | undefined;
  const start = async (): Promise<void> => {
    const begun = await begin();
    running = begun;
    void begun.ended.then(() => (running === begun ? restart() : undefined));
  };
  /** As systemd does. */
  const restart = async (): Promise<void> => {
    running = undefined;
    options.onCrash();
    await sleep(RESTART_MS);
    if (!isClosed && running === undefined) await start();
  };
  await start();
  const signal = (what: NodeJS.Signals): void => {
    try {
      if (running !== undefined) process.kill(running.pid, what);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  };
  const kill = async (): Promise<void> => {
    const killed = running;
    signal('SIGKILL');
    running = undefined;
    await killed?.ended;
  };
  return {
    name,
    place,
    ownPool,
    sharedPool,
    state,
    libvirt,
    pid: () => running?.pid ?? 0,
    kill,
    async start() {
      if (running === undefined && !isClosed) await start();
    },
    suspend: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    shiftClock: (seconds) => writeFile(clock, seconds < 0 ? String(seconds) : `+${seconds}`),
    setFull: (full) => (full ? fill(filler, ownPool) : rm(filler, { force: true })),
    async close() {
      isClosed = true;
      await kill();
      await run('umount', ['-l', ownPool]);
      await libvirt?.close();
    },
  };
}

const environmentOf = ({ cluster, temporal, place, libvirt }: FleetHostOptions): NodeJS.ProcessEnv => ({
  TEMPORAL_ADDRESS: temporal,
  BYPASS_CLUSTER: cluster,
  BYPASS_URL_ALLOW: '10.77.0.0/16',
  BYPASS_PEER_LISTEN: `${place.address}:${DOOR}`,
  // A source that is away or stuck is noticed while the run lasts.
  BYPASS_CONNECT_TIMEOUT: '5',
  BYPASS_HEADERS_TIMEOUT: '10',
  BYPASS_IDLE_TIMEOUT: '15',
  // What is in the connections of a host when it dies is lost.
  BYPASS_CONNECTIONS: '2',
  ...(libvirt === undefined ? {} : { BYPASS_LIBVIRT_URI: libvirt.uri, BYPASS_VM_ACCELERATOR: 'tcg' }),
});

/** The process reads its offset from the file each second. What measures durations is left alone, as by a real clock that is set. */
const clockOf = (file: string): NodeJS.ProcessEnv =>
  FAKETIME === undefined
    ? {}
    : {
        LD_PRELOAD: FAKETIME,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        NO_FAKE_STAT: '1',
      };

/** Writes until the disk is full, as somebody else's file does. */
async function fill(path: string, pool: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    const piece = Buffer.alloc(MIB);
    for (;;) {
      const { bavail, bsize } = await statfs(pool);
      if (bavail === 0) return;
      await file.write(piece, 0, Math.min(piece.length, bavail * bsize));
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC') throw error;
  } finally {
    await file.close();
  }
}
