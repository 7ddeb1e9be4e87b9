/**
 * A fleet under random faults, by a seed that is printed: hosts are killed, suspended, cut off and filled, their clocks shifted; the
 * origin is slow, wrong or gone; Temporal, PostgreSQL, control worker and api are killed. All the while clients want templates
 * and machines. What must hold is looked at during the run (watch.ts) and after it (settle.ts); forms.ts has the forms.
 *
 *   npm run test:faults -- --seed 17
 */
import { cp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canMakeNetworks } from '../labs/network.ts';
import { requiredBytes } from './allowance.ts';
import { carryOut } from './carrying-out.ts';
import type { Happened } from './carrying-out.ts';
import { startClients } from './clients.ts';
import { createFindings } from './findings.ts';
import type { Findings, Invariant } from './findings.ts';
import { FAKETIME } from './fleet-host.ts';
import { openFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { FORM, SEED } from './forms.ts';
import { planFaults } from './schedule.ts';
import { settle } from './settle.ts';
import { knowAll } from './truth.ts';
import type { Truth } from './truth.ts';
import { startWatch } from './watch.ts';
import type { Watch } from './watch.ts';
import { planWishes } from './wishes.ts';

/** What origins may send of what the faults require. */
const MARGIN = 1.2;
const LIMIT_MS = FORM.runMs + 6 * FORM.quietMs;

const KINDS = FAKETIME === undefined ? FORM.kinds.filter((kind) => kind !== 'clock shifted') : FORM.kinds;
const without = KINDS.length < FORM.kinds.length ? ', no clock shifted: libfaketime is not installed' : '';

(canMakeNetworks() ? describe : describe.skip)(`a fleet under random faults (seed ${SEED}${without})`, () => {
  const folder = join(tmpdir(), `bypass-faults-${SEED}-${process.pid}`);
  let fleet: Fleet | undefined;
  let watch: Watch | undefined;
  let findings: Findings;
  let faults: readonly Happened[] = [];
  let isOver = false;

  beforeAll(async () => {
    process.stderr.write(`Fault run of form ${FORM.name}, seed ${SEED}${without}; journal in ${folder}\n`);
    await mkdir(folder, { recursive: true });
    findings = createFindings(join(folder, 'journal'));
    fleet = await openFleet(FORM, findings);
    const truth = knowAll(planWishes(SEED, FORM), FORM);
    watch = startWatch(fleet, truth, findings);
    const clients = startClients(fleet, truth, findings);
    faults = await carryOut(planFaults(SEED, { ...FORM, kinds: KINDS }), fleet, FORM, findings);
    findings.log('quiet');
    await clients.done;
    await settle({ fleet, truth, clients, watch, faults, findings, quietMs: FORM.quietMs });
    await watch.stop();
    judgeOrigin(fleet, truth, watch);
    isOver = true;
  }, LIMIT_MS);
  /** Journal and logs are kept where they can explain something. */
  afterAll(async () => {
    await watch?.stop().catch((error: unknown) => findings.log(String(error)));
    if (fleet === undefined) return;
    await cp(fleet.logs, join(folder, 'logs'), { recursive: true });
    await fleet.close();
    if (isOver && !findings.any() && FORM.name !== 'whole') await rm(folder, { recursive: true });
  }, 180_000);

  function judgeOrigin({ origin }: Fleet, truth: Truth, { downloads }: Watch): void {
    const images = truth.templates.map(({ wanted: { name }, content, removals }) => ({
      name,
      bytes: content.length,
      removals,
    }));
    const required = [...requiredBytes(images, faults, downloads).values()].reduce((a, b) => a + b, 0);
    const sent = images
      .map(({ name }) => origin.sent(name))
      .reduce((sum, { all, wrong }) => sum + all - wrong, 0);
    const once = images.reduce((sum, { bytes }) => sum + bytes, 0);
    findings.log(
      `the origin sent ${sent} bytes; once all images: ${once}; with what faults require: ${required}`,
    );
    if (sent > MARGIN * required)
      findings.violated('origin', `${sent} bytes were sent, and the faults require ${required}`);
  }

  test('the faults of the schedule happened, and somebody looked all the while', () => {
    expect(faults.length).toBeGreaterThan(0);
    const { all = 0, withDatabase = 0 } = watch?.rounds() ?? {};
    expect(withDatabase / all).toBeGreaterThan(0.5);
    expect(watch?.downloads.length).toBeGreaterThan(0);
  });

  test.each<[string, Invariant]>([
    [
      'every deployment ends Ready, or failed with a true reason, and is Ready when it is asked for again',
      'deployments',
    ],
    ['every published file is right, whenever it is looked at', 'files'],
    ['no file has two writers', 'writers'],
    ['no copy has two rows', 'rows'],
    ['no job is lost or done twice', 'jobs'],
    ['no machine runs twice, and every one that is wanted runs', 'machines'],
    ['no host worker ends by itself', 'processes'],
    ['nothing is left over', 'leftovers'],
    ['the origin sends at most 1.2 times what the faults require', 'origin'],
    ['database and Temporal agree', 'agreement'],
  ])('%s', (_title, invariant) => {
    expect(findings.of(invariant)).toEqual([]);
  });
});
