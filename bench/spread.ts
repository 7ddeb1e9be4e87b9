/**
 * How an image spreads over many hosts, by the number of uploads of each, beside plain downloads over the same links. The
 * hosts are real host workers in network namespaces (test/labs/spread.ts).
 */
import { openSpreadLab } from '../test/labs/spread.ts';
import type { SpreadLab } from '../test/labs/spread.ts';
import { median } from './statistics.ts';
import type { Watch } from './watch.ts';

export interface SpreadOptions extends Watch {
  readonly hosts: number;
  readonly size: number;
  readonly rounds: number;
  readonly originMbit: number;
  readonly hostMbit: number;
}

export interface SpreadReport {
  readonly hosts: number;
  readonly size: number;
  readonly originMbit: number;
  readonly hostMbit: number;
  /** The image on one host. */
  readonly oneSeconds: number;
  readonly rows: readonly SpreadRow[];
}

export interface SpreadRow {
  /** Uploads of a host at a time; 0: every host fetches from the origin. */
  readonly uploads: number;
  /** Median, and of each round. */
  readonly seconds: number;
  readonly rounds: readonly number[];
  /** Bytes of images that the origin has sent, by the size of the image. */
  readonly originShare: number;
  /** Hosts between the last one and the origin. */
  readonly depth: number;
}

const FAN_OUTS = [4, 2, 1] as const;

export async function benchSpread(options: SpreadOptions): Promise<SpreadReport> {
  const { hosts, size, rounds, originMbit, hostMbit, onStep } = options;
  onStep(`spread: starts ${hosts} hosts`);
  const lab = await openSpreadLab({ hosts, originMbit, hostMbit, uploads: FAN_OUTS[0] });
  try {
    const alone: number[] = [];
    const rows: SpreadRow[] = [];
    for (const uploads of [...FAN_OUTS, 0]) {
      if (uploads > 0 && uploads !== FAN_OUTS[0]) await lab.setUploads(uploads);
      await lab.setPeers(uploads > 0);
      const measured: Measured[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        onStep(`spread: ${describe(uploads)}, round ${round} of ${rounds}`);
        alone.push((await deployNew(lab, size, 1)).seconds);
        measured.push(await deployNew(lab, size, hosts));
      }
      rows.push({
        uploads,
        seconds: median(measured.map(({ seconds }) => seconds)),
        rounds: measured.map(({ seconds }) => seconds),
        originShare: Math.max(...measured.map(({ originBytes }) => originBytes)) / size,
        depth: Math.max(...measured.map(({ depth }) => depth)),
      });
    }
    return { hosts, size, originMbit, hostMbit, oneSeconds: median(alone), rows };
  } finally {
    await lab.close();
  }
}

const describe = (uploads: number): string => (uploads === 0 ? 'plain downloads' : `${uploads} uploads`);

interface Measured {
  readonly seconds: number;
  readonly originBytes: number;
  readonly depth: number;
}

async function deployNew(lab: SpreadLab, size: number, hosts: number): Promise<Measured> {
  const image = await lab.addImage(size);
  const deploying = await lab.deploy(image, lab.hosts.slice(0, hosts));
  const ended = await deploying.ended(1_800_000);
  const depths = (await deploying.deployments()).map(({ depth = 0 }) => depth);
  return { ...ended, depth: Math.max(...depths) };
}
