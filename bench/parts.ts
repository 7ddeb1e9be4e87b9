/** The parts of the bench beside the downloads, each with what it needs and what it reports. */
import type { Engine } from '../dev/engine.ts';
import { canMakeNetworks } from '../test/labs/network.ts';
import { missingPrograms } from './contestants.ts';
import { benchDeletions } from './deletions.ts';
import { benchDeployments } from './deployments.ts';
import { benchLists } from './lists.ts';
import { benchPage } from './page.ts';
import { benchRegistrations } from './registrations.ts';
import {
  describeDeletions,
  describeDeployments,
  describeLists,
  describePage,
  describeRegistrations,
  describeScale,
  describeSpread,
  describeVms,
} from './report.ts';
import type { BenchReport } from './report.ts';
import { benchScale } from './scale/scale.ts';
import { benchSpread } from './spread.ts';
import { benchVms } from './vms.ts';
import type { Watch } from './watch.ts';

export interface PartOptions {
  readonly engine: Engine;
  /** Bytes of the downloaded file. */
  readonly size: number;
  readonly count: number;
  readonly concurrency: number;
  readonly rounds: number;
  readonly deletions: number;
  readonly copies: number;
  /** Absent: as many as each part has at first. */
  readonly deployments: number | undefined;
  readonly templates: number;
  readonly seconds: number;
  readonly machines: number;
  readonly libvirtUri: string;
  readonly hosts: number | undefined;
  readonly originMbit: number;
  readonly hostMbit: number;
}

export interface PartOutcome {
  /** The table for people, or why the part cannot run here. */
  readonly text: string;
  readonly report: Partial<BenchReport>;
}

/** Over slow links, an image of this size takes long enough for its way to count more than its orchestration. */
const SPREAD_BYTES = 48 * 1_048_576;

const leftOut = (text: string): PartOutcome => ({ text, report: {} });

export const PARTS: Readonly<Record<string, (options: PartOptions, watch: Watch) => Promise<PartOutcome>>> = {
  async registrations({ engine, count, concurrency, rounds }, watch) {
    const registrations = await benchRegistrations({ engine, count, concurrency, rounds, ...watch });
    return { text: describeRegistrations(registrations), report: { registrations } };
  },
  async page({ rounds }, watch) {
    const page = await benchPage({ rounds, ...watch });
    if (page === undefined) return leftOut('page is left out, since not installed: chromium');
    return { text: describePage(page), report: { page } };
  },
  async lists({ templates: many, seconds }, watch) {
    const lists = await benchLists({ few: Math.ceil(many / 100), many, calls: 15, seconds, ...watch });
    return { text: describeLists(lists), report: { lists } };
  },
  async deletions({ engine, deletions: count, copies }, watch) {
    const deletions = await benchDeletions({ engine, deletions: count, copies, ...watch });
    return { text: describeDeletions(deletions), report: { deletions } };
  },
  async deployments({ engine, deployments: count = 240, concurrency, rounds }, watch) {
    const options = { engine, deployments: count, concurrency, rounds };
    const deployments = await benchDeployments({ ...options, ...watch });
    return { text: describeDeployments(deployments), report: { deployments } };
  },
  async scale({ engine, hosts = 500, deployments = 50_000 }, watch) {
    const scale = await benchScale({ engine, hosts, deployments, ...watch });
    return { text: describeScale(scale), report: { scale } };
  },
  async vms({ libvirtUri, machines }, watch) {
    const missing = missingPrograms([{ programs: ['virsh', 'qemu-img', 'qemu-system-x86_64'] }]);
    if (missing.length > 0) return leftOut(`vms are left out, since not installed: ${missing.join(', ')}`);
    const vms = await benchVms({ libvirtUri, rounds: 10, machines, concurrency: 10, ...watch });
    return { text: describeVms(vms), report: { vms } };
  },
  async spread({ size, hosts = 24, originMbit, hostMbit, rounds }, watch) {
    const missing = missingPrograms([{ programs: ['ip', 'tc', 'nginx'] }]);
    if (missing.length > 0) return leftOut(`spread is left out, since not installed: ${missing.join(', ')}`);
    if (!canMakeNetworks()) return leftOut('spread is left out: this process may make no network namespaces');
    const bytes = Math.min(size, SPREAD_BYTES);
    const spread = await benchSpread({ hosts, originMbit, hostMbit, size: bytes, rounds, ...watch });
    return { text: describeSpread(spread), report: { spread } };
  },
};
