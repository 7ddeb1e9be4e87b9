/**
 * The forms of a fault run: a short one in `npm test`, a longer one in `npm run test:full`, and `npm run test:faults`, which is
 * ten minutes of faults on six hosts.
 */
import { whyNoLibvirt } from '../labs/libvirt.ts';
import { isFullRun } from '../support/programs.ts';
import { FAULT_KINDS } from './schedule.ts';
import type { FaultKind, ScheduleForm } from './schedule.ts';
import type { WishForm } from './wishes.ts';

export interface Form extends ScheduleForm, WishForm {
  readonly name: string;
  readonly clusters: number;
  /** Whether PostgreSQL and Temporal are the run's own, so that they can be killed. */
  readonly ownServers: boolean;
  /** Mbit/s of the links of hosts and of the origin. */
  readonly hostMbit: number;
  readonly originMbit: number;
  /** MiB of each local pool. */
  readonly poolMib: number;
  /** The longest that it may take until all is quiet after the last fault. */
  readonly quietMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Kinds whose consequences are over within seconds, on servers that other tests use too. */
const SHORT_KINDS: readonly FaultKind[] = [
  'host killed',
  'origin wrong',
  'host cut off',
  'control worker killed',
];

const SHORT: Form = {
  name: 'short',
  kinds: SHORT_KINDS,
  hosts: 2,
  clusters: 1,
  clockHost: 0,
  runMs: 6 * SECOND,
  gapMs: [SECOND, 1.5 * SECOND],
  maxMs: 2 * SECOND,
  templates: 4,
  pools: 3,
  copies: 2,
  mib: [2, 4],
  machines: 0,
  ownServers: false,
  hostMbit: 16,
  originMbit: 32,
  poolMib: 64,
  quietMs: 2 * MINUTE,
};

const WHOLE: Form = {
  name: 'whole',
  kinds: FAULT_KINDS,
  hosts: 6,
  clusters: 3,
  clockHost: 4,
  runMs: 10 * MINUTE,
  gapMs: [4 * SECOND, 12 * SECOND],
  maxMs: MINUTE,
  templates: 40,
  pools: 9,
  copies: 3,
  mib: [4, 20],
  machines: 12,
  ownServers: true,
  hostMbit: 8,
  originMbit: 32,
  poolMib: 384,
  quietMs: 10 * MINUTE,
};

const LONG: Form = { ...WHOLE, name: 'long', runMs: 3 * MINUTE, templates: 20, machines: 6 };

/** Minutes of faults, and the seed, as `npm run test:faults` was given them. */
const {
  BYPASS_TEST_FAULTS: whole,
  BYPASS_TEST_FAULTS_MINUTES: minutes,
  BYPASS_TEST_SEED: given,
} = process.env;

const chosen = whole === '1' ? WHOLE : isFullRun ? LONG : SHORT;

export const FORM: Form = {
  ...chosen,
  ...(minutes ? { runMs: Number(minutes) * MINUTE } : {}),
  ...(whyNoLibvirt() === undefined ? {} : { machines: 0 }),
};

/** `npm test` is the same in every run; the other forms take a new seed, unless one is given. */
const SHORT_SEED = 373_044;
const ownSeed = chosen === SHORT ? SHORT_SEED : Math.floor(Math.random() * 1_000_000);
export const SEED = given ? Number(given) : ownSeed;
