/**
 * The origin sends an image once, however many hosts want it: host workers in network namespaces with limited links. The
 * short form has 8 hosts, the full form 24.
 */
import { openSpreadLab } from '../labs/spread.ts';
import type { SpreadHost, SpreadLab } from '../labs/spread.ts';
import { canMakeNetworks } from '../labs/network.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

const HOSTS = isFullRun ? 24 : 8;
const BYTES = (isFullRun ? 48 : 24) * 1_048_576;
/** The origin sends 4 MB/s. */
const LINKS = { originMbit: 32, hostMbit: 160 };

const LONG_MS = 600_000;
/** Needs root, and a kernel that gives network namespaces. */
const inNetworks = canMakeNetworks() ? describe : describe.skip;

/** The same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

inNetworks('in a network of limited links', () => {
  let lab: SpreadLab;
  beforeAll(async () => {
    lab = await openSpreadLab({ hosts: HOSTS, uploads: 4, ...LINKS });
  }, LONG_MS);
  afterAll(() => lab.close(), LONG_MS);

  test(
    'the origin sends an image once, and all hosts have it in at most twice the time of one',
    async () => {
      const alone = await lab.addImage(BYTES);
      const one = await (await lab.deploy(alone, lab.hosts.slice(0, 1))).ended();
      const image = await lab.addImage(BYTES);
      const deploying = await lab.deploy(image);
      const all = await deploying.ended();
      expect(await lab.contents(image)).toEqual(lab.hosts.map(() => image.sha256));
      expect(all.originBytes / BYTES).toBeLessThanOrEqual(1.1);
      expect(all.seconds / one.seconds).toBeLessThanOrEqual(2);
      const copies = await deploying.deployments();
      expect(copies.filter(({ depth }) => depth === 0)).toHaveLength(1);
      expect(copies.filter(({ sourcehostname }) => sourcehostname !== undefined)).toHaveLength(HOSTS - 1);
    },
    LONG_MS,
  );

  // In the short form other test files run beside it, and troubles come closer together than the transfer can answer.
  if (isFullRun)
    test(
      'hosts that others fetch from are killed, stopped and cut off: all get the image',
      async () => {
        const image = await lab.addImage(BYTES, { checksum: false });
        const random = seeded(17);
        const deploying = await lab.deploy(image);
        const mend: (() => Promise<void>)[] = [];
        const troubled = new Set<string>();
        for (const trouble of ['kill', 'stop', 'cut'] as const) {
          const parents = await until(`a parent to ${trouble}`, async () => {
            const copies = await deploying.deployments();
            const busy = copies.filter(({ copyinghosts, state }) => copyinghosts > 0 && state === 'Creating');
            const names = busy.map(({ hostname }) => hostname);
            const found = lab.hosts.filter(({ name }) => names.includes(name) && !troubled.has(name));
            const over = copies.length === HOSTS && copies.every(({ state }) => state === 'Ready');
            if (over) throw new Error(`all hosts had the image before one could be troubled: ${trouble}`);
            return found.length > 0 ? found : undefined;
          });
          const parent = parents[Math.floor(random() * parents.length)] as SpreadHost;
          troubled.add(parent.name);
          if (trouble === 'kill') {
            await parent.kill();
            mend.push(() => parent.start());
          } else if (trouble === 'stop') {
            process.kill(parent.pid(), 'SIGSTOP');
            mend.push(() => Promise.resolve(void process.kill(parent.pid(), 'SIGCONT')));
          } else {
            await parent.place.setLink(false);
            mend.push(() => parent.place.setLink(true));
          }
        }
        for (const one of mend) await one();
        const { originBytes } = await deploying.ended(300_000);
        expect(await lab.contents(image)).toEqual(lab.hosts.map(() => image.sha256));
        expect(originBytes / BYTES).toBeLessThanOrEqual(1.3);
      },
      LONG_MS,
    );
});
