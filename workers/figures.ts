/** What the database and Temporal know of the whole installation, as metrics of the control worker. */
import { listCertificates } from '../db/certificates/listing.ts';
import type { Database } from '../db/database.ts';
import { readFigures } from '../db/figures.ts';
import type { Figures, PoolFigures } from '../db/figures.ts';
import { daysLeft } from '../model/certificate.ts';
import type { WaitFigures } from '../orchestration/waits.ts';
import { sharedFor } from '../platform/shared-for.ts';
import { familyOf } from './metric-text.ts';
import type { Family } from './metric-text.ts';

/** Milliseconds for which one reading answers all who ask. */
const MAX_AGE_MS = 10_000;
const MAX_CERTIFICATES = 10_000;

export interface FiguresDeps {
  readonly db: Database;
  readonly waits: () => Promise<readonly WaitFigures[]>;
}

/** @returns a function that rejects while PostgreSQL or Temporal does not answer */
export const createFigures = ({ db, waits }: FiguresDeps): (() => Promise<readonly Family[]>) =>
  sharedFor(MAX_AGE_MS, async () => {
    const figures = await readFigures(db);
    return [
      ...hostFamilies(figures),
      ...copyFamilies(figures),
      ...poolFamilies(figures),
      ...waitFamilies(await waits()),
      await certificateFamily(db),
    ];
  });

const hostFamilies = ({ hosts, doors }: Figures): readonly Family[] => [
  familyOf(
    'bypass_hosts',
    hosts.map(({ zone, up, resourceState, count }) => ({
      labels: { zone, state: up ? 'Up' : 'Down', resource_state: resourceState },
      value: count,
    })),
  ),
  familyOf(
    'bypass_door_certificate_days_left',
    doors.map(({ zone, days }) => ({ labels: { zone }, value: days })),
  ),
];

const copyFamilies = ({ copies, pending }: Figures): readonly Family[] => [
  familyOf(
    'bypass_deployments',
    sums(copies, ({ zone, state }) => ({ zone, state })),
  ),
  familyOf(
    'bypass_downloads',
    sums(
      copies.filter(({ state }) => state === 'Creating'),
      ({ zone, phase }) => ({ zone, phase }),
    ),
  ),
  familyOf(
    'bypass_deployments_failed',
    sums(
      copies.filter(({ state }) => state === 'Failed'),
      ({ zone, cause }) => ({ zone, cause }),
    ),
  ),
  familyOf(
    'bypass_deployments_pending',
    pending.map(({ zone, phase, count }) => ({ labels: { zone, phase }, value: count })),
  ),
  familyOf(
    'bypass_deployments_pending_oldest_seconds',
    pending.map(({ zone, phase, oldest }) => ({ labels: { zone, phase }, value: oldest })),
  ),
];

const placeOf = ({ zone, scope }: PoolFigures): Labels => ({ zone, scope });

const poolFamilies = ({ pools }: Figures): readonly Family[] => [
  familyOf(
    'bypass_pools',
    sums(pools, ({ zone, scope, state }) => ({ zone, scope, state })),
  ),
  familyOf(
    'bypass_pools_almost_full',
    sums(pools, placeOf, ({ almostFull }) => almostFull),
  ),
  familyOf(
    'bypass_pool_capacity_bytes',
    sums(pools, placeOf, ({ capacity }) => capacity),
  ),
  familyOf(
    'bypass_pool_free_bytes',
    sums(pools, placeOf, ({ free }) => free),
  ),
  familyOf(
    'bypass_pool_reserved_bytes',
    sums(pools, placeOf, ({ reserved }) => reserved),
  ),
];

const waitLabels = ({ workflow, reason }: WaitFigures): Labels => ({ workflow, reason });

const waitFamilies = (waits: readonly WaitFigures[]): readonly Family[] => [
  familyOf(
    'bypass_waits',
    waits.map((wait) => ({ labels: waitLabels(wait), value: wait.count })),
  ),
  familyOf(
    'bypass_waits_oldest_seconds',
    waits.map((wait) => ({ labels: waitLabels(wait), value: wait.oldest })),
  ),
];

async function certificateFamily(db: Database): Promise<Family> {
  const { rows } = await listCertificates(db, {}, { limit: MAX_CERTIFICATES, offset: 0 });
  const now = new Date();
  return familyOf(
    'bypass_certificate_days_left',
    rows
      .filter(({ revoked }) => !revoked)
      .map(({ alias, zone_name: zone, expires }) => ({
        labels: { alias, zone },
        value: daysLeft(expires, now),
      })),
  );
}

type Labels = Readonly<Record<string, string>>;

/** The sum of a figure over all rows with the same labels. @param figure default: the row's count */
function sums<T extends { readonly count: number }>(
  rows: readonly T[],
  labelsOf: (row: T) => Labels,
  figure: (row: T) => number = ({ count }) => count,
): readonly { readonly labels: Labels; readonly value: number }[] {
  const found = new Map<string, { readonly labels: Labels; readonly value: number }>();
  for (const row of rows) {
    const labels = labelsOf(row);
    const key = JSON.stringify(labels);
    found.set(key, { labels, value: (found.get(key)?.value ?? 0) + figure(row) });
  }
  return [...found.values()];
}
